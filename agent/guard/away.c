/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that have vanished while something was translated to them: which they are, since
 * when, and what others are told of it. What becomes of their connections: linger.c. */
#include "guard/away.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/rundir.h"
#include "guard/parts.h"

/* Addresses at a time; what vanishes beyond them is seen when there is room again. */
#define AWAY_MAX 65536

/* After a failure to write. */
#define AWAY_WRITE_AGAIN USEC_PER_SEC

/* ---- which they are ---- */

/* Where A is in the list, or where it belongs. */
static size_t away_place(const struct guard_linger *l, const struct addr *a)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(&l->list[mid].addr, a, sizeof(*a)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct guard_away *guard_away_find(const struct guard_linger *l, const struct addr *a)
{
	size_t i = away_place(l, a);

	return i < l->n && addr_equal(&l->list[i].addr, a) ? &l->list[i] : NULL;
}

static usec_t away_time(const struct guard *g)
{
	return MAX(g->device.linger, GUARD_LINGER_SETTLE);
}

usec_t guard_away_due(const struct guard *g, const struct guard_away *x)
{
	return x->over ? x->retry : x->since + away_time(g);
}

bool guard_away_holds(const struct guard *g, const struct guard_away *x)
{
	return g->device.linger && !x->over;
}

/* X has come or has changed: bring the sets in line with it. An error makes the connections
 * of one address go early. */
static void away_sort(struct guard *g, const struct guard_away *x)
{
	struct guard_linger *l = &g->linger;

	if (guard_away_holds(g, x))
		(void)addrset_add(&l->away, &x->addr);
	else
		addrset_remove(&l->away, &x->addr);
	if (guard_away_holds(g, x) && x->own)
		(void)addrset_add(&l->own, &x->addr);
	else
		addrset_remove(&l->own, &x->addr);
	l->unsaved = l->listen = true;
}

void guard_away_tell(struct guard *g, const struct guard_away *x, enum linger_what what,
		     uint64_t entries)
{
	struct guard_linger *l = &g->linger;

	if (!entries || (!g->device.linger && what == LINGER_TIME))
		return;
	g->status.linger_ends[what] += what != LINGER_BEGUN;
	if (l->n_news == GUARD_LINGER_NEWS) {
		l->news_beyond++;
		return;
	}
	l->news[l->n_news++] = (struct guard_linger_news){
		.addr = x->addr,
		.what = what,
		.after = guard_now(g) - x->since,
		.entries = entries,
	};
}

static bool away_is_given(struct guard *g, const struct addr *a)
{
	struct guard_linger *l = &g->linger;

	if (l->given.n && guard_now(g) >= l->given_until)
		addrset_done(&l->given);
	return addrset_has(&l->given, a);
}

void guard_away_remove(struct guard *g, struct guard_away *x)
{
	struct guard_linger *l = &g->linger;
	size_t i = (size_t)(x - l->list);

	x->over = true;
	away_sort(g, x);
	addrset_remove(&l->over, &x->addr);
	l->n--;
	memmove(x, x + 1, (l->n - i) * sizeof(*l->list));
}

static struct guard_away *away_add(struct guard *g, const struct addr *a, usec_t since, bool own)
{
	struct guard_linger *l = &g->linger;
	size_t i = away_place(l, a);

	if (l->n == AWAY_MAX || array_reserve(&l->list, &l->cap, l->n + 1, sizeof(*l->list)) < 0) {
		l->beyond = true; /* the next time that addresses are read */
		return NULL;
	}
	memmove(&l->list[i + 1], &l->list[i], (l->n - i) * sizeof(*l->list));
	l->n++;
	l->list[i] = (struct guard_away){ .addr = *a, .since = since, .own = own };
	l->look = 0;
	away_sort(g, &l->list[i]);
	return &l->list[i];
}

bool guard_away_begin(struct guard *g, const struct addr *a, bool own)
{
	struct guard_away *x = guard_away_find(&g->linger, a);

	if (guard_observes(g))
		return false;
	if (x && ((own && !x->own) || x->met)) {
		x->own = x->own || own;
		x->since = x->met ? guard_now(g) : x->since;
		x->met = false;
		away_sort(g, x);
	}
	if (x)
		return false;
	x = away_add(g, a, guard_now(g), own);
	if (!x)
		return false;
	if (away_is_given(g, a)) {
		x->over = true;
		x->why = LINGER_GIVEN;
		away_sort(g, x);
	}
	return true;
}

void guard_away_meet(struct guard *g, const struct addr *a)
{
	struct guard_away *x = guard_away_find(&g->linger, a);

	if (x)
		x->met = true;
}

/* A had vanished by SINCE, and a guard before us knew. */
static void away_again(struct guard *g, const struct addr *a, usec_t since)
{
	if (!guard_away_find(&g->linger, a))
		(void)away_add(g, a, MIN(since, guard_now(g)), false);
}

bool guard_away_had_beyond(struct guard *g)
{
	bool had = g->linger.beyond;

	g->linger.beyond = false;
	return had;
}

void guard_away_meet_back(struct guard *g)
{
	struct guard_linger *l = &g->linger;
	size_t i = l->given.n;

	while (i--)
		if (addrset_has(&g->local, &l->given.addrs[i]))
			addrset_remove(&l->given, &l->given.addrs[i]);
	i = l->n;
	while (i--) {
		struct guard_away x = l->list[i];

		if (!addrset_has(&g->local, &x.addr))
			continue;
		guard_away_remove(g, &l->list[i]);
		if (!x.over)
			guard_away_tell(g, &x, LINGER_BACK,
					pinned_set_count_as(g->pinned, &x.addr));
	}
}

void guard_away_finish(struct guard *g, struct guard_away *x, enum linger_what why)
{
	if (x->over)
		return;
	x->over = true;
	x->why = why;
	g->linger.look = 0;
	away_sort(g, x);
}

void guard_away_set(struct guard *g)
{
	size_t i;

	for (i = 0; i < g->linger.n; i++)
		away_sort(g, &g->linger.list[i]);
	g->linger.look = 0;
}

usec_t guard_away_next(const struct guard *g)
{
	const struct guard_linger *l = &g->linger;
	usec_t next = USEC_NEVER;
	size_t i;

	if (l->sweeping)
		return 0;
	for (i = 0; i < l->n; i++)
		next = MIN(next, guard_away_due(g, &l->list[i]));
	return l->link_down && l->n ? l->look : MAX(next, l->look);
}

/* ---- what others are told ---- */

size_t guard_lingering(const struct guard *g, struct guard_lingering ret[GUARD_LINGERING_MAX],
		       uint64_t *ret_entries)
{
	const struct guard_linger *l = &g->linger;
	size_t i, n = 0;

	*ret_entries = 0;
	for (i = 0; i < l->n; i++) {
		const struct guard_away *x = &l->list[i];
		uint64_t entries =
			guard_away_holds(g, x) ? pinned_set_count_as(g->pinned, &x->addr) : 0;

		if (!entries)
			continue;
		*ret_entries += entries;
		if (n++ >= GUARD_LINGERING_MAX)
			continue;
		ret[n - 1] = (struct guard_lingering){ .addr = x->addr,
						       .since = x->since,
						       .until = guard_away_due(g, x),
						       .entries = entries,
						       .link_down = l->link_down };
	}
	return n;
}

size_t guard_take_linger_news(struct guard *g, struct guard_linger_news ret[GUARD_LINGER_NEWS],
			      uint64_t *ret_beyond)
{
	struct guard_linger *l = &g->linger;
	size_t n = l->n_news;

	memcpy(ret, l->news, n * sizeof(l->news[0]));
	*ret_beyond = l->news_beyond;
	l->n_news = 0;
	l->news_beyond = 0;
	return n;
}

/* ---- for the next guard ---- */

void guard_away_load(struct guard *g, int dir)
{
	_cleanup_free_ struct marks_away *list = NULL;
	size_t i, n = 0;

	if (marks_read_away(dir, g->link.name, g->env.boot_id, &list, &n) < 0)
		return;
	g->linger.on_disk = true;
	for (i = 0; i < n; i++)
		away_again(g, &list[i].addr, list[i].since);
}

void guard_away_write(struct guard *g)
{
	struct guard_linger *l = &g->linger;
	_cleanup_free_ struct marks_away *list = NULL;
	_cleanup_close_ int dir = -1;
	size_t i, n = 0;
	int r = 0;

	if (!l->unsaved || !g->keep.loaded || guard_now(g) < l->resave)
		return;
	l->unsaved = false;
	l->saved_at = guard_now(g);
	list = calloc(l->n + 1, sizeof(*list));
	dir = rundir_open(g->env.settings->run_dir);
	for (i = 0; list && i < l->n; i++)
		if (guard_away_holds(g, &l->list[i])) {
			list[n].addr = l->list[i].addr;
			list[n++].since = l->list[i].since;
		}
	if (!n && !l->on_disk)
		return;
	r = dir < 0 ? dir : list ? 0 : -ENOMEM;
	if (r == 0)
		r = marks_write_away(dir, g->link.name, g->env.boot_id, list, n);
	l->on_disk = n > 0 || r < 0;
	if (r == 0)
		return;
	l->unsaved = true;
	l->resave = l->saved_at + AWAY_WRITE_AGAIN;
	guard_note_unsaved(g, r);
}

void guard_away_done(struct guard *g)
{
	struct guard_linger *l = &g->linger;

	free(l->list);
	addrset_done(&l->away);
	addrset_done(&l->own);
	addrset_done(&l->over);
	addrset_done(&l->given);
	addrset_done(&l->heard);
	*l = (struct guard_linger){ 0 };
}
