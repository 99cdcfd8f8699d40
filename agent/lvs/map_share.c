/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How likely two flows end at one real server. */
#include <string.h>

#include "lvs/map_store.h"

/* Real servers looked at for one pair; services in a cycle could go on. */
#define STEPS_MAX 65536

struct endpoint {
	struct addr addr;
	uint16_t port;
};

struct walk {
	const struct lvs_map *m;
	bool fresh;
	bool unsure;
	unsigned steps;
	unsigned depth;
	uint32_t path[LVS_DEPTH_MAX]; /* services being looked into */
	const struct endpoint *stops; /* where both would have met already; two or none */
};

struct lvs_side lvs_side_make(const struct lvs_dest *d, uint8_t l4proto, const struct addr *addr,
			      uint16_t port)
{
	return (struct lvs_side){
		.service = d->service,
		.l4proto = l4proto,
		.any_port = d->any_port,
		.port = port,
		.dest = *addr,
	};
}

static bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

static bool is_stop(const struct walk *w, const struct endpoint *e)
{
	return w->stops && (endpoint_equal(e, &w->stops[0]) || endpoint_equal(e, &w->stops[1]));
}

static bool share_step(struct walk *w)
{
	if (w->steps++ < STEPS_MAX)
		return true;
	w->unsure = true;
	return false;
}

/* Begin to look into SERVICE. False when that is under way already, or LVS_DEPTH_MAX
 * services are. */
static bool share_enter(struct walk *w, uint32_t service)
{
	unsigned i;

	for (i = 0; i < w->depth; i++) {
		if (w->path[i] == service)
			return false;
	}
	if (w->depth == LVS_DEPTH_MAX)
		return false;
	w->path[w->depth++] = service;
	return true;
}

static void share_leave(struct walk *w)
{
	w->depth--;
}

static double share_of(const struct walk *w, const struct lvs_pool *p, const struct lvs_real *r)
{
	double even = 1.0 / p->n_reals, now = 0;

	if (!lvs_real_is_visible(&p->service, r))
		return 0;
	if (!r->gone_since && r->weight)
		now = (double)r->weight / p->weights;
	if (w->fresh || !p->changed)
		return now;
	return MAX(now, even);
}

/* Where real server R of a flow through SIDE is asked. */
static struct endpoint endpoint_of(const struct lvs_side *side, const struct lvs_real *r)
{
	return (struct endpoint){
		.addr = r->addr.addr,
		.port = side->any_port || !r->port ? side->port : r->port,
	};
}

/* The side of a flow that goes on from E. */
static struct lvs_side next_side(const struct walk *w, const struct lvs_side *from,
				 const struct endpoint *e)
{
	struct lvs_dest d;

	if (!lvs_map_lookup(w->m, from->l4proto, e->addr.family, e->addr.bytes, e->port, &d))
		d = (struct lvs_dest){ .service = LVS_NONE };
	return lvs_side_make(&d, from->l4proto, &e->addr, e->port);
}

static double reach(struct walk *w, const struct lvs_side *from, const struct endpoint *e);

/* The share of E among the real servers of P that are given as subnets. */
static double reach_wide(struct walk *w, const struct lvs_pool *p, const struct lvs_side *from,
			 const struct endpoint *e)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < p->n_reals && share_step(w); i++) {
		const struct lvs_real *r = &w->m->real_list[p->first_real + i];

		if (r->addr.len == 8 * addr_size(r->addr.addr.family) ||
		    !prefix_covers(&r->addr, &e->addr) || endpoint_of(from, r).port != e->port)
			continue;
		w->unsure = true;
		sum += share_of(w, p, r);
	}
	return sum;
}

/* The share of E behind those real servers of P that are services themselves. */
static double reach_chained(struct walk *w, const struct lvs_pool *p, const struct lvs_side *from,
			    const struct endpoint *e)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < p->n_reals && share_step(w); i++) {
		const struct lvs_real *r = &w->m->real_list[p->first_real + i];
		struct endpoint at = endpoint_of(from, r);
		struct lvs_side next = next_side(w, from, &at);

		if (next.service != LVS_NONE && !endpoint_equal(&at, e) && !is_stop(w, &at))
			sum += share_of(w, p, r) * reach(w, &next, e);
	}
	return sum;
}

