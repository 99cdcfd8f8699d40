/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses of the node, and which of them a run adds or deletes. */
#include "move/stage.h"

#include "base/array.h"

static int table_add(void *ud, const struct ifaddr *a)
{
	struct addr_table *t = ud;
	int r = array_reserve(&t->items, &t->cap, t->n + 1, sizeof(*a));

	if (r == 0)
		t->items[t->n++] = *a;
	return r;
}

int addr_table_read(const struct kernel *k, struct addr_table *t)
{
	t->n = 0;
	return k->ops->addr_list(k->ctx, table_add, t);
}

void addr_table_done(struct addr_table *t)
{
	free(t->items);
	*t = (struct addr_table){ 0 };
}

const struct ifaddr *addr_table_find(const struct addr_table *t, int ifindex,
				     const struct prefix *p)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->items[i].ifindex == ifindex && prefix_equal(&t->items[i].prefix, p))
			return &t->items[i];
	return NULL;
}

int run_sort_addresses(struct run *run, const struct addr_table *t, const bool *will_go)
{
	size_t i;
	int r = 0;

	addrset_done(&run->local);
	addrset_done(&run->leaving);
	for (i = 0; i < t->n && r == 0; i++) {
		bool goes = false;
		size_t v;

		for (v = 0; v < run->req->n_vips && !goes; v++)
			goes = will_go[v] && t->items[i].ifindex == run->targets[v].ifindex &&
			       prefix_equal(&t->items[i].prefix, &run->targets[v].prefix);
		if (!goes)
			r = addrset_add(&run->local, &t->items[i].prefix.addr);
	}
	/* The same address may stay with another prefix or on another device:
	 * then nothing leaves. */
	for (i = 0; i < run->req->n_vips && r == 0; i++)
		if (will_go[i] && !addrset_has(&run->local, &run->targets[i].prefix.addr))
			r = addrset_add(&run->leaving, &run->targets[i].prefix.addr);
	/* To keep the leaving addresses' flows is to treat them as if they
	 * stayed. */
	while (r == 0 && run->req->vip_flows == VIP_FLOWS_KEEP && run->leaving.n) {
		struct addr a = run->leaving.addrs[0];

		r = addrset_add(&run->local, &a);
		addrset_remove(&run->leaving, &a);
	}
	return r;
}

bool run_is_target(const struct run *run, const struct ifaddr *a)
{
	size_t i;

	for (i = 0; i < run->req->n_vips; i++)
		if (run->report->outcomes[i] != VIP_ALREADY &&
		    run->targets[i].ifindex == a->ifindex &&
		    prefix_equal(&run->targets[i].prefix, &a->prefix))
			return true;
	return false;
}
