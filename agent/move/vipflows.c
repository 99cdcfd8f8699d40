/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flows of the leaving addresses themselves. KEEP makes them candidates
 * like any other (run_sort_addresses()); else they are removed (drop.c), or reset and
 * removed (reset.c). */
#include "move/stage.h"

#include <errno.h>

bool vipflows_is_behind(const struct run *run, size_t i)
{
	const struct conn *c = connset_get(run->set, i);
	struct addr as = tuple_dst(&c->reply, c->key.family);

	return run->entries[i].skip == SKIP_OF_VIP && c->status & CONN_SRC_NAT_DONE &&
	       conn_alteration(c) != ALTERATION_OTHER && addrset_has(&run->leaving, &as);
}

static int put_behind(void *ud, const struct conn_record *record)
{
	struct run *run = ud;
	struct addr as = tuple_dst(&record->conn->reply, record->conn->key.family);

	return record->conn->status & CONN_SRC_NAT_DONE && addrset_has(&run->leaving, &as)
		       ? snapshot_put(run, record)
		       : 0;
}

int vipflows_find(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	int r = run->leaving.n ? k->ops->ct_dump(k->ctx, run->family, put_behind, run) : 0;

	return r == -EINTR ? 0 : r;
}
