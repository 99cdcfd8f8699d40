/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel deletes after somebody has deleted an address was flushed: it is put back,
 * or counted as lost. */
#include <netinet/in.h>

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

/* A flush that comes when the repair it was expected by is over: on a busy machine the
 * kernel's work queue runs late. Nothing is polled or held back meanwhile: the first
 * entry that only a flush can have taken begins a repair like any other. */

/* How long after a delete its flush is still expected. */
#define LATE_MAX (5 * USEC_PER_SEC)

void guard_expect_late(struct guard *g, bool repair, bool foreign)
{
	g->late = (struct guard_late){
		.until = guard_now(g) + LATE_MAX,
		.is_lost = !repair,
		.foreign = foreign,
	};
}

static bool guard_late_is_closing(enum conn_tcp_state s)
{
	return s == CONN_TCP_LAST_ACK || s == CONN_TCP_TIME_WAIT || s == CONN_TCP_CLOSE;
}

/* Whether KNOWN was still in use when the kernel removed it. From Linux 5.15 on the event
 * DEAD has the TCP state and the timeout that was left, which is 0 if the entry expired.
 * Older kernels send neither: there only an established TCP connection is sure not to have
 * ended by itself. */
static bool was_alive(const struct conn *known, const struct conn *dead)
{
	if (dead->timeout)
		return !guard_late_is_closing(dead->tcp_state ? dead->tcp_state : known->tcp_state);
	return dead->key.l4proto == IPPROTO_TCP && dead->tcp_state == CONN_TCP_NONE &&
	       known->tcp_state == CONN_TCP_ESTABLISHED && known->status & CONN_ASSURED;
}

/* Whether the kernel may have dropped KNOWN for want of room: from a full table it drops
 * entries that are not assured or have begun to close. */
static bool may_be_dropped(const struct guard *g, const struct conn *known)
{
	const struct kernel *k = &g->env.kernel;
	uint32_t count, max;

	if (known->status & CONN_ASSURED &&
	    (known->key.l4proto != IPPROTO_TCP || known->tcp_state == CONN_TCP_ESTABLISHED))
		return false;
	return k->ops->ct_usage(k->ctx, &count, &max) == 0 && max &&
	       (uint64_t)count * 100 > (uint64_t)max * g->env.settings->pin_max_fill;
}

void guard_meet_late(struct guard *g, const struct conn *known, const struct conn *dead)
{
	if (g->batch_at >= g->late.until || g->batch_at < g->suffer_until || g->repair.active ||
	    g->moving || worth_of(known) == WORTH_UNANSWERED || !was_alive(known, dead) ||
	    may_be_dropped(g, known))
		return;
	if (g->late.is_lost)
		guard_suffer(g);
	else
		guard_begin_repair(g, g->late.foreign);
}
