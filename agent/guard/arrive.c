/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that somebody else adds to the device: entries to them that lead elsewhere are
 * removed, as a run removes them (move/arrive.h). */
#include "move/arrive.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "guard/parts.h"

/* Between two looks: an address may come and go many times a second. */
#define ARRIVE_EVERY (100 * USEC_PER_MSEC)

/* A look that fails is repeated this often. */
#define ARRIVE_TRIES 3

struct found_keys {
	struct conn_key *items; /* owned */
	size_t n;
};

static int arrive_collect(struct found_keys *keys, const struct conn_key *key,
			  const struct addrset *to)
{
	struct addr dst = tuple_dst(&key->orig, key->family);
	struct conn_key *one;

	if (!addrset_has(to, &dst))
		return 0;
	one = array_append(&keys->items, &keys->n, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = *key;
	return 0;
}

struct arriving_to {
	const struct addrset *to;
	conn_sink sink;
	void *ud;
};

/* A key finds what has it in either direction. */
static int arriving_on_found(void *ud, const struct conn_record *record)
{
	const struct arriving_to *f = ud;
	struct addr dst = tuple_dst(&record->conn->key.orig, record->conn->key.family);

	return addrset_has(f->to, &dst) ? f->sink(f->ud, record) : 0;
}

/* What is known of the device: all that is masqueraded to its addresses. */
static int arriving_known(struct guard *g, const struct addrset *to, conn_sink sink, void *ud)
{
	struct arriving_to f = { .to = to, .sink = sink, .ud = ud };
	struct found_keys keys = { .n = 0 };
	size_t i, n = unpinned_count(g->unpinned), m = pinned_set_count(g->pinned);
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		const struct conn c = unpinned_at(g->unpinned, i);

		r = arrive_collect(&keys, &c.key, to);
	}
	for (i = 0; i < m && r == 0; i++) {
		const struct pinned_set_item item = pinned_set_at(g->pinned, i);

		r = arrive_collect(&keys, &item.key, to);
	}
	if (r == 0)
		r = fetch_keys(&g->env.kernel, keys.items, keys.n, arriving_on_found, &f);
	free(keys.items);
	return r;
}

int guard_arriving(struct guard *g, const struct addrset *to, conn_sink sink, void *ud)
{
	const struct kernel *k = &g->env.kernel;
	int r = k->ops->ct_dump_to(k->ctx, to, true, sink, ud);

	return r == -EOPNOTSUPP ? arriving_known(g, to, sink, ud) : r;
}

/* Somebody else has added A to the device, or the kernel tells of it again: the end of its
 * duplicate address detection, or another lifetime. */
void guard_note_added(struct guard *g, const struct ifaddr *a)
{
	struct guard_arrive *x = &g->arrive;
	const struct addr *addr = &a->prefix.addr;
	bool is_new = !addrset_has(&g->local, addr) || addrset_has(&x->went, addr);

	if (guard_observes(g))
		return;
	(void)addrset_add(&x->came, addr); /* else it is looked at once more */
	if (a->flags & IFADDR_DADFAILED || (!is_new && !addrset_has(&x->tentative, addr)))
		return;
	addrset_remove(&x->went, addr);
	if (a->flags & IFADDR_TENTATIVE) {
		(void)addrset_add(&x->tentative, addr);
		return;
	}
	addrset_remove(&x->tentative, addr);
	if (addrset_add(&x->due, addr) == 0)
		x->tries = ARRIVE_TRIES;
}

/* A run of ours has added A, and looks itself. */
void guard_note_own_added(struct guard *g, const struct addr *a)
{
	addrset_remove(&g->arrive.went, a);
	(void)addrset_add(&g->arrive.came, a);
}

/* Whether the node has A more than once, so that it is still here. */
static bool has_another(const struct guard *g, const struct addr *a)
{
	size_t i, n = 0;

	for (i = 0; i < g->addresses.n; i++)
		n += addr_equal(&g->addresses.items[i].prefix.addr, a);
	return n > 1;
}

void guard_note_went(struct guard *g, const struct addr *a)
{
	struct guard_arrive *x = &g->arrive;

	addrset_remove(&x->due, a);
	addrset_remove(&x->tentative, a);
	addrset_remove(&x->came, a);
	if (x->went.n < GUARD_WENT_MAX && !has_another(g, a))
		(void)addrset_add(&x->went, a);
}

void guard_arrive_done(struct guard *g)
{
	addrset_done(&g->arrive.went);
	addrset_done(&g->arrive.came);
	addrset_done(&g->arrive.tentative);
	addrset_done(&g->arrive.due);
}

usec_t guard_arrive_next(const struct guard *g)
{
	return g->arrive.due.n && g->status.state == GUARD_LIVE ? g->arrive.not_before : USEC_NEVER;
}

/* C led away from an address that has come. */
static void arrive_end(struct guard *g, const struct conn *c)
{
	struct addr to = tuple_dst(&c->key.orig, c->key.family);

	guard_end_ours(g, c, END_ARRIVED, guard_end_deed(g, DEED_ARRIVED, &to, NULL));
	guard_forget(g, &c->key);
}

/* Remove what leads elsewhere. 0 or a negative errno. */
static int arrive_look(struct guard *g, struct arrival_counts *ret)
{
	struct arrivals a = { .n = 0 };
	int r = guard_arriving(g, &g->arrive.due, arrive_take, &a);
	size_t i;

	arrive_look_up(&g->env.kernel, &a);
	if (r == 0)
		r = arrive_remove(&g->env.kernel, &a);
	for (i = 0; i < a.n; i++)
		if (a.items[i].removed)
			arrive_end(g, &a.items[i].conn);
	arrive_count(&a, false, ret);
	arrivals_done(&a);
	return r;
}

bool guard_arrive_step(struct guard *g)
{
	struct guard_arrive *x = &g->arrive;
	struct arrival_counts counts = { 0 };
	int r;

	if (guard_arrive_next(g) > guard_now(g))
		return false;
	x->not_before = guard_now(g) + ARRIVE_EVERY;
	r = arrive_look(g, &counts);
	g->status.led_away += counts.removed;
	if (r < 0 && --x->tries)
		return false; /* once more */
	g->status.arrivals += x->due.n;
	addrset_done(&x->due);
	return true;
}
