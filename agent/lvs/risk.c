/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/risk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "lvs/map_store.h"

/* What nf_nat chooses from when no range is given. */
#define RANDOM_PORTS (65535 - 1024 + 1)

/* What a sample must show to conclude from it how ports are chosen: one in TELLING
 * that differs, or SAMPLE_ENOUGH without one that does. */
#define TELLING 10
#define SAMPLE_ENOUGH 30

#define SECONDS_PER_DAY 86400

/* 1 - binom(R-N, k) / binom(R, k): that none of k falls on one of N. */
static double chance_now(double n, double k, double ports)
{
	double none = 1, i, part;

	for (i = 0; i < k; i++) {
		if (n >= ports - i)
			return 1;
		/* K need not be whole: the last step is a fraction */
		part = MIN(k - i, 1.0);
		none *= 1 - part * n / (ports - i);
	}
	return 1 - none;
}

struct risk risk_of(const struct risk_input *in)
{
	double via = in->share * in->via;
	struct risk r = { 0 };

	if (in->ports <= 0)
		return r;
	r.now = chance_now(in->direct, via, in->ports);
	r.kill = MIN(in->share * in->direct / in->ports, 1.0);
	r.stall = MIN(via / in->ports, 1.0);
	r.per_day = SECONDS_PER_DAY * (in->via_rate * r.kill + in->direct_rate * r.stall);
	return r;
}

void port_sample_add(struct port_sample *s, const struct ports *p, uint16_t port)
{
	s->n++;
	s->other_parity += (port ^ p->low) & 1;
	s->outside += port < p->low || port > p->high;
}

enum port_choice port_choice_of(const struct ports *p, const struct port_sample *a,
				const struct port_sample *b, double *ret_ports)
{
	bool a_out = a->n >= SAMPLE_ENOUGH && a->outside == a->n;
	bool b_out = b->n >= SAMPLE_ENOUGH && b->outside == b->n;

	if ((a_out && b->n && !b->outside) || (b_out && a->n && !a->outside)) {
		*ret_ports = 0;
		return PORTS_DISJOINT;
	}
	if (a->outside * TELLING > a->n || b->outside * TELLING > b->n) {
		*ret_ports = RANDOM_PORTS;
		return PORTS_RANDOM;
	}
	if (a->other_parity * TELLING > a->n || b->other_parity * TELLING > b->n) {
		*ret_ports = (double)ports_count(p, PORTS_ALL);
		return PORTS_RANGE;
	}
	*ret_ports = (double)ports_count(p, PORTS_FIRST_PASS);
	return PORTS_ONE_PARITY;
}

/* The counts and rates the formula is fed with: per client and destination. */

/* At most so many pairs of a client and a destination are counted, and for one
 * client at most so many pairs of destinations compared. */
#define GROUPS_MAX (1U << 16)
#define PAIRS_MAX 4096

/* The connections of one client to one destination. */
struct group {
	struct addr client;
	struct lvs_side side;
	struct port_sample sample;
	uint8_t origin; /* bits of all of them */
	uint32_t live;	/* that count: an ended direct one does not */
	uint32_t fresh; /* not there before */
};

struct groups {
	const struct ports *ports;
	const struct collide *before;
	struct group *list; /* owned */
	size_t n;
	struct hash index;
	uint64_t unseen;
};

static void groups_done(struct groups *g)
{
	free(g->list);
	hash_done(&g->index);
}

static uint32_t group_hash(const struct addr *client, const struct lvs_side *side)
{
	uint64_t h = lvs_mix_addr(lvs_mix_addr(side->port, client), &side->dest);

	h = lvs_mix(h, side->l4proto);
	if (side->has_rs)
		h = lvs_mix_addr(h ^ side->rport, &side->rs);
	return (uint32_t)h;
}

static bool side_equal(const struct lvs_side *a, const struct lvs_side *b)
{
	return a->port == b->port && a->l4proto == b->l4proto && a->has_rs == b->has_rs &&
	       addr_equal(&a->dest, &b->dest) &&
	       (!a->has_rs || (a->rport == b->rport && addr_equal(&a->rs, &b->rs)));
}

static uint32_t group_item_hash(const void *ud, uint32_t i)
{
	const struct groups *g = ud;

	return group_hash(&g->list[i].client, &g->list[i].side);
}

/* 0 and *RET, NULL where there are too many; or -ENOMEM. */
static int group_get(struct groups *g, const struct addr *client, const struct lvs_side *side,
		     struct group **ret)
{
	uint32_t hash = group_hash(client, side), i;
	size_t at;
	int r;

