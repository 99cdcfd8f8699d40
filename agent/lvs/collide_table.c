/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Client sides and destinations, each packed into a number. */
#include "lvs/collide_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"

/* How many places are made in advance at most; more are made when they are needed. */
#define EXPECTED_MAX (1U << 24)
#define PLACES_MAX (1U << 28)

static uint32_t collide_table_mix(const struct collide *c, uint64_t key)
{
	return (uint32_t)hash_fold(hash_fold(c->seed, key), 0);
}

/* ---- client sides ---- */

/* An IPv4 address is its own number. */
static uint64_t key_pack(uint8_t family, uint8_t l4proto, uint32_t client, uint16_t port)
{
	return (uint64_t)client << 32 | (uint64_t)port << 16 | (uint64_t)l4proto << 8 | family;
}

static uint32_t client_ipv4(const uint8_t *addr)
{
	uint32_t client;

	memcpy(&client, addr, sizeof(client));
	return client;
}

bool collide_key_find(const struct collide *c, const struct flow *f, uint64_t *ret)
{
	const void *client = f->family == AF_INET ? NULL : keyed_find(&c->clients, f->client);

	if (f->family != AF_INET && !client)
		return false;
	*ret = key_pack(f->family, f->l4proto,
			client ? keyed_number(&c->clients, client) : client_ipv4(f->client),
			f->cport);
	return true;
}

int collide_key_get(struct collide *c, const struct flow *f, uint64_t *ret)
{
	void *client;
	int r = f->family == AF_INET ? 0 : keyed_get(&c->clients, f->client, &client);

	if (r >= 0)
		(void)collide_key_find(c, f, ret);
	return r;
}

/* ---- flows by client side ---- */

/* A client uses neighbouring ports: these are kept beside each other, eight to a
 * block, so that what is looked at is a fraction of the table. */
#define BLOCK_BITS 3
#define BLOCK_MASK ((1U << BLOCK_BITS) - 1)

static uint32_t home_of(const struct collide *c, uint64_t key)
{
	uint32_t port = (uint32_t)(key >> 16) & BLOCK_MASK;
	uint64_t block = key & ~((uint64_t)BLOCK_MASK << 16);

	return (collide_table_mix(c, block) << BLOCK_BITS | port) & (c->n_places - 1);
}

void collide_fetch(const struct collide *c, const struct flow *f)
{
	if (f->family == AF_INET && c->n_places)
		__builtin_prefetch(&c->records[home_of(
			c, key_pack(f->family, f->l4proto, client_ipv4(f->client), f->cport))]);
}

/* The first record of KEY from place I on, before one that is free. */
static struct record *record_from(const struct collide *c, uint64_t key, uint32_t i)
{
	for (i &= c->n_places - 1; c->records[i].key; i = (i + 1) & (c->n_places - 1)) {
		if (c->records[i].key == key)
			return &c->records[i];
	}
	return NULL;
}

struct record *collide_first(const struct collide *c, uint64_t key)
{
	return c->n_places ? record_from(c, key, home_of(c, key)) : NULL;
}

struct record *collide_next(const struct collide *c, const struct record *r)
{
	return record_from(c, r->key, (uint32_t)(r - c->records) + 1);
}

/* Where the flow of KEY to TARGET is, or is to be: behind all others of KEY. */
static struct record *place_of(const struct collide *c, uint64_t key, uint32_t target,
			       bool *ret_shared)
{
	uint32_t i = home_of(c, key);

	*ret_shared = false;
	for (; c->records[i].key; i = (i + 1) & (c->n_places - 1)) {
		if (c->records[i].key != key)
			continue;
		if (c->records[i].target == target)
			break;
		*ret_shared = true;
	}
	return &c->records[i];
}

struct record *collide_find(const struct collide *c, uint64_t key, uint32_t target)
{
	bool shared;
	struct record *r = c->n_places ? place_of(c, key, target, &shared) : NULL;

	return r && r->key ? r : NULL;
}

static int records_resize(struct collide *c, uint32_t n)
{
	struct record *old = c->records, *records = calloc(n, sizeof(*records));
	uint32_t n_old = c->n_places, i;
	bool shared;

	if (!records)
		return -ENOMEM;
	c->records = records;
	c->n_places = n;
	for (i = 0; i < n_old; i++) {
		if (old[i].key)
			*place_of(c, old[i].key, old[i].target, &shared) = old[i];
	}
	free(old);
	return 0;
}

