/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/collide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "lvs/collide_table.h"

/* The whole table is looked through for what is over, so not more often than this (seconds). */
#define SWEEP_EVERY 10

struct collide *collide_new(const struct lvs_map *map, struct collide_node node, uint64_t seed)
{
	struct collide *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->map = map;
	c->node = node;
	c->seed = seed | 1;
	c->targets = (struct keyed){ .size = sizeof(struct lvs_side), .key = LVS_SIDE_KEY };
	c->clients = (struct keyed){ .size = sizeof(((struct addr *)0)->bytes) };
	c->clients.key = c->clients.size;
	c->clients.seed = c->targets.seed = c->seed;
	c->next_sweep = UINT32_MAX;
	return c;
}

struct collide *collide_free(struct collide *c)
{
	if (!c)
		return NULL;
	free(c->records);
	keyed_done(&c->targets);
	keyed_done(&c->clients);
	free(c);
	return NULL;
}

size_t collide_count(const struct collide *c)
{
	return c->n_flows;
}

/* ---- flows ---- */

static struct record *flow_find(const struct collide *c, const struct flow *f)
{
	uint32_t target;
	uint64_t key;

	if (!collide_target_find(c, f, &target) || !collide_key_find(c, f, &key))
		return NULL;
	return collide_find(c, key, target);
}

uint8_t collide_origin(const struct collide *c, const struct flow *f)
{
	const struct record *r = flow_find(c, f);

	return r ? r->origin : 0;
}

bool collide_has(const struct collide *c, const struct flow *f)
{
	return flow_find(c, f);
}

void collide_on_open(struct collide *c, collide_flow_sink sink, void *ud)
{
	c->opened = sink;
	c->opened_ud = ud;
}

/* R is reported once more, as NEWS. The state that its socket has prevails. */
static void lvs_collide_refresh(struct record *r, const struct record *news)
{
	bool told_by_socket = r->origin & FLOW_SOCKET && !(r->origin & FLOW_HELD);

	if (news->origin & FLOW_SOCKET || !told_by_socket)
		r->state = news->state;
	if (news->backoff)
		r->backoff = news->backoff;
	if (r->origin & FLOW_HELD)
		r->since = news->since; /* the port is in use again */
	else if (!r->since)
		r->since = news->since;
	r->origin = (uint8_t)((r->origin & ~FLOW_HELD) | news->origin);
	r->views |= news->views;
}

static int put_flow(struct collide *c, const struct flow *f, unsigned views)
{
	struct record news, *r;
	uint32_t target;
	bool is_new;
	uint64_t key;
	int e;

	collide_fetch(c, f);
	e = collide_target_get(c, f, &target);
	if (e <= 0)
		return e;
	e = collide_key_get(c, f, &key);
	if (e < 0)
		return e;
	news = collide_record_make(f, key, target, views);
	e = collide_put(c, &news, &r);
	if (e < 0)
		return e;
	is_new = e == 0 || r->origin & FLOW_HELD;
	if (e > 0)
		lvs_collide_refresh(r, &news);
	return is_new && c->opened && views & VIEW_RS
		       ? c->opened(c->opened_ud, f, keyed_at(&c->targets, target))
		       : 0;
}

/* BEFORE is a socket's flow whose packets leave as F: translated, or sent on by our
 * own director. F takes its place, since that is what the RS sees; the socket's
 * state and retransmissions are kept. */
static void supersede(struct collide *c, const struct flow *before, struct flow *f)
{
	struct record *r = flow_find(c, before);

	if (!r || (r->origin & ~FLOW_SAVED) != FLOW_SOCKET)
		return;
	f->backoff = r->backoff;
	f->state = r->state;
	f->origin |= FLOW_SOCKET;
	collide_drop(c, r);
}

/* A row of our own director's table. It counts only when the RS it was sent to is
 * shown the client's address. */
