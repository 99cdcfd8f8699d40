/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/forecast.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* At most so many pairs of a client and a destination are counted, and for one
 * client at most so many pairs of destinations compared. */
#define GROUPS_MAX (1U << 16)
#define PAIRS_MAX 4096

/* The connections of one client to one destination. */
struct group {
	uint8_t client[16]; /* of the family of SIDE */
	struct lvs_side side;
	uint32_t opened[2];	  /* in this window and the one before … */
	struct port_sample drawn; /* … and their ports */
	/* as of the table looked at last: */
	struct port_sample sample;
	uint8_t origin; /* bits of all of them */
	uint32_t live;	/* that count: an ended direct one does not */
};

struct forecast {
	struct keyed groups; /* struct group: its client and the key of its side */
	usec_t begin[2];     /* of the windows */
	uint64_t unseen;
	struct ports ports;
	const struct collide *old; /* while it is compared */
};

static struct keyed groups_none(void)
{
	return (struct keyed){ .size = sizeof(struct group),
			       .key = offsetof(struct group, side) + LVS_SIDE_KEY };
}

struct forecast *forecast_new(void)
{
	struct forecast *c = calloc(1, sizeof(*c));

	if (c)
		c->groups = groups_none();
	return c;
}

struct forecast *forecast_free(struct forecast *c)
{
	if (!c)
		return NULL;
	keyed_done(&c->groups);
	free(c);
	return NULL;
}

void forecast_begin(struct forecast *c, usec_t now, const struct ports *p)
{
	keyed_done(&c->groups);
	*c = (struct forecast){ .groups = groups_none(), .begin = { now, now }, .ports = *p };
}

/* ---- groups ---- */

static struct group *group_at(const struct forecast *c, size_t i)
{
	return keyed_at(&c->groups, (uint32_t)i);
}

/* 0 and *RET, NULL where there are too many; or -ENOMEM. */
static int group_get(struct forecast *c, const struct flow *f, const struct lvs_side *side,
		     struct group **ret)
{
	struct group key = { .side = *side };
	int r;

	memcpy(key.client, f->client, sizeof(key.client));
	if (c->groups.n == GROUPS_MAX) {
		*ret = keyed_find(&c->groups, &key);
		return 0;
	}
	r = keyed_get(&c->groups, &key, ret);
	if (r == 0)
		(*ret)->side = *side;
	return MIN(r, 0);
}

/* Keep those that are in use, sorted by client: those of one are then beside each other. 0 or
 * -ENOMEM, with none left. */
static int groups_sort(struct forecast *c, int (*by)(const void *, const void *))
{
	uint32_t i, n = 0;
	int r;

	for (i = 0; i < c->groups.n; i++) {
		const struct group *g = group_at(c, i);

		if (g->live || g->opened[0] || g->opened[1])
			*group_at(c, n++) = *g;
	}
	c->groups.n = n;
	if (n)
		qsort(c->groups.items, n, sizeof(struct group), by);
	r = keyed_index(&c->groups);
	if (r < 0)
		keyed_done(&c->groups);
	return r;
}

/* ---- counting ---- */

int forecast_open(void *ud, const struct flow *f, const struct lvs_side *side)
{
	struct forecast *c = ud;
	struct group *g;
	int r = group_get(c, f, side, &g);

	if (r == 0 && g) {
		g->opened[0]++;
		port_sample_add(&g->drawn, &c->ports, f->cport);
	}
	return r;
}

static int compare_flow(void *ud, const struct flow *f, const struct lvs_side *side)
{
	struct forecast *c = ud;

	return collide_has(c->old, f) ? 0 : forecast_open(c, f, side);
}

int forecast_compare(struct forecast *c, const struct collide *old, const struct collide *news)
{
	c->old = old;
	return collide_flows(news, compare_flow, c);
}

static void forecast_rotate(struct forecast *c, usec_t now)
{
	size_t i;

	if (now - c->begin[0] < FORECAST_WINDOW)
		return;
	for (i = 0; i < c->groups.n; i++) {
		struct group *g = group_at(c, i);

		g->opened[1] = g->opened[0];
		g->opened[0] = 0;
		port_sample_halve(&g->drawn);
	}
	c->begin[1] = c->begin[0];
	c->begin[0] = now;
}

static int count_flow(void *ud, const struct flow *f, const struct lvs_side *side)
{
	struct forecast *c = ud;
	struct group *g;
	int r = group_get(c, f, side, &g);

	if (r < 0 || !g) {
		c->unseen += r == 0;
		return r;
	}
	port_sample_add(&g->sample, &c->ports, f->cport);
	g->origin |= f->origin;
	g->live += collide_is_via(side) || !flow_is_over(f);
	return 0;
}

/* ---- rows ---- */

static int by_client(const void *va, const void *vb)
{
	const struct group *a = va, *b = vb;

	if (a->side.dest.family != b->side.dest.family)
		return a->side.dest.family < b->side.dest.family ? -1 : 1;
	return memcmp(a->client, b->client, sizeof(a->client));
}

