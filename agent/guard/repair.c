/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Somebody has deleted an address of the device: what is not pinned may have been
 * flushed, now or a moment later, and comes back. Events tell what is gone, and
 * goes first; then everything is looked at, since events may be missing. */
#include "guard/parts.h"

#include <errno.h>
#include <string.h>

/* Sweeps in a row that bring nothing back, until the repair gives up. */
#define IN_VAIN_MAX 8

/* Entries put back in one step. */
#define STEP 256

/* Count what is still flushed as lost. */
static void guard_repair_give_up(struct guard *g)
{
	size_t i = unpinned_count(g->unpinned);

	while (i-- && unpinned_count_flushed(g->unpinned))
		if (unpinned_is_flushed(g->unpinned, i)) {
			const struct conn c = unpinned_at(g->unpinned, i);

			guard_note_lost(g, &c);
			unpinned_remove(g->unpinned, &c.key);
		}
}

static void guard_repair_end(struct guard *g)
{
	guard_repair_give_up(g);
	guard_order_end(&g->repair.order);
	guard_end_save(g);
	g->repair.active = g->keep_armed = false;
	guard_let_go(g);
}

struct step {
	struct guard *g;
	struct conn_key others[STEP]; /* that stand where ours did */
	size_t n_others;
};

static bool is_flushed(const struct guard *g, const struct conn *c)
{
	int64_t i = unpinned_find(g->unpinned, &c->key);

	return i >= 0 && unpinned_is_flushed(g->unpinned, (size_t)i);
}

static int on_restored(void *ud, const struct conn *c, enum guard_fate fate)
{
	struct step *s = ud;
	struct guard *g = s->g;

	switch (fate) {
	case FATE_OURS:
		g->repair.restored++;
		return guard_note_pinned(g, c);
	case FATE_THERE: /* brought back by its own traffic, with another id */
		if (!is_flushed(g, c))
			break;
		s->others[s->n_others++] = c->key;
		unpinned_remove(g->unpinned, &c->key);
		break;
	case FATE_LOST:
		guard_note_lost(g, c);
		s->others[s->n_others++] = c->key;
		unpinned_remove(g->unpinned, &c->key);
		break;
	case FATE_OTHER:
		s->others[s->n_others++] = c->key;
		unpinned_remove(g->unpinned, &c->key);
		break;
	case FATE_AGAIN:
		unpinned_flush(g->unpinned, &c->key);
		break;
	case FATE_ENDED:
		if (is_flushed(g, c))
			unpinned_remove(g->unpinned, &c->key);
		break;
	case FATE_FAILED:
	case FATE_SPARED:
	case FATE_ALTERED:
	case FATE_REFUSED:
		break;
	}
	return 0;
}

static int on_other(void *ud, const struct conn_record *record)
{
	return guard_take(ud, record);
}

/* Count a repair that was needed, once for all that begin within GUARD_ONE_REPAIR. */
static void count_needed(struct guard *g)
{
	usec_t t = guard_now(g);

	guard_count_fights(g);
	if (g->status.repairs && t - g->repair_counted < GUARD_ONE_REPAIR)
		return;
	g->status.repairs++;
	g->repair_counted = t;
}

static void guard_repair_count(struct guard *g, const struct report *report)
{
	if (!report->entries.flushed)
		return;
	if (g->repair.foreign)
		count_needed(g);
	g->status.restored += report->entries.restored;
	g->status.superseded += report->entries.superseded;
}

static bool guard_repair_is_wanted(const struct guard *g, size_t i)
{
	return !unpinned_is_left_out(g->unpinned, i) &&
	       (unpinned_is_flushed(g->unpinned, i) ||
		(g->repair.sweeping && guard_repair_knows(g, i)));
}

/* The next entries. NULL: out of memory. */
static struct connset *guard_repair_collect(struct guard *g)
{
	_cleanup_free_ struct conn_key *keys = malloc(STEP * sizeof(*keys));
	struct connset *set = keys ? connset_new(g->env.seed, 0) : NULL;
	size_t i, n = set ? guard_order_next(g, &g->repair.order, guard_repair_is_wanted, keys) : 0;
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		struct conn c;
		struct conn_record record = unpinned_record(
			g->unpinned, (size_t)unpinned_find(g->unpinned, &keys[i]), &c);

