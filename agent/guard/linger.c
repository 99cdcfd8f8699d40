/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is translated to an address that has vanished stays for a while, in case it comes back,
 * and then goes. The second is a duty that comes with a pin: the kernel does not remove such an
 * entry with its address any more, so the guard does. */
#include "guard/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rundir.h"
#include "move/gone.h"

/* How often to look again while nothing can be decided. */
#define LINGER_SLOW (250 * USEC_PER_MSEC)

/* How often to try again to delete what the kernel does not delete: up to 5.10 an entry that is
 * offloaded (docs/kernel.md 4). */
#define LINGER_AGAIN USEC_PER_SEC

/* An address that was given up on purpose is known as such for so long: the kernel tells of
 * its end a moment before or after. */
#define GIVEN_FOR USEC_PER_SEC
#define GIVEN_MAX 256

#define CHUNK 128

void guard_give_up(struct guard *g, const struct addr *a, bool keep)
{
	struct guard_linger *l = &g->linger;
	struct guard_away *x = guard_away_find(l, a);

	if (keep) {
		guard_keep_no_more(g, a);
		if (x)
			guard_away_remove(g, x);
		return;
	}
	if (l->given.n < GIVEN_MAX)
		(void)addrset_add(&l->given, a);
	l->given_until = guard_now(g) + GIVEN_FOR;
	if (x)
		guard_away_finish(g, x, LINGER_GIVEN);
	l->look = 0;
}

/* ---- the sweep ---- */

/* C is deleted. */
static void linger_count(struct guard *g, const struct conn *c)
{
	static const enum deed_what whats[LINGER_WHAT_COUNT] = {
		[LINGER_BEGUN] = DEED_AWAY,  [LINGER_BACK] = DEED_AWAY,	  [LINGER_TIME] = DEED_AWAY,
		[LINGER_HEARD] = DEED_HEARD, [LINGER_GIVEN] = DEED_GIVEN,
	};
	struct addr as = tuple_dst(&c->reply, c->key.family);
	struct guard_away *x = guard_away_find(&g->linger, &as);

	g->status.removed++;
	if (x && !x->deed)
		x->deed = guard_end_deed(g, whats[x->why], &as, NULL);
	guard_end_ours(g, c, END_SWEEP, x ? x->deed : 0);
	if (x)
		x->entries++;
}

/* C could not be deleted. */
static void linger_be_stuck(struct guard *g, const struct conn *c)
{
	struct addr as = tuple_dst(&c->reply, c->key.family);
	struct guard_away *x = guard_away_find(&g->linger, &as);

	if (x)
		x->stuck = true;
}

/* Delete N ENTRIES. Our own deletes cause no events. */
static int linger_drop(struct guard *g, const struct conn *entries, size_t n)
{
	const struct kernel *k = &g->env.kernel;
	struct ct_op ops[CHUNK];
	size_t at, i, m;
	int r = 0;

	for (at = 0; at < n && r == 0; at += m) {
		m = MIN(n - at, (size_t)CHUNK);
		for (i = 0; i < m; i++)
			ops[i] = (struct ct_op){ .verb = CT_DELETE, .conn = &entries[at + i] };
		r = k->ops->ct_batch(k->ctx, ops, m);
		r = r == -ENOBUFS ? 0 : r;
		for (i = 0; i < m && r == 0; i++) {
			if (ops[i].result < 0 && ops[i].result != -ENOENT) {
				linger_be_stuck(g, &entries[at + i]);
				continue;
			}
			if (ops[i].result == 0)
				linger_count(g, &entries[at + i]);
			guard_forget(g, &entries[at + i].key);
		}
	}
	return r;
}

/* As much of an entry as it takes to delete it, and the address that it is translated to. */
static struct conn linger_bare(const struct conn_key *key, uint32_t id, const struct addr *as)
{
	struct conn c;

	memset(&c, 0, sizeof(c));
	c.key = *key;
	c.id = id;
	memcpy(c.reply.dst, as->bytes, sizeof(c.reply.dst));
	return c;
}