	for (i = hash_first(&g->index, hash, &at); i != HASH_NONE;
	     i = hash_next(&g->index, hash, &at)) {
		*ret = &g->list[i];
		if (addr_equal(&(*ret)->client, client) && side_equal(&(*ret)->side, side))
			return 0;
	}
	*ret = NULL;
	if (g->n == GROUPS_MAX)
		return 0;
	r = hash_reserve(&g->index, g->n + 1, group_item_hash, g);
	if (r < 0)
		return r;
	*ret = array_append(&g->list, &g->n, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	(*ret)->client = *client;
	(*ret)->side = *side;
	hash_put(&g->index, hash, (uint32_t)g->n - 1);
	return 0;
}

static int count_flow(void *ud, const struct flow *f, const struct lvs_side *side)
{
	bool closed = f->state == FLOW_TIME_WAIT || f->state == FLOW_CLOSED;
	struct addr client = addr_make(f->family, f->client);
	struct groups *g = ud;
	struct group *group;
	int r = group_get(g, &client, side, &group);

	if (r < 0 || !group) {
		g->unseen += r == 0;
		return r;
	}
	port_sample_add(&group->sample, g->ports, f->cport);
	group->origin |= f->origin;
	group->live += collide_is_via(side) || !closed;
	group->fresh += g->before && !collide_has(g->before, f);
	return 0;
}

static int by_client(const void *va, const void *vb)
{
	const struct group *a = va, *b = vb;

	if (a->client.family != b->client.family)
		return a->client.family < b->client.family ? -1 : 1;
	return memcmp(a->client.bytes, b->client.bytes, sizeof(a->client.bytes));
}

/* Of two groups the one that is direct, or (A2) either. */
static bool row_make(const struct lvs_map *map, const struct ports *p, const struct group *a,
		     const struct group *b, double seconds, struct risk_row *ret)
{
	bool a_via = collide_is_via(&a->side), b_via = collide_is_via(&b->side);
	const struct group *direct = a_via && !b_via ? b : a, *via = direct == a ? b : a;
	struct risk_row row = { .class = a_via && b_via ? COLLIDE_A2 : COLLIDE_A };
	double ports;

	if ((!a_via && !b_via) || a->side.l4proto != b->side.l4proto ||
	    (a->side.port == b->side.port && addr_equal(&a->side.dest, &b->side.dest)))
		return false;
	row.in.share = lvs_share(map, &direct->side, &via->side, true);
	if (row.in.share <= 0)
		return false;
	row.choice = port_choice_of(p, &direct->sample, &via->sample, &ports);
	row.l4proto = direct->side.l4proto;
	row.client = direct->client;
	row.direct = direct->side;
	row.via = via->side;
	row.direct_origin = direct->origin;
	row.via_origin = via->origin;
	row.in.direct = direct->live;
	row.in.via = via->live;
	row.in.ports = ports;
	if (seconds > 0) {
		row.in.direct_rate = direct->fresh / seconds;
		row.in.via_rate = via->fresh / seconds;
	}
	row.risk = risk_of(&row.in);
	*ret = row;
	return true;
}

/* Of one client: the groups FIRST to END. */
static int each_of_client(const struct lvs_map *map, struct groups *g, size_t first, size_t end,
			  double seconds, risk_sink sink, void *ud)
{
	unsigned budget = PAIRS_MAX;
	struct risk_row row;
	size_t i, j;
	int r = 0;

	for (i = first; i < end; i++) {
		for (j = i + 1; j < end && r >= 0; j++) {
			if (!budget) {
				g->unseen++;
				return r;
			}
			budget--;
			if (row_make(map, g->ports, &g->list[i], &g->list[j], seconds, &row))
				r = sink(ud, &row);
		}
	}
	return r;
}

int risk_each(const struct lvs_map *map, const struct collide *c, const struct collide *before,
	      usec_t elapsed, const struct ports *p, risk_sink sink, void *ud, uint64_t *ret_unseen)
{
	_cleanup_(groups_done) struct groups g = { .ports = p, .before = before };
	double seconds = before ? (double)elapsed / USEC_PER_SEC : 0;
	size_t i, end;
	int r;

	r = collide_flows(c, count_flow, &g);
	if (r < 0)
		return r;
	if (g.n)
		qsort(g.list, g.n, sizeof(*g.list), by_client);
	for (i = 0; i < g.n && r >= 0; i = end) {
		for (end = i + 1; end < g.n && !by_client(&g.list[i], &g.list[end]);)
			end++;
		r = each_of_client(map, &g, i, end, seconds, sink, ud);
	}
	*ret_unseen = g.unseen;
	return r;
}