/* The share of E among the real servers of the service that FROM goes through. */
static double reach_pool(struct walk *w, const struct lvs_side *from, const struct endpoint *e)
{
	const struct lvs_pool *p = LVS_POOL(w->m, from->service);
	uint32_t at = LVS_NONE;
	double sum = 0;

	if (!from->any_port)
		at = lvs_index_member(w->m, p, &e->addr, e->port);
	if (at == LVS_NONE && e->port == from->port)
		at = lvs_index_member(w->m, p, &e->addr, from->any_port ? LVS_ANY_PORT : 0);
	if (at != LVS_NONE)
		sum = share_of(w, p, &w->m->real_list[at]);
	if (p->wide)
		sum += reach_wide(w, p, from, e);
	return p->chained ? sum + reach_chained(w, p, from, e) : sum;
}

/* The share of E among where a flow FROM may come to, itself included. */
static double reach(struct walk *w, const struct lvs_side *from, const struct endpoint *e)
{
	struct endpoint own = { from->dest, from->port }, rs = { from->rs, from->rport };
	struct lvs_side next;
	double sum;

	if (endpoint_equal(&own, e))
		return 1;
	if (from->has_rs) {
		next = next_side(w, from, &rs);
		return reach(w, &next, e);
	}
	if (from->service == LVS_NONE || !share_step(w) || !share_enter(w, from->service))
		return 0;
	sum = reach_pool(w, from, e);
	share_leave(w);
	return sum;
}

static double meet(struct walk *w, const struct lvs_side *a, const struct lvs_side *b);

/* The share of B that ends at E, to which A may be sent; or, when that is none and E
 * is a service, behind E. */
static double meet_at(struct walk *w, const struct endpoint *e, const struct lvs_side *a,
		      const struct lvs_side *b)
{
	/* the services that A has gone through do not bar B from them */
	struct walk other = { .m = w->m, .fresh = w->fresh, .steps = w->steps, .stops = w->stops };
	struct lvs_side next;
	double sum;

	if (is_stop(w, e))
		return 0;
	sum = reach(&other, b, e);
	w->steps = other.steps;
	w->unsure |= other.unsure;
	if (sum > 0)
		return sum;
	next = next_side(w, a, e);
	return next.service == LVS_NONE ? 0 : meet(w, &next, b);
}

/* The chance that A, sent on by its service, ends at one endpoint with B. */
static double meet(struct walk *w, const struct lvs_side *a, const struct lvs_side *b)
{
	struct endpoint rs = { a->rs, a->rport };
	const struct lvs_pool *p;
	double sum = 0;
	uint32_t i;

	if (a->has_rs)
		return meet_at(w, &rs, a, b);
	if (a->service == LVS_NONE || !share_enter(w, a->service))
		return 0;
	p = LVS_POOL(w->m, a->service);
	for (i = 0; i < p->n_reals && share_step(w); i++) {
		const struct lvs_real *r = &w->m->real_list[p->first_real + i];
		struct endpoint at = endpoint_of(a, r);
		double share = share_of(w, p, r);

		if (share > 0)
			sum += share * meet_at(w, &at, a, b);
	}
	share_leave(w);
	return sum;
}

static bool is_direct(const struct lvs_side *side)
{
	return side->service == LVS_NONE && !side->has_rs;
}

double lvs_share(const struct lvs_map *m, const struct lvs_side *a, const struct lvs_side *b,
		 bool fresh, bool *ret_unsure)
{
	struct endpoint ends[2] = { { a->dest, a->port }, { b->dest, b->port } };
	struct walk w = { .m = m, .fresh = fresh };
	double sum, there, back;

	sum = reach(&w, a, &ends[1]) + reach(&w, b, &ends[0]);
	if (!is_direct(a) && !is_direct(b)) {
		w.stops = ends;
		/* through services behind services the two ways may differ */
		there = meet(&w, a, b);
		back = meet(&w, b, a);
		sum += MAX(there, back);
	}
	*ret_unsure = w.unsure;
	return MIN(sum, 1.0);
}