static void linger_find_unpinned(struct guard *g, struct conn *ret, size_t *n)
{
	struct guard_linger *l = &g->linger;
	size_t looked = 0;

	l->at_unpinned = MIN(l->at_unpinned, unpinned_count(g->unpinned));
	while (l->at_unpinned && *n < GUARD_STEP && looked++ < GUARD_SCAN) {
		const struct conn c = unpinned_at(g->unpinned, --l->at_unpinned);
		struct addr as = tuple_dst(&c.reply, c.key.family);

		/* leave alone what somebody else has altered, and what is not selected */
		if (addrset_has(&l->over, &as) && conn_alteration(&c) != ALTERATION_OTHER &&
		    !unpinned_is_left_out(g->unpinned, l->at_unpinned))
			ret[(*n)++] = linger_bare(&c.key, c.id, &as);
	}
}

/* Whether anything is pinned to an address whose time is up. */
static bool linger_any_pinned(const struct guard *g)
{
	const struct guard_linger *l = &g->linger;
	size_t i;

	for (i = 0; i < l->over.n; i++)
		if (pinned_set_count_as(g->pinned, &l->over.addrs[i]))
			return true;
	return false;
}

static void linger_find_pinned(struct guard *g, struct conn *ret, size_t *n)
{
	struct guard_linger *l = &g->linger;
	size_t looked = 0;

	l->at_pinned = MIN(l->at_pinned, pinned_set_count(g->pinned));
	while (l->at_pinned && *n < GUARD_STEP && looked++ < GUARD_SCAN) {
		struct pinned_set_item item = pinned_set_at(g->pinned, --l->at_pinned);

		if (addrset_has(&l->over, &item.as))
			ret[(*n)++] = linger_bare(&item.key, item.id, &item.as);
	}
}

/* Begin to delete what is translated to addresses whose time is up. */
static void linger_begin_sweep(struct guard *g)
{
	struct guard_linger *l = &g->linger;
	size_t i;

	addrset_done(&l->over);
	for (i = 0; i < l->n; i++) {
		l->list[i].stuck = false;
		if (l->list[i].over && guard_now(g) >= l->list[i].retry)
			(void)addrset_add(&l->over, &l->list[i].addr); /* else the next time */
	}
	l->at_pinned = linger_any_pinned(g) ? pinned_set_count(g->pinned) : 0;
	l->at_unpinned = unpinned_count(g->unpinned);
	l->sweeping = l->over.n > 0;
}

static void linger_end_sweep(struct guard *g)
{
	struct guard_linger *l = &g->linger;
	size_t i = l->n;

	l->sweeping = false;
	while (i--) {
		struct guard_away x = l->list[i];

		if (!addrset_has(&l->over, &x.addr))
			continue;
		if (x.stuck) {
			l->list[i].retry = guard_now(g) + LINGER_AGAIN;
			continue;
		}
		guard_away_remove(g, &l->list[i]);
		guard_keep_no_more(g, &x.addr);
		guard_away_tell(g, &x, x.why, x.entries);
	}
	addrset_done(&l->over);
	guard_keep_addresses(g); /* there is room for more */
}

static void linger_sweep(struct guard *g)
{
	_cleanup_free_ struct conn *entries = malloc(GUARD_STEP * sizeof(*entries));
	struct guard_linger *l = &g->linger;
	size_t n = 0;

	if (!entries) {
		l->sweeping = false; /* tried again */
		return;
	}
	linger_find_pinned(g, entries, &n);
	linger_find_unpinned(g, entries, &n);
	if (n && linger_drop(g, entries, n) < 0) {
		l->sweeping = false;
		l->look = guard_now(g) + LINGER_SLOW;
	} else if (!l->at_pinned && !l->at_unpinned) {
		linger_end_sweep(g);
	}
}

/* ---- the clock ---- */

/* A link that is down has no IPv6 addresses: they are not lost. */
static bool linger_link_is_down(const struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	struct link link;

	return k->ops->link_get(k->ctx, g->device.name, &link) == 0 && !link.up;
}

static bool linger_is_unsure(const struct guard *g)
{
	switch (g->status.state) {
	case GUARD_SYNCING:
	case GUARD_STALE:
	case GUARD_DEGRADED:
		return true;
	case GUARD_ABSENT:
	case GUARD_LIVE:
		break;
	}
	return false;
}

/* See whose time is up at T. While the link is down no clock runs. */
static void linger_judge(struct guard *g, usec_t t)
{
	struct guard_linger *l = &g->linger;
	size_t i;

	l->link_down = linger_link_is_down(g);
	for (i = 0; i < l->n; i++) {
		struct guard_away *x = &l->list[i];

		if (x->over)
			continue;
		if (l->link_down)
			x->since = t;
		else if (t >= guard_away_due(g, x))
			guard_away_finish(g, x, LINGER_TIME);
	}
	if (l->link_down && t >= l->saved_at + USEC_PER_SEC)
		l->unsaved = true;
	if (l->link_down)
		l->look = t + LINGER_SLOW;
}

