/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/stage.h"

#include <errno.h>
#include <string.h>

/* Entries asked for in one batch. */
#define CHUNK 128

int fetch_keys(const struct kernel *k, const struct conn_key *keys, size_t n, conn_sink sink,
	       void *ud)
{
	struct conn probe[CHUNK];
	struct ct_op ops[CHUNK];
	size_t at, i, m;
	int r = 0;

	for (at = 0; at < n && r == 0; at += m) {
		m = MIN(n - at, (size_t)CHUNK);
		memset(probe, 0, sizeof(probe));
		for (i = 0; i < m; i++) {
			probe[i].key = keys[at + i];
			ops[i] = (struct ct_op){
				.verb = CT_GET, .conn = &probe[i], .sink = sink, .ud = ud
			};
		}
		r = k->ops->ct_batch(k->ctx, ops, m);
		r = r == -ENOBUFS ? 0 : r;
	}
	return r;
}
