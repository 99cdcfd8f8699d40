/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the table: at once when there is a device to guard, and again in steps after
 * events were lost, so that whoever calls the guard is not kept waiting.
 *
 * Events are read between the steps. What they have told of an entry since the listing began
 * is no older than what the listing tells of it, which is then ignored. The other way round,
 * the kernel makes parts of the listing before they are asked for: these may tell of an entry
 * whose end is known already. Such an entry is asked for in the end, like those that
 * the listing did not show. */
#include "guard/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* After the limit was reached: the table is read again when this few are known. */
#define FULL_AGAIN(max) ((max) / 8 * 7)

/* Batches of events read to empty a socket. */
#define DRAIN_MAX 64

/* How long a step of a listing lasts; and how many of the kernel's it has at least, which is
 * more than the kernel makes in advance. */
#define STEP_TIME (2 * USEC_PER_MSEC)
#define STEP_LEAST 8

bool guard_relist_is_due(const struct guard *g, usec_t now)
{
	usec_t rest = MAX(GUARD_RELIST_EVERY, g->relist_took);
	size_t known = pinned_set_count(g->pinned) + unpinned_count(g->unpinned);

	if (!g->relisted)
		return true;
	if (g->repair.active || now < g->relisted + rest)
		return false;
	return g->status.state != GUARD_LIVE ||
	       (g->full && known < FULL_AGAIN(g->env.settings->shadow_max));
}

static int resync_on_listed(void *ud, const struct conn_record *record)
{
	return guard_take(ud, record);
}

static void resync_open(struct guard *g)
{
	guard_count_begin(g);
	g->status.state = GUARD_SYNCING;
	g->status.relists++;
	g->full = false;
	pinned_set_begin_round(g->pinned);
	unpinned_begin_round(g->unpinned);
	g->tidy_pinned = g->tidy_unpinned = 0;
}

static void resync_close(struct guard *g)
{
	g->status.state = GUARD_LIVE;
	guard_count_end(g);
	g->keep.counting = false;
	g->tidy_pinned = pinned_set_count(g->pinned);
	g->tidy_unpinned = unpinned_count(g->unpinned);
}

int guard_relist(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	int i, r = -EAGAIN;

	/* A socket that has lost events goes on losing them silently until it is empty
	 * (netlink_overrun()), so it is emptied before the table is read. */
	for (i = 0; i < DRAIN_MAX && (r == -EAGAIN || r == -ENOBUFS); i++)
		r = guard_drop_events(g);
	resync_open(g);
	g->batch_at = guard_now(g);
	r = k->ops->ct_dump(k->ctx, AF_UNSPEC, resync_on_listed, g);
	if (r == 0)
		resync_close(g);
	return r;
}

/* ---- in steps ---- */

static int resync_take(void *ud, const struct conn_record *record)
{
	struct guard *g = ud;
	int64_t i = unpinned_find(g->unpinned, &record->conn->key);

	if (i >= 0 && unpinned_is_seen(g->unpinned, (size_t)i) &&
	    unpinned_at(g->unpinned, (size_t)i).id == record->conn->id)
		return 0;
	return guard_take(g, record);
}

/* Empty the socket, a batch in each step; then begin to list. */
static int resync_begin(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	struct guard_resync *x = &g->resync;
	int r = 0;

	if (!x->drains) {
		x->began = guard_now(g);
		if (!guard_observes(g))
			guard_keep_load(g);
		r = guard_see_addresses(g);
	}
	if (r == 0 && x->drains++ < DRAIN_MAX) {
		r = guard_drop_events(g);
		if (r == -EAGAIN || r == -ENOBUFS)
			return -EAGAIN;
	}
	x->drains = 0;
	if (r < 0)
		return r;
	resync_open(g);
	r = k->ops->ct_list_begin(k->ctx, AF_UNSPEC);
	x->listing = r == 0;
	return r < 0 ? r : -EAGAIN;
}

int guard_resync_step(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	struct guard_resync *x = &g->resync;
	usec_t until = guard_now(g) + STEP_TIME;
	unsigned n = 0;
	bool sound;
	int r;

	if (!x->listing)
		return resync_begin(g);
	g->batch_at = guard_now(g);
	do
		r = k->ops->ct_list_step(k->ctx, resync_take, g);
	while (r == -EAGAIN && (++n < STEP_LEAST || guard_now(g) < until));
	while (x->n_ended)
		unpinned_unsee(g->unpinned, &x->ended[--x->n_ended]);
	if (r == -EAGAIN)
		return r;
	sound = guard_resync_stop(g);
	if (r == 0 && sound)
		resync_close(g);
	return r;
}

/* A listing misses entries that are inserted meanwhile, so each one that it did not show is
 * asked for before it is forgotten. */
static size_t tidy_collect(struct guard *g, struct conn_key *keys)
{
	size_t n = 0, looked = 0;

	g->tidy_pinned = MIN(g->tidy_pinned, pinned_set_count(g->pinned));
	g->tidy_unpinned = MIN(g->tidy_unpinned, unpinned_count(g->unpinned));
	while (g->tidy_pinned && n < GUARD_STEP && looked++ < GUARD_SCAN) {
		struct pinned_set_item item = pinned_set_at(g->pinned, --g->tidy_pinned);

		if (!item.seen)
			keys[n++] = item.key;
	}
	while (g->tidy_unpinned && n < GUARD_STEP && looked++ < GUARD_SCAN)
		if (!unpinned_is_seen(g->unpinned, --g->tidy_unpinned) &&
		    !unpinned_is_flushed(g->unpinned, g->tidy_unpinned))
			keys[n++] = unpinned_at(g->unpinned, g->tidy_unpinned).key;
	return n;
}

bool guard_tidy(struct guard *g)
{
	_cleanup_free_ struct conn_key *keys = NULL;
	size_t i, n;

	if (!g->tidy_pinned && !g->tidy_unpinned)
		return false;
	keys = malloc(GUARD_STEP * sizeof(*keys));
	if (!keys)
		return false;
	n = tidy_collect(g, keys);
	if (!n || fetch_keys(&g->env.kernel, keys, n, resync_on_listed, g) < 0)
		return true;
	for (i = 0; i < n; i++) {
		int64_t y = unpinned_find(g->unpinned, &keys[i]);

		if (!pinned_set_is_seen(g->pinned, &keys[i]))
			pinned_set_remove(g->pinned, &keys[i]);
		if (y >= 0 && !unpinned_is_seen(g->unpinned, (size_t)y)) {
			const struct conn c = unpinned_at(g->unpinned, (size_t)y);

			guard_end_missed(g, &c);
			unpinned_remove(g->unpinned, &keys[i]);
		}
	}
	return true;
}