		r = connset_add(set, &record);
	}
	return r < 0 ? connset_free(set) : set;
}

static int guard_repair_work(struct guard *g)
{
	usec_t began = guard_now(g);
	struct connset *set = guard_repair_collect(g);
	struct step s = { .g = g };
	struct report report;
	size_t n;
	int r;

	if (!set)
		return -ENOMEM;
	n = connset_count(set);
	if (!n) {
		connset_free(set);
		return 0;
	}
	g->keep_armed = true;
	r = guard_restore(g, set, on_restored, &s, &report);
	if (r == 0)
		r = fetch_keys(&g->env.kernel, s.others, s.n_others, on_other, g);
	if (r == 0)
		guard_repair_count(g, &report);
	pace_note(&g->repair.order.pace, n, guard_now(g) - began);
	return r;
}

static usec_t until(const struct guard *g)
{
	const struct guard_repair *r = &g->repair;

	return MAX(r->began + GUARD_SETTLE_MAX, r->last_death + GUARD_SETTLE_QUIET);
}

static void begin_sweep(struct guard *g, bool all)
{
	g->repair.sweeping = all;
	g->repair.restored = 0;
	g->held_until = 0; /* arm again: the rules may have gone since */
	if (all)
		g->repair.swept = guard_now(g);
	if (guard_order_begin(g, &g->repair.order, STEP) < 0)
		guard_repair_give_up(g);
}

static void end_sweep(struct guard *g)
{
	struct guard_repair *r = &g->repair;

	r->in_vain = r->sweeping || r->restored ? 0 : r->in_vain + 1;
	if (r->in_vain == IN_VAIN_MAX)
		guard_repair_give_up(g);
}

/* Of what somebody has deleted just before the address, the events may be waiting still: a sweep
 * over all would miss such an entry and put it back. Events that come faster than they are read
 * do not keep it from the others for ever. */
static bool guard_repair_must_hear(const struct guard *g)
{
	return g->count.unread && guard_now(g) < until(g) + GUARD_SETTLE_MAX;
}

/* Begin the next sweep, or end the repair. False: nothing to do now. */
static bool choose_sweep(struct guard *g)
{
	const struct guard_repair *r = &g->repair;
	usec_t t = guard_now(g);

	if (unpinned_count_flushed(g->unpinned))
		begin_sweep(g, false);
	else if (guard_repair_must_hear(g))
		return false;
	else if (!r->swept || (t >= until(g) && r->swept < until(g)))
		begin_sweep(g, true);
	else if (t >= until(g))
		guard_repair_end(g);
	else
		return false;
	return true;
}

int guard_repair_step(struct guard *g, bool *ret_more)
{
	struct guard_repair *r = &g->repair;
	_cleanup_close_ int lock = -1;
	bool locked_out;
	int error;

	*ret_more = false;
	if (!r->active)
		return 0;
	if (unpinned_count_flushed(g->unpinned))
		guard_hold_back(g);
	/* Before each step, also while we save: a run that has the lock takes these rules away. */
	locked_out = guard_lock(g, &lock) < 0;
	/* All is on disk before the first is put back: who is killed in between loses none. */
	if (guard_save_step(g)) {
		*ret_more = true;
		return 0;
	}
	if ((!r->order.open && !choose_sweep(g)) || !r->active)
		return 0;
	/* A run that holds the lock restores the entries itself, unless it is stuck: that
	 * is assumed after hold_max. */
	if (locked_out && guard_now(g) - r->began <= g->env.settings->hold_max)
		return 0;
	*ret_more = true;
	error = guard_repair_work(g);
	if (error < 0)
		guard_repair_end(g);
	else if (!r->order.open)
		end_sweep(g);
	return error;
}

usec_t guard_repair_next(const struct guard *g)
{
	usec_t t = guard_now(g);

	if (!g->repair.active)
		return USEC_NEVER;
	if (g->locked_out)
		return t + GUARD_LOCK_EVERY;
	return g->repair.order.open || unpinned_count_flushed(g->unpinned) ? t : MAX(until(g), t);
}
