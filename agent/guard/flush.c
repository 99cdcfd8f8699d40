/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel deletes after somebody has deleted an address was flushed: it is put back,
 * or counted as lost. */
#include "guard/parts.h"

/* A repair under way is extended: it looks at everything once more. */
void guard_begin_repair(struct guard *g, bool foreign)
{
	struct guard_repair *r = &g->repair;

	if (g->status.state != GUARD_LIVE && !r->active) {
		guard_suffer(g); /* what is known is out of date */
		return;
	}
	if (!r->active) {
		*r = (struct guard_repair){ .active = true };
		guard_begin_save(g);
	}
	r->foreign = r->foreign || foreign;
	r->began = guard_now(g);
	r->in_vain = 0;
}

void guard_suffer(struct guard *g)
{
	g->suffer_until = MAX(g->suffer_until, guard_now(g) + GUARD_SETTLE_MAX);
}

void guard_suffer_no_more(struct guard *g)
{
	g->suffer_until = 0;
	g->late.is_lost = g->late.foreign = false;
}

/* Count C as lost, unless it was closing or unanswered. */
void guard_count_death(struct guard *g, const struct conn *c)
{
	if (g->batch_at >= g->suffer_until || worth_of(c) == WORTH_UNANSWERED ||
	    c->tcp_state == CONN_TCP_TIME_WAIT || c->tcp_state == CONN_TCP_CLOSE)
		return;
	guard_note_lost(g, c);
	g->suffer_until = MAX(g->suffer_until, g->batch_at + GUARD_SETTLE_QUIET);
}
