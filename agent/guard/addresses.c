/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses of the node and of the device: whose entries are meant, and which are
 * lost. */
#include "guard/parts.h"

#include <errno.h>
#include <string.h>

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