int collide_expect(struct collide *c, size_t flows)
{
	uint32_t n = MAX(c->n_places, 64U);

	while (n < EXPECTED_MAX && n / 4 * 3 < flows / 2)
		n *= 2;
	return n > c->n_places ? records_resize(c, n) : 0;
}

int collide_put(struct collide *c, const struct record *news, struct record **ret)
{
	struct record *o;
	bool shared;
	int r = 0;

	if (c->n_flows >= c->n_places / 4 * 3)
		r = c->n_places < PLACES_MAX ? records_resize(c, MAX(2 * c->n_places, 64U))
					     : -ENOMEM;
	if (r < 0)
		return r;
	*ret = place_of(c, news->key, news->target, &shared);
	if ((*ret)->key)
		return 1;
	**ret = *news;
	c->n_flows++;
	for (o = shared ? collide_first(c, news->key) : NULL; o; o = collide_next(c, o))
		o->shared = true;
	return 0;
}

/* The gap is closed by the next one that may stand there, as often as there is one. */
void collide_drop(struct collide *c, struct record *r)
{
	uint32_t mask = c->n_places - 1, gap = (uint32_t)(r - c->records), i = gap;

	for (;;) {
		i = (i + 1) & mask;
		if (!c->records[i].key)
			break;
		/* as far from its home as from the gap at least */
		if (((i - home_of(c, c->records[i].key)) & mask) < ((i - gap) & mask))
			continue;
		c->records[gap] = c->records[i];
		gap = i;
	}
	c->records[gap].key = 0;
	c->n_flows--;
}

/* ---- destinations ---- */

bool collide_is_via(const struct lvs_side *side)
{
	return side->service != LVS_NONE || side->has_rs;
}

static struct lvs_side target_key(const struct flow *f)
{
	struct lvs_side s = { .dest = addr_make(f->family, f->dest),
			      .l4proto = f->l4proto,
			      .has_rs = f->has_rs,
			      .port = f->dport,
			      .service = LVS_NONE };

	if (f->has_rs) {
		s.rs = addr_make(f->rs.family, f->rs.bytes);
		s.rport = f->rport;
	}
	return s;
}

bool collide_target_make(const struct collide *c, const struct flow *f, struct lvs_side *ret)
{
	struct lvs_dest d = { .service = LVS_NONE };

	if (!lvs_map_lookup(c->map, f->l4proto, f->family, f->dest, f->dport, &d) && !f->has_rs)
		return false;
	*ret = target_key(f);
	ret->service = d.service;
	ret->any_port = d.any_port;
	return true;
}

bool collide_target_find(const struct collide *c, const struct flow *f, uint32_t *ret)
{
	struct lvs_side key = target_key(f);
	const struct lvs_side *s = keyed_find(&c->targets, &key);

	if (s)
		*ret = keyed_number(&c->targets, s);
	return s;
}

int collide_target_get(struct collide *c, const struct flow *f, uint32_t *ret)
{
	struct lvs_side news, *s;
	int r;

	if (collide_target_find(c, f, ret))
		return 1; /* the map does not change */
	if (!collide_target_make(c, f, &news))
		return 0;
	r = keyed_get(&c->targets, &news, &s);
	if (r < 0)
		return r;
	*s = news;
	*ret = keyed_number(&c->targets, s);
	return 1;
}

/* ---- and back ---- */

/* The reverse of client_ipv4(). */
static void client_put(uint8_t *ret, uint32_t client)
{
	memcpy(ret, &client, sizeof(client));
}

struct flow collide_flow(const struct collide *c, const struct record *r,
			 const struct lvs_side *side)
{
	uint64_t key = r->key;
	struct flow f = {
		.family = (uint8_t)key,
		.l4proto = (uint8_t)(key >> 8),
		.state = r->state,
		.origin = r->origin,
		.backoff = r->backoff,
		.cport = (uint16_t)(key >> 16),
		.dport = side->port,
		.has_rs = side->has_rs,
		.rport = side->rport,
		.rs = side->rs,
		.since = r->since * USEC_PER_SEC,
	};

	if (f.family == AF_INET)
		client_put(f.client, (uint32_t)(key >> 32));
	else
		memcpy(f.client, keyed_at(&c->clients, (uint32_t)(key >> 32)), sizeof(f.client));
	memcpy(f.dest, side->dest.bytes, sizeof(f.dest));
	return f;
}