/* What a listing is made with. */
struct listing {
	const struct lvs_map *map;
	const struct ports *ports;
	double seconds; /* of counting */
	double hold;	/* seconds */
	risk_sink sink;
	void *ud;
};

static double rate_of(const struct listing *l, const struct group *g)
{
	return l->seconds > 0 ? (g->opened[0] + g->opened[1]) / l->seconds : 0;
}

static bool has_rates(const struct listing *l, const struct group *a, const struct group *b)
{
	uint64_t n = (uint64_t)a->opened[0] + a->opened[1] + b->opened[0] + b->opened[1];

	return l->seconds * USEC_PER_SEC >=
	       (n >= FORECAST_MANY ? FORECAST_MANY_AFTER : FORECAST_AFTER);
}

/* Connections through a service that are remembered. Those that ended before counting began are
 * not in the table: as many as now, presumably. */
static double remembered(const struct listing *l, const struct group *g)
{
	double missing =
		g->side.l4proto == IPPROTO_TCP && l->seconds < l->hold ? l->hold - l->seconds : 0;

	return g->live + (g->origin & FLOW_HELD ? rate_of(l, g) * missing : 0);
}

static struct port_sample ports_of(const struct group *g)
{
	return (struct port_sample){
		g->sample.n + g->drawn.n,
		g->sample.other_parity + g->drawn.other_parity,
		g->sample.outside + g->drawn.outside,
	};
}

/* Of two groups the one that is direct, or (A2) either. */
static bool row_make(const struct listing *l, const struct group *a, const struct group *b,
		     struct risk_row *ret)
{
	bool a_via = collide_is_via(&a->side), b_via = collide_is_via(&b->side);
	const struct group *direct = a_via && !b_via ? b : a, *via = direct == a ? b : a;
	struct port_sample a_ports = ports_of(a), b_ports = ports_of(b);
	struct risk_row row = { .class = a_via && b_via ? COLLIDE_A2 : COLLIDE_A };

	if ((!a_via && !b_via) || a->side.l4proto != b->side.l4proto ||
	    (a->side.port == b->side.port && addr_equal(&a->side.dest, &b->side.dest)))
		return false;
	row.in.share = lvs_share(l->map, &direct->side, &via->side, true);
	if (row.in.share <= 0)
		return false;
	row.choice = port_choice_of(l->ports, &a_ports, &b_ports, &row.in.ports);
	row.is_bound = l->ports->by_dest && row.choice != PORTS_RANDOM;
	row.l4proto = direct->side.l4proto;
	row.client = addr_make(direct->side.dest.family, direct->client);
	row.direct = direct->side;
	row.via = via->side;
	row.direct_origin = direct->origin;
	row.via_origin = via->origin;
	row.in.direct = row.class == COLLIDE_A2 ? remembered(l, direct) : direct->live;
	row.in.via = remembered(l, via);
	row.has_rates = has_rates(l, direct, via);
	if (row.has_rates) {
		row.in.direct_rate = rate_of(l, direct);
		row.in.via_rate = rate_of(l, via);
	}
	row.risk = risk_of(&row.in);
	*ret = row;
	return true;
}

/* Of one client: the groups FIRST to END. */
static int each_of_client(struct forecast *c, const struct listing *l, size_t first, size_t end)
{
	unsigned budget = PAIRS_MAX;
	struct risk_row row;
	size_t i, j;
	int r = 0;

	for (i = first; i < end; i++) {
		for (j = i + 1; j < end && r >= 0; j++) {
			if (!budget) {
				c->unseen++;
				return r;
			}
			budget--;
			if (row_make(l, group_at(c, i), group_at(c, j), &row))
				r = l->sink(l->ud, &row);
		}
	}
	return r;
}

int forecast_each(struct forecast *c, const struct lvs_map *map, const struct collide *flows,
		  usec_t hold, usec_t now, risk_sink sink, void *ud, uint64_t *ret_unseen)
{
	const struct listing l = { map,
				   &c->ports,
				   (double)(now - c->begin[1]) / USEC_PER_SEC,
				   (double)hold / USEC_PER_SEC,
				   sink,
				   ud };
	size_t i, end;
	int r;

	for (i = 0; i < c->groups.n; i++) {
		struct group *g = group_at(c, i);

		g->sample = (struct port_sample){ 0 };
		g->origin = 0;
		g->live = 0;
	}
	c->unseen = 0;
	r = collide_flows(flows, count_flow, c);
	if (r >= 0)
		r = groups_sort(c, by_client);
	for (i = 0; i < c->groups.n && r >= 0; i = end) {
		for (end = i + 1;
		     end < c->groups.n && !by_client(group_at(c, i), group_at(c, end));)
			end++;
		r = each_of_client(c, &l, i, end);
	}
	forecast_rotate(c, now);
	*ret_unseen = c->unseen;
	return r;
}
