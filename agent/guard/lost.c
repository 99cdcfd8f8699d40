/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections that a guard could not keep are counted, and the latest are named. */
#include "guard/parts.h"

#include <string.h>

/* Thousands may be lost at once: they are put into words only when somebody asks. */
void guard_note_lost(struct guard *g, const struct conn *c)
{
	int64_t i = unpinned_find(g->unpinned, &c->key);
	struct conn_record record = { .payload_len = 0 };
	struct guard_named *named;

	g->status.lost++;
	if (g->n_named == GUARD_NAMED_MAX) {
		memmove(&g->named[0], &g->named[1], sizeof(g->named) - sizeof(g->named[0]));
		g->n_named--;
	}
	named = &g->named[g->n_named++];
	named->conn = *c;
	if (i >= 0)
		record = unpinned_record(g->unpinned, (size_t)i);
	named->payload_len = record.payload_len <= sizeof(named->payload) ? record.payload_len : 0;
	if (named->payload_len)
		memcpy(named->payload, record.payload, named->payload_len);
}

size_t guard_take_lost(struct guard *g, char ret[GUARD_NAMED_MAX][CONN_LINE_MAX])
{
	const struct kernel *k = &g->env.kernel;
	size_t i, n = g->n_named;

	for (i = 0; i < n; i++) {
		const struct guard_named *named = &g->named[i];
		const struct conn_record record = { .conn = &named->conn,
						    .payload = named->payload,
						    .payload_len = named->payload_len };

		k->ops->ct_line(k->ctx, &record, ret[i]);
	}
	g->n_named = 0;
	return n;
}
