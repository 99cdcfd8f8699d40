/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/collide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "lvs/collide_table.h"

#define RECORDS_MAX (1U << 28)

struct collide *collide_new(const struct lvs_map *map, struct collide_node node, uint64_t seed)
{
	struct collide *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->map = map;
	c->node = node;
	c->seed = seed | 1;
	c->free_record = NO_RECORD;
	return c;
}

struct collide *collide_free(struct collide *c)
{
	size_t i;

	if (!c)
		return NULL;
	free(c->slots);
	free(c->records);
	free(c->targets);
	hash_done(&c->by_target);
	free(c->clients);
	hash_done(&c->by_client);
	for (i = 0; i < HOLDS; i++)
		free(c->held[i].list);
	free(c);
	return NULL;
}

size_t collide_count(const struct collide *c)
{
	return c->n_flows;
}

/* ---- one flow's records ---- */

static struct record *find_record(const struct collide *c, uint64_t key, uint32_t target,
				  uint32_t *ret)
{
	uint32_t at = collide_head(c, key);

	while (at != NO_RECORD && c->records[at].target != target)
		at = c->records[at].next;
	if (ret)
		*ret = at;
	return at == NO_RECORD ? NULL : &c->records[at];
}

bool collide_has(const struct collide *c, const struct flow *f)
{
	uint32_t target;
	uint64_t key;

	return collide_target_find(c, f, &target) &&
	       collide_key_find(c, f->family, f->l4proto, f->client, f->cport, &key) &&
	       find_record(c, key, target, NULL);
}

