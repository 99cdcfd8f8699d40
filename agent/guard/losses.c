/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who deletes addresses of the device, and the duty that comes with a pin: the kernel does
 * not remove such an entry with its address any more, so the guard does. */
#include "guard/parts.h"

#include <errno.h>
#include <string.h>

#define CHUNK 128

/* Whether A was deleted by the run that the guard serves, which handles the entries. */
static bool is_own_doing(const struct guard *g, const struct ifaddr *a)
{
	size_t v;

	for (v = 0; g->moving && v < g->moving->req->n_vips; v++)
		if (g->moving->targets[v].ifindex == a->ifindex &&
		    prefix_equal(&g->moving->targets[v].prefix, &a->prefix))
			return true;
	return false;
}

/* Somebody else has deleted P from the device. */
static void meet_delete(struct guard *g, const struct prefix *p)
{
	bool repair = !guard_note_departure(g, p);

	g->status.foreign_deletes++;
	g->status.foreign_last = *p;
	if (repair)
		guard_begin_repair(g, true);
	else
		guard_suffer(g);
	guard_expect_late(g, repair, true);
}

static int guard_losses_on_address(void *ud, const struct ifaddr *a, bool gone)
{
	struct guard *g = ud;

	g->readdress = true;
	if (!gone && a->ifindex == g->link.ifindex)
		guard_note_arrival(g, &a->prefix);
	if (gone && is_own_doing(g, a))
		guard_keep_no_more(g, &a->prefix.addr);
	if (!gone || is_own_doing(g, a))
		return 0;
	(void)guard_note_loss(g, &a->prefix.addr);
	if (a->ifindex == g->link.ifindex)
		meet_delete(g, &a->prefix);
	return 0;
}

int guard_address_events(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	int r = k->ops->addr_events(k->ctx, guard_losses_on_address, g);

	g->readdress = g->readdress || r < 0;
	return r;
}

/* Delete N ENTRIES. Our own deletes cause no events. */
static int guard_losses_drop(struct guard *g, const struct conn *entries, size_t n)
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
			if (ops[i].result < 0 && ops[i].result != -ENOENT)
				continue;
			g->status.removed += ops[i].result == 0;
			guard_forget(g, &entries[at + i].key);
		}
	}
	return r;
}

static struct conn guard_losses_bare(const struct conn_key *key, uint32_t id)
{
	struct conn c;

	memset(&c, 0, sizeof(c));
	c.key = *key;
	c.id = id;
	return c;
}

static void find_unpinned(struct guard *g, struct guard_lost *l, struct conn *ret, size_t *n)
{
	size_t looked = 0;

	l->at_unpinned = MIN(l->at_unpinned, unpinned_count(g->unpinned));
	while (l->at_unpinned && *n < GUARD_STEP && looked++ < GUARD_SCAN) {
		const struct conn *c = unpinned_at(g->unpinned, --l->at_unpinned);
		struct addr as = tuple_dst(&c->reply, c->key.family);

		/* leave alone what somebody else has altered */
		if (addr_equal(&as, &l->addr) && conn_alteration(c) != ALTERATION_OTHER)
			ret[(*n)++] = guard_losses_bare(&c->key, c->id);
	}
}

static void find_pinned(struct guard *g, struct guard_lost *l, struct conn *ret, size_t *n)
{
	size_t looked = 0;

	l->at_pinned = MIN(l->at_pinned, pinned_set_count(g->pinned));
	if (!pinned_set_count_as(g->pinned, &l->addr))
		l->at_pinned = 0;
	while (l->at_pinned && *n < GUARD_STEP && looked++ < GUARD_SCAN) {
		struct pinned_set_item item = pinned_set_at(g->pinned, --l->at_pinned);

		if (addr_equal(&item.as, &l->addr))
			ret[(*n)++] = guard_losses_bare(item.key, item.id);
	}
}

/* A step for L. False: all of its entries are gone. */
static bool drop_step(struct guard *g, struct guard_lost *l)
{
	_cleanup_free_ struct conn *entries = malloc(GUARD_STEP * sizeof(*entries));
	size_t n = 0;

	if (!entries)
		return true;
	if (!l->begun) {
		l->at_pinned = pinned_set_count(g->pinned);
		l->at_unpinned = unpinned_count(g->unpinned);
	}
	l->begun = true;
	find_pinned(g, l, entries, &n);
	find_unpinned(g, l, entries, &n);
	if (n && guard_losses_drop(g, entries, n) < 0)
		l->begun = false; /* tried again */
	return l->at_pinned || l->at_unpinned || !l->begun;
}

/* A link that is down has no IPv6 addresses: they are not lost. */
static bool is_down(const struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	struct link link;

	return k->ops->link_get(k->ctx, g->device.name, &link) == 0 && !link.up;
}

bool guard_settle_losses(struct guard *g)
{
	usec_t t = guard_now(g);
	size_t i, left = 0;
	bool more = false;

	if (!g->n_lost || guard_see_addresses(g) < 0)
		return false;
	g->lost_waits = is_down(g) || g->status.state != GUARD_LIVE;
	for (i = 0; i < g->n_lost; i++) {
		struct guard_lost *l = &g->lost[i];
		bool waits = t < l->due || g->lost_waits;

		if (addrset_has(&g->local, &l->addr))
			continue;
		if (!waits && !more && !drop_step(g, l)) {
			guard_keep_no_more(g, &l->addr);
			continue;
		}
		more = more || !waits;
		g->lost[left++] = *l;
	}
	if (left < g->n_lost) {
		g->n_lost = left;
		guard_keep_addresses(g); /* there is room for more */
	}
	return more;
}
