/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses of the device: whose entries are meant, who deletes them, and
 * the duty that comes with a pin: the kernel does not remove such an entry with
 * its address any more, so the guard does. */
#include "guard/parts.h"

#include <errno.h>
#include <string.h>

/* An address that is gone is looked at again before its entries go: within the
 * tenth of a second that is promised, after whoever replaces it. */
#define LOSS_SETTLE (20 * USEC_PER_MSEC)

#define CHUNK 128

/* On failure what was known stays. */
int guard_read_addresses(struct guard *g)
{
	struct addrset own = { 0 }, local = { 0 };
	struct addr_table table = { 0 };
	int r = addr_table_read(&g->env.kernel, &table);
	size_t i;

	for (i = 0; i < table.n && r == 0; i++) {
		r = addrset_add(&local, &table.items[i].prefix.addr);
		if (r == 0 && table.items[i].ifindex == g->link.ifindex)
			r = addrset_add(&own, &table.items[i].prefix.addr);
	}
	if (r < 0) {
		addrset_done(&own);
		addrset_done(&local);
		addr_table_done(&table);
		return r;
	}
	addrset_done(&g->own);
	addrset_done(&g->local);
	addr_table_done(&g->addresses);
	g->own = own;
	g->local = local;
	g->addresses = table;
	g->readdress = false;
	guard_keep_addresses(g);
	return 0;
}

/* Events have been read just now, so that the table is as good as a new one. */
int guard_copy_addresses(const struct guard *g, struct addr_table *t)
{
	size_t size = g->addresses.n * sizeof(*t->items);

	if (g->readdress || !size)
		return addr_table_read(&g->env.kernel, t);
	addr_table_done(t);
	t->items = malloc(size);
	if (!t->items)
		return -ENOMEM;
	memcpy(t->items, g->addresses.items, size);
	t->n = t->cap = g->addresses.n;
	return 0;
}

bool guard_note_loss(struct guard *g, const struct addr *a)
{
	size_t i;

	for (i = 0; i < g->n_lost; i++)
		if (addr_equal(&g->lost[i].addr, a))
			return false;
	if (g->n_lost == GUARD_LOST_MAX) {
		g->lost_beyond = true; /* the next time that addresses are read */
		return false;
	}
	g->lost[g->n_lost++] = (struct guard_lost){ .addr = *a, .due = guard_now(g) + LOSS_SETTLE };
	return true;
}

/* By the run that works with our kernel: it sees to the entries itself. */
static bool is_own_doing(const struct guard *g, const struct ifaddr *a)
{
	size_t v;

	for (v = 0; g->moving && v < g->moving->req->n_vips; v++)
		if (g->moving->targets[v].ifindex == a->ifindex &&
		    prefix_equal(&g->moving->targets[v].prefix, &a->prefix))
			return true;
	return false;
}

/* By somebody else, from the device. */
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

static int guard_addresses_on_address(void *ud, const struct ifaddr *a, bool gone)
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

	return k->ops->addr_events(k->ctx, guard_addresses_on_address, g);
}

/* Delete the N entries with KEYS; our own deletes come back as no event. */
static int guard_addresses_drop(struct guard *g, const struct conn *entries, size_t n)
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

static struct conn guard_addresses_bare(const struct conn_key *key, uint32_t id)
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

		/* what somebody else made so is left to him */
		if (addr_equal(&as, &l->addr) && conn_alteration(c) != ALTERATION_OTHER)
			ret[(*n)++] = guard_addresses_bare(&c->key, c->id);
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
			ret[(*n)++] = guard_addresses_bare(item.key, item.id);
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
	if (n && guard_addresses_drop(g, entries, n) < 0)
		l->begun = false; /* tried again */
	return l->at_pinned || l->at_unpinned || !l->begun;
}

/* A link that is down takes its IPv6 addresses away until it is back. */
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

	if (!g->n_lost || guard_read_addresses(g) < 0)
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