void guard_linger_meet_link(struct guard *g)
{
	g->linger.look = 0;
}

bool guard_linger_is_idle(const struct guard *g)
{
	const struct guard_linger *l = &g->linger;

	return !l->n || l->link_down || linger_is_unsure(g) ||
	       guard_away_next(g) > guard_now(g) + GUARD_LINGER_SETTLE;
}

bool guard_linger_step(struct guard *g)
{
	struct guard_linger *l = &g->linger;
	usec_t t = guard_now(g);

	if (l->sweeping) {
		linger_sweep(g);
		return true;
	}
	if (!l->n || t < guard_away_next(g))
		return false;
	if (linger_is_unsure(g) || guard_see_addresses(g) < 0) {
		l->look = t + LINGER_SLOW;
		return false;
	}
	linger_judge(g, t);
	linger_begin_sweep(g);
	return l->sweeping;
}

void guard_linger_purge(struct guard *g)
{
	_cleanup_close_ int dir = rundir_open(g->env.settings->run_dir);
	struct addrset set = { 0 }, local = { 0 };
	struct purged purged = { 0 };

	if (dir >= 0 && !g->keep.loaded &&
	    marks_read_addresses(dir, g->device.name, g->env.boot_id, &set) == 0 &&
	    gone_read_local(&g->env.kernel, &local) == 0 &&
	    gone_purge(&g->env, dir, g->device.name, &local, &purged) == 0) {
		g->status.removed += purged.removed;
		g->status.unproven += purged.unproven;
	}
	addrset_done(&set);
	addrset_done(&local);
}

/* ---- others that have the address ---- */

/* Whoever stops listening waits for the kernel, so that it is not done each time when an
 * address comes and goes. */
#define HEAR_LONGER USEC_PER_SEC

/* The address is not on this node: another one speaks for it. */
static int linger_on_heard(void *ud, const struct addr *a)
{
	struct guard *g = ud;
	struct guard_away *x = guard_away_find(&g->linger, a);

	if (x && !addrset_has(&g->local, a))
		guard_away_finish(g, x, LINGER_HEARD);
	return 0;
}

void guard_linger_hear(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;

	if (g->linger.hearing && !g->readdress)
		(void)k->ops->heard_events(k->ctx, linger_on_heard, g);
}

/* Listen for ADDRS from now on, as far as that is possible. */
static void linger_listen(struct guard *g, const struct addrset *addrs)
{
	const struct kernel *k = &g->env.kernel;
	struct guard_linger *l = &g->linger;
	int r;

	if (l->hearing && l->heard_on == g->link.ifindex && addrs->n && addrs->n == l->heard.n &&
	    !memcmp(addrs->addrs, l->heard.addrs, addrs->n * sizeof(*addrs->addrs)))
		return;
	r = k->ops->heard_watch(k->ctx, &g->link, addrs->addrs, addrs->n);
	g->status.deaf = r < 0 ? r : addrs->n ? 0 : g->status.deaf;
	l->hearing = r == 0 && addrs->n;
	l->heard_on = g->link.ifindex;
}

void guard_linger_look(struct guard *g)
{
	struct guard_linger *l = &g->linger;
	struct addrset addrs = { 0 };
	usec_t t = guard_now(g);
	size_t i;

	if (!l->listen && (!l->deaf_at || t < l->deaf_at))
		return;
	l->listen = false;
	for (i = 0; i < l->n; i++) {
		struct guard_away *x = &l->list[i];
		uint64_t entries =
			guard_away_holds(g, x) ? pinned_set_count_as(g->pinned, &x->addr) : 0;

		if (!entries)
			continue;
		(void)addrset_add(&addrs, &x->addr); /* else: not listened for */
		if (!x->told)
			guard_away_tell(g, x, LINGER_BEGUN, entries);
		x->told = true;
	}
	if (addrs.n || (l->deaf_at && t >= l->deaf_at)) {
		if (g->link.ifindex)
			linger_listen(g, &addrs);
		addrset_done(&l->heard);
		l->heard = addrs;
		l->deaf_at = 0;
	} else if (l->hearing) {
		l->deaf_at = t + HEAR_LONGER;
	}
}
