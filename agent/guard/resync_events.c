/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens while the table is read in steps (resync.c), and the end of that. */
#include "guard/parts.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "base/array.h"

void guard_resync_ended(struct guard *g, const struct conn_key *key)
{
	struct guard_resync *x = &g->resync;
	struct conn_key *place;

	if (!x->listing)
		return;
	place = array_append(&x->ended, &x->n_ended, sizeof(*x->ended));
	if (place)
		*place = *key;
	else
		x->torn = true;
}

void guard_resync_told(struct guard *g, const struct conn *c)
{
	if (g->resync.listing && c->key.l4proto == IPPROTO_TCP && c->tcp_state == CONN_TCP_NONE)
		unpinned_unsee(g->unpinned, &c->key); /* it has not told all */
}

void guard_resync_lost(struct guard *g)
{
	g->status.overruns++;
	if (g->resync.listing)
		g->resync.torn = true;
	else
		g->status.state = GUARD_STALE;
}

bool guard_resync_stop(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	struct guard_resync *x = &g->resync;
	bool sound = x->listing && !x->torn;

	if (x->listing) {
		k->ops->ct_list_end(k->ctx);
		g->status.state = GUARD_STALE;
	}
	free(x->ended);
	*x = (struct guard_resync){ .began = x->began };
	return sound;
}
