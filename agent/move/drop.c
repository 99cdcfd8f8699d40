/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Delete the flows of the leaving addresses, with those that were born until the addresses
 * went. */
#include "move/stage.h"

#include <errno.h>
#include <string.h>

#define CHUNK 128

static int drop_chunk(const struct run *run, const size_t *idx, size_t n)
{
	const struct kernel *k = &run->env->kernel;
	struct ct_op ops[CHUNK];
	size_t i;
	int r;

	for (i = 0; i < n; i++)
		ops[i] = (struct ct_op){ .verb = CT_DELETE, .conn = connset_get(run->set, idx[i]) };
	r = n ? k->ops->ct_batch(k->ctx, ops, n) : 0;
	r = r == -ENOBUFS ? 0 : r;
	for (i = 0; i < n && r == 0; i++)
		run->entries[idx[i]].dropped = !ops[i].result || ops[i].result == -ENOENT;
	return r;
}

void stage_drop(struct run *run)
{
	size_t idx[CHUNK], i, m = 0;
	int r = 0, noted;

	if (run->req->vip_flows == VIP_FLOWS_KEEP || !run->set)
		return;
	noted = snapshot_note(run); /* on failure those that are known are deleted */
	for (i = 0; i < connset_count(run->set) && r == 0; i++) {
		if (vipflows_is_behind(run, i))
			idx[m++] = i;
		if (m == CHUNK) {
			r = drop_chunk(run, idx, m);
			m = 0;
		}
	}
	if (r == 0)
		r = drop_chunk(run, idx, m);
	r = r < 0 ? r : noted;
	if (r < 0)
		report_warn(run->report, "vip-flows-left", "",
			    "connections of the leaving addresses could not be removed: %s",
			    strerror(-r));
}