static int new_record(struct collide *c, uint32_t *ret)
{
	int r;

	if (c->free_record != NO_RECORD) {
		*ret = c->free_record;
		c->free_record = c->records[*ret].next;
		return 0;
	}
	if (c->n_records >= RECORDS_MAX)
		return -ENOMEM;
	r = array_reserve(&c->records, &c->cap_records, c->n_records + 1, sizeof(*c->records));
	if (r < 0)
		return r;
	*ret = c->n_records++;
	return 0;
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

static int lvs_collide_put(struct collide *c, uint64_t key, const struct record *news)
{
	uint32_t at, *head;
	int e = collide_head_get(c, key, &head);

	if (e < 0)
		return e;
	for (at = *head; at != NO_RECORD; at = c->records[at].next)
		if (c->records[at].target == news->target) {
			lvs_collide_refresh(&c->records[at], news);
			return 0;
		}
	e = new_record(c, &at);
	if (e < 0)
		return e;
	c->records[at] = *news;
	c->records[at].next = *head;
	c->dead_slots -= *head == NO_RECORD;
	*head = at;
	c->n_flows++;
	return 0;
}

static void lvs_collide_drop(struct collide *c, uint64_t key, uint32_t record)
{
	uint32_t *at = collide_head_at(c, key);

	if (!at)
		return;
	if (*at == record) {
		*at = c->records[record].next;
		c->dead_slots += *at == NO_RECORD;
	} else {
		uint32_t i = *at;

		while (i != NO_RECORD && c->records[i].next != record)
			i = c->records[i].next;
		if (i == NO_RECORD)
			return;
		c->records[i].next = c->records[record].next;
	}
	c->records[record].next = c->free_record;
	c->free_record = record;
	c->n_flows--;
}

/* ---- flows ---- */

static int put_flow(struct collide *c, const struct flow *f, unsigned views)
{
	struct record r;
	uint32_t target;
	uint64_t key;
	int e;

	e = collide_target_get(c, f, &target);
	if (e <= 0)
		return e;
	e = collide_key_get(c, f->family, f->l4proto, f->client, f->cport, &key);
	if (e < 0)
		return e;
	r = collide_record_make(f, target, views);
	return lvs_collide_put(c, key, &r);
}

/* BEFORE is a socket's flow whose packets leave as F: translated, or sent on by our
 * own director. F takes its place, since that is what the RS sees; the socket's
 * state and retransmissions are kept. */
static void supersede(struct collide *c, const struct flow *before, struct flow *f)
{
	uint32_t target, at;
	struct record *r;
	uint64_t key;

	if (!collide_target_find(c, before, &target) ||
	    !collide_key_find(c, before->family, before->l4proto, before->client, before->cport,
			      &key))
		return;
	r = find_record(c, key, target, &at);
	if (!r || (r->origin & ~FLOW_SAVED) != FLOW_SOCKET)
		return;
	f->backoff = r->backoff;
	f->state = r->state;
	f->origin |= FLOW_SOCKET;
	lvs_collide_drop(c, key, at);
}

/* A row of our own director's table. It counts only when the RS it was sent to is
 * shown the client's address. */
static int put_row(struct collide *c, const struct flow *f)
{
	unsigned views = f->pin ? 0 : VIEW_OUT | (c->node.tracks ? 0 : VIEW_RS);
	struct flow before = *f, row = *f;
	struct lvs_dest d;

	if (!f->has_rs ||
	    !lvs_map_lookup(c->map, f->l4proto, f->rs.family, f->rs.bytes, f->rport, &d) || !d.real)
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

static struct held *ring_at(const struct held_ring *r, uint32_t i)
{
	return &r->list[(r->first + i) & (r->cap - 1)];
}

static int hold_record(struct collide *c, uint64_t key, uint32_t record, uint32_t until,
		       usec_t hold)
{
	struct held_ring *r = c->held;
	struct held *list;
	uint32_t i, cap;

	while (r->n && r->hold != hold && r < &c->held[HOLDS - 1])
		r++;
	r->hold = hold;
	if (r->n == r->cap) {
		cap = r->cap ? 2 * r->cap : 64;
		list = malloc(cap * sizeof(*list));
		if (!list)
			return -ENOMEM;
		for (i = 0; i < r->n; i++)
			list[i] = *ring_at(r, i);
		free(r->list);
		r->list = list;
		r->cap = cap;
		r->first = 0;
	}
	*ring_at(r, r->n++) = (struct held){ record, until, key };
	return 0;
}

static bool record_is_over(const struct record *r)
{
	return r->state == FLOW_TIME_WAIT || r->state == FLOW_CLOSED;
}

static void end_flow(struct collide *c, const struct flow *f, bool gone, usec_t now, usec_t hold)
{
	uint32_t target, at, until = (uint32_t)((now + hold) / USEC_PER_SEC);
	struct record *r;
	uint64_t key;

	if (!collide_target_find(c, f, &target) ||
	    !collide_key_find(c, f->family, f->l4proto, f->client, f->cport, &key))
		return;
	r = find_record(c, key, target, &at);
	if (!r || r->origin & FLOW_HELD)
		return;
	/* its end was not heard of: its entry has been kept as long as a director would keep it */
	if (gone && record_is_over(r))
		hold = 0;
	if (!hold || !collide_is_via(&c->targets[target].side) ||
	    hold_record(c, key, at, until, hold) < 0) {
		lvs_collide_drop(c, key, at);
		return;
	}
	r->origin |= FLOW_HELD;
	r->since = until;
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

/* Put F, which is held until UNTIL, unless it is there. */
static int put_held(struct collide *c, const struct flow *f, unsigned views, uint32_t until,
		    usec_t hold)
{
	uint32_t target, at;
	uint64_t key;
	int r;

	if (collide_has(c, f))
		return 0;
	r = put_flow(c, f, views);
	if (r < 0 || !collide_target_find(c, f, &target) ||
	    !collide_key_find(c, f->family, f->l4proto, f->client, f->cport, &key) ||
	    !find_record(c, key, target, &at))
		return r;
	return hold_record(c, key, at, until, hold);
}

static int ring_keep(struct collide *c, const struct collide *old, const struct held_ring *ring)
{
	uint32_t i;
	int r = 0;

	for (i = 0; i < ring->n && r >= 0; i++) {
		const struct held *h = ring_at(ring, i);
		const struct record *o = &old->records[h->record];
		struct flow f;

		/* taken up again, or another's by now */
		if (!(o->origin & FLOW_HELD) || o->since != h->until ||
		    find_record(old, h->key, o->target, NULL) != o)
			continue;
		f = collide_flow(old, h->key, o, &old->targets[o->target]);
		r = put_held(c, &f, o->views, h->until, ring->hold);
	}
	return r;
}

int collide_keep_held(struct collide *c, const struct collide *old)
{
	size_t i;
	int r = 0;

	for (i = 0; old && i < HOLDS && r >= 0; i++)
		r = ring_keep(c, old, &old->held[i]);
	return r;
}

static void ring_expire(struct collide *c, struct held_ring *ring, uint32_t second)
{
	for (; ring->n && ring_at(ring, 0)->until <= second; ring->n--, ring->first++) {
		const struct held *h = ring_at(ring, 0);
		const struct record *r = &c->records[h->record];

		/* taken up again, or its record is another's by now: not ours */
		if (r->origin & FLOW_HELD && r->since == h->until)
			lvs_collide_drop(c, h->key, h->record);
	}
}

void collide_expire(struct collide *c, usec_t now)
{
	size_t i;

	for (i = 0; i < HOLDS; i++)
		ring_expire(c, &c->held[i], (uint32_t)(now / USEC_PER_SEC));
}

enum collide_verdict collide_rule(const struct collision *c, bool entry_is_via,
				  enum on_certain on_certain)
{
	const struct flow *newcomer = entry_is_via ? &c->direct : &c->via;
	bool opened = newcomer->state == FLOW_ESTABLISHED || newcomer->state == FLOW_CLOSING;

	/* What both of them were before the flush, they are after it. */
	if (on_certain == ON_CERTAIN_RESTORE || newcomer->origin & FLOW_SAVED)
		return COLLIDE_RESTORE;
	/* Our director may mix the answers up; the RS still holds both. */
	if (c->class == COLLIDE_C || c->certainty == COLLIDE_POSSIBLE || c->toa_unknown)
		return COLLIDE_RESTORE;
	/* A direct one that could be opened: there is no such session at this
	 * RS, or the director has forgotten it. */
	if (entry_is_via)
		return COLLIDE_RESTORE;
	return opened ? COLLIDE_SKIP : COLLIDE_RESTORE;
}
