/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel deletes after somebody has deleted an address was flushed: it is put back,
 * or counted as lost. */
#include <netinet/in.h>
#include <string.h>

#include "guard/parts.h"

/* A repair under way is extended: it looks at everything once more. */
void guard_begin_repair(struct guard *g, bool foreign)
{
	struct guard_repair *r = &g->repair;
	bool partial;

	if (guard_observes(g)) {
		guard_suffer(g);
		return;
	}
	partial = guard_resync_stop(g); /* until it is over */
	if (g->status.state != GUARD_LIVE && !partial && !r->active) {
		guard_suffer(g); /* what is known is out of date */
		return;
	}
	if (!r->active) {
		*r = (struct guard_repair){ .active = true, .partial = partial };
		guard_begin_save(g);
	}
	r->foreign = r->foreign || foreign;
	r->began = guard_now(g);
	r->in_vain = 0;
	g->held_until = 0; /* a run may have deleted it, which takes our rules away with its own */
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
		.is_lost = !repair || guard_observes(g),
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

void guard_count_unselected(struct guard *g, const struct conn *known, const struct conn *dead)
{
	bool flushing = g->repair.active || g->batch_at < g->suffer_until;

	if (flushing && worth_of(known) != WORTH_UNANSWERED && was_alive(known, dead))
		guard_note_lost(g, known);
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

/* If somebody deletes an address again and again, and it comes back in between, its deletes
 * begin no repair for a while, and what they flush is counted as lost. Many addresses that
 * go at once do not count as such. */

/* An address that comes and goes this often in this time, and breaks something. */
#define FIGHT_TIMES 10
#define FIGHT_WINDOW (60 * USEC_PER_SEC)

/* How long its deletes are not repaired then. */
#define FIGHT_PAUSE (60 * USEC_PER_SEC)

static struct guard_fighter *guard_fight_find(struct guard *g, const struct prefix *p)
{
	size_t i;

	for (i = 0; i < g->n_fighters; i++)
		if (prefix_equal(&g->fighters[i].prefix, p))
			return &g->fighters[i];
	return NULL;
}

/* A new one; if the list is full it replaces the one whose delete is longest ago. */
static struct guard_fighter *guard_fight_make(struct guard *g, const struct prefix *p)
{
	struct guard_fighter *f = g->fighters;
	size_t i;

	if (g->n_fighters < GUARD_FIGHTERS_MAX)
		f = &g->fighters[g->n_fighters++];
	else
		for (i = 1; i < g->n_fighters; i++)
			if (g->fighters[i].went < f->went)
				f = &g->fighters[i];
	*f = (struct guard_fighter){ .prefix = *p };
	return f;
}

void guard_note_arrival(struct guard *g, const struct prefix *p)
{
	struct guard_fighter *f = guard_fight_find(g, p);

	if (f)
		f->came = true;
}

bool guard_note_departure(struct guard *g, const struct prefix *p)
{
	struct guard_fighter *f = guard_fight_find(g, p);
	usec_t t = guard_now(g);

	if (!f)
		f = guard_fight_make(g, p);
	if (f->came && t - f->counted >= GUARD_ONE_REPAIR)
		f->accused = true;
	f->came = false;
	f->went = t;
	return t < f->pause_until;
}

void guard_count_fights(struct guard *g)
{
	usec_t t = guard_now(g);
	size_t i;

	for (i = 0; i < g->n_fighters; i++) {
		struct guard_fighter *f = &g->fighters[i];

		if (!f->accused)
			continue;
		f->accused = false;
		if (t - f->since > FIGHT_WINDOW) {
			f->since = t;
			f->times = 0;
		}
		f->counted = t;
		if (++f->times < FIGHT_TIMES)
			continue;
		f->since = f->times = 0;
		f->pause_until = t + FIGHT_PAUSE;
		g->status.quarantined = true;
	}
}

void guard_end_fights(struct guard *g)
{
	usec_t t = guard_now(g);
	bool any = false;
	size_t i;

	for (i = 0; i < g->n_fighters; i++)
		any = any || t < g->fighters[i].pause_until;
	g->status.quarantined = any;
}

/* Connections that a guard could not keep are counted, and the latest are named. */

/* Thousands may be lost at once: they are put into words only when somebody asks. */
void guard_note_lost(struct guard *g, const struct conn *c)
{
	int64_t i = unpinned_find(g->unpinned, &c->key);
	struct conn_record record = { .payload_len = 0 };
	struct guard_named *named;
	struct conn known;

	g->status.lost++;
	guard_end_missed(g, c); /* unless it was told of */
	if (g->n_named == GUARD_NAMED_MAX) {
		memmove(&g->named[0], &g->named[1], sizeof(g->named) - sizeof(g->named[0]));
		g->n_named--;
	}
	named = &g->named[g->n_named++];
	named->conn = *c;
	if (i >= 0)
		record = unpinned_record(g->unpinned, (size_t)i, &known);
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
