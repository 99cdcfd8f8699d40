/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses of the node and of the device: whose entries are meant, and which are
 * lost. */
#include "guard/parts.h"

#include <errno.h>
#include <string.h>

/* Whether the node may speak for A. Duplicate address detection has found another host with what
 * has failed; while it is under way nobody knows, and what lingers comes to no harm. */
static bool is_usable(const struct ifaddr *a)
{
	return !(a->flags & IFADDR_DADFAILED);
}

/* OWN and LOCAL have just been read, and events may still be on their way: an address that they do
 * not have is new when it comes, as is one that they have and that nobody has told of. */
static void addresses_meet(struct guard *g, const struct addrset *own, const struct addrset *local)
{
	struct guard_arrive *x = &g->arrive;
	size_t i = x->went.n;

	while (i--)
		if (!addrset_has(local, &x->went.addrs[i]))
			addrset_remove(&x->went, &x->went.addrs[i]);
	for (i = 0; g->local.n && i < own->n; i++)
		if (!addrset_has(&g->local, &own->addrs[i]) &&
		    !addrset_has(&x->came, &own->addrs[i]))
			(void)addrset_add(&x->went, &own->addrs[i]);
	addrset_done(&x->came);
}

/* What has gone from LOCAL since it was read last went while we were there, told of or not: the
 * event may be on its way, or lost. */
static void addresses_miss(struct guard *g, const struct addrset *local)
{
	size_t i;

	for (i = 0; i < g->local.n; i++) {
		const struct addr *a = &g->local.addrs[i];

		if (!addrset_has(local, a) && addrset_has(&g->keep.set, a))
			(void)guard_away_begin(g, a, addrset_has(&g->own, a));
	}
}

int guard_read_addresses(struct guard *g)
{
	struct addrset own = { 0 }, local = { 0 };
	struct addr_table table = { 0 };
	int r = addr_table_read(&g->env.kernel, &table);
	size_t i;

	for (i = 0; i < table.n && r == 0; i++) {
		if (!is_usable(&table.items[i]))
			continue;
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
	addresses_meet(g, &own, &local);
	addresses_miss(g, &local);
	addrset_done(&g->own);
	addrset_done(&g->local);
	addr_table_done(&g->addresses);
	g->own = own;
	g->local = local;
	g->addresses = table;
	g->readdress = false;
	return 0;
}

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