static int put_row(struct collide *c, const struct flow *f)
{
	unsigned views = f->pin ? 0 : VIEW_OUT | (c->node.tracks ? 0 : VIEW_RS);
	struct flow before = *f, row = *f;
	struct addr dest = addr_make(f->family, f->dest);

	if (!f->has_rs || !lvs_map_shows(c->map, f->l4proto, &dest, f->dport, &f->rs, f->rport))
		return 0;
	before.has_rs = false;
	supersede(c, &before, &row);
	return put_flow(c, &row, views);
}

int collide_add(struct collide *c, const struct flow *f)
{
	struct flow n = *f;

	flow_normalise(&n);
	if (n.origin & FLOW_IPVS)
		return put_row(c, &n);
	return put_flow(c, &n, VIEW_RS | (c->node.director ? VIEW_OUT : 0));
}

int collide_add_conn(struct collide *c, const struct conn *conn, enum flow_origin origin,
		     usec_t since)
{
	struct both_views v;
	int r;

	if (!collide_views_of(c, conn, origin, since, &v))
		return 0;
	if (v.translated)
		supersede(c, &v.before, &v.rs);
	r = put_flow(c, &v.rs, v.rs_views);
	if (r >= 0 && v.has_out)
		r = put_flow(c, &v.out, VIEW_OUT);
	return r;
}

/* ---- what has ended ---- */

static bool record_is_over(const struct record *r)
{
	return r->state == FLOW_TIME_WAIT || r->state == FLOW_CLOSED;
}

static void record_hold(struct collide *c, struct record *r, uint32_t until)
{
	r->origin |= FLOW_HELD;
	r->since = until;
	c->next_sweep = MIN(c->next_sweep, until);
}

static void end_flow(struct collide *c, const struct flow *f, bool gone, usec_t now, usec_t hold)
{
	struct record *r = flow_find(c, f);

	if (!r || r->origin & FLOW_HELD)
		return;
	/* its end was not heard of: its entry has been kept as long as a director would keep it */
	if (gone && record_is_over(r))
		hold = 0;
	if (hold && collide_is_via(collide_side(c, r)))
		record_hold(c, r, (uint32_t)((now + hold) / USEC_PER_SEC));
	else
		collide_drop(c, r);
}

void collide_end(struct collide *c, const struct flow *f, usec_t now, usec_t hold)
{
	struct flow n = *f;

	flow_normalise(&n);
	if (!(collide_origin(c, &n) & FLOW_CONNTRACK))
		end_flow(c, &n, false, now, hold);
}

void collide_end_conn(struct collide *c, const struct conn *conn, bool gone, usec_t now,
		      usec_t hold)
{
	struct both_views v;

	if (!collide_views_of(c, conn, FLOW_CONNTRACK, 0, &v))
		return;
	end_flow(c, &v.rs, gone, now, hold);
	if (v.has_out)
		end_flow(c, &v.out, gone, now, 0);
}

int collide_keep_held(struct collide *c, const struct collide *old)
{
	uint32_t i, n = old ? old->n_places : 0;
	int e = 0;

	for (i = 0; i < n && e >= 0; i++) {
		const struct record *r = &old->records[i];
		struct record *there;
		struct flow f;

		if (!r->key || !(r->origin & FLOW_HELD) || r->since <= old->second)
			continue;
		f = collide_flow(old, r, collide_side(old, r));
		there = flow_find(c, &f);
		if (!there)
			e = put_flow(c, &f, r->views);
		else if (there->state == FLOW_TIME_WAIT && !(there->origin & FLOW_CONNTRACK))
			record_hold(c, there, r->since); /* its socket's end is not news */
		c->next_sweep = MIN(c->next_sweep, r->since);
	}
	return e;
}

static void collide_sweep(struct collide *c)
{
	uint32_t i = 0;

	c->last_sweep = c->second;
	c->next_sweep = UINT32_MAX;
	while (i < c->n_places) {
		struct record *r = &c->records[i];

		if (!r->key || !(r->origin & FLOW_HELD)) {
			i++;
		} else if (r->since > c->second) {
			c->next_sweep = MIN(c->next_sweep, r->since);
			i++;
		} else {
			collide_drop(c, r); /* another may be in its place now */
		}
	}
}

void collide_expire(struct collide *c, usec_t now)
{
	c->second = (uint32_t)(now / USEC_PER_SEC);
	if (c->second >= c->next_sweep && c->second - c->last_sweep >= SWEEP_EVERY)
		collide_sweep(c);
}

/* ---- pairs ---- */

static struct party party_of(const struct collide *c, const struct record *r)
{
	return (struct party){ *r, collide_side(c, r) };
}

/* Record R with all that come after it. */
static int each_after(const struct collide *c, const struct record *r, unsigned *budget,
		      collision_sink sink, void *ud)
{
	struct party x = party_of(c, r), y;
	struct collision collision;
	int e = 0;

	for (r = collide_next(c, r); r && e >= 0 && *budget; r = collide_next(c, r)) {
		--*budget;
		y = party_of(c, r);
		if (collide_judge(c, &x, &y, false, &collision))
			e = sink(ud, &collision);
	}
	return e;
}

int collide_each(const struct collide *c, collision_sink sink, void *ud, uint64_t *ret_unseen)
{
	uint64_t unseen = 0;
	uint32_t i;
	int e = 0;

	for (i = 0; i < c->n_places && e >= 0; i++) {
		const struct record *r = &c->records[i];
		unsigned budget = PAIRS_MAX;

		/* most are alone; of the others once for all */
		if (!r->key || !r->shared || collide_first(c, r->key) != r)
			continue;
		for (; r && e >= 0; r = collide_next(c, r))
			e = each_after(c, r, &budget, sink, ud);
		unseen += !budget;
	}
	*ret_unseen = unseen;
	return e;
}

static int probe_flow(const struct collide *c, const struct flow *f, unsigned views, bool fresh,
		      collision_sink sink, void *ud)
{
	struct collision collision;
	const struct record *r;
	struct lvs_side target;
	struct party own, other;
	unsigned budget = PAIRS_MAX;
	uint64_t key;
	int e = 0;

	if (!collide_key_find(c, f, &key) || !collide_target_make(c, f, &target))
		return 0;
	own = (struct party){ collide_record_make(f, key, 0, views), &target };
	for (r = collide_first(c, key); r && e >= 0 && budget--; r = collide_next(c, r)) {
		other = party_of(c, r);
		if (collide_judge(c, &own, &other, fresh, &collision))
			e = sink(ud, &collision);
	}
	return e;
}

int collide_probe(const struct collide *c, const struct flow *f, bool fresh, collision_sink sink,
		  void *ud)
{
	struct flow n = *f;

	flow_normalise(&n);
	return probe_flow(c, &n, VIEW_RS | (c->node.director ? VIEW_OUT : 0), fresh, sink, ud);
}

int collide_probe_conn(const struct collide *c, const struct conn *conn, bool fresh,
		       collision_sink sink, void *ud)
{
	struct both_views v;
	int r;

	if (!collide_views_of(c, conn, FLOW_CONNTRACK, 0, &v))
		return 0;
	r = probe_flow(c, &v.rs, v.rs_views, fresh, sink, ud);
	if (r >= 0 && v.has_out)
		r = probe_flow(c, &v.out, VIEW_OUT, fresh, sink, ud);
	return r;
}

int collide_flows(const struct collide *c, collide_flow_sink sink, void *ud)
{
	uint32_t i;
	int e = 0;

	for (i = 0; i < c->n_places && e >= 0; i++) {
		const struct record *r = &c->records[i];
		struct flow f;

		if (!r->key || !(r->views & VIEW_RS))
			continue;
		f = collide_flow(c, r, collide_side(c, r));
		e = sink(ud, &f, collide_side(c, r));
	}
	return e;
}
