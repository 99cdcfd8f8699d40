/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks up what a destination is: a service's, a real server's, or neither. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lvs/map_store.h"

/* With more matches than these a real server counts as a service of its own without
 * a look at each. */
#define CHAIN_TRIES 64

/* ---- members of a pool ---- */

/* Item 2 * I is real server I with its port, 2 * I + 1 whatever port it has. */
static uint32_t member_hash(const struct lvs_pool *pool, const struct addr *addr, uint32_t port)
{
	return (uint32_t)lvs_mix_addr(lvs_mix(pool->first_real, port), addr);
}

static bool is_whole(const struct prefix *p)
{
	return p->len == 8 * addr_size(p->addr.family);
}

uint32_t lvs_index_member(const struct lvs_map *m, const struct lvs_pool *pool,
			  const struct addr *addr, uint32_t port)
{
	uint32_t hash = member_hash(pool, addr, port), i;
	bool any = port == LVS_ANY_PORT;
	size_t at;

	for (i = hash_first(&m->members, hash, &at); i != HASH_NONE;
	     i = hash_next(&m->members, hash, &at)) {
		const struct lvs_real *r = &m->real_list[i / 2];

		if (i % 2 == any && i / 2 - pool->first_real < pool->n_reals &&
		    addr_equal(&r->addr.addr, addr) && (any || r->port == port))
			return i / 2;
	}
	return LVS_NONE;
}

static void member_put(struct lvs_map *m, const struct lvs_pool *pool, uint32_t real, uint32_t port)
{
	const struct addr *a = &m->real_list[real].addr.addr;

	/* a server that is given twice counts once */
	if (lvs_index_member(m, pool, a, port) == LVS_NONE)
		hash_put(&m->members, member_hash(pool, a, port),
			 2 * real + (port == LVS_ANY_PORT));
}

int lvs_index_members(struct lvs_map *m)
{
	uint32_t i, j;
	int r;

	/* it grows no more, so that no hash is asked for */
	hash_done(&m->members);
	r = hash_reserve(&m->members, 2 * (size_t)m->reals.n, NULL, NULL);
	if (r < 0)
		return r;
	for (i = 0; i < m->pools.n; i++) {
		struct lvs_pool *p = LVS_POOL(m, i);

		for (j = p->first_real; j < p->first_real + p->n_reals; j++) {
			if (!is_whole(&m->real_list[j].addr)) {
				p->wide = true;
				continue;
			}
			member_put(m, p, j, m->real_list[j].port);
			member_put(m, p, j, LVS_ANY_PORT);
		}
	}
	return 0;
}

/* ---- destinations ---- */

static uint32_t dest_hash(uint8_t l4proto, uint8_t family, const uint8_t *addr, uint16_t port)
{
	uint64_t low = (uint64_t)port << 16 | (uint64_t)l4proto << 8 | family;
	uint64_t words[2];
	uint32_t v4;

	if (family == AF_INET) {
		memcpy(&v4, addr, sizeof(v4));
		return (uint32_t)lvs_spread((uint64_t)v4 << 32 | low);
	}
	memcpy(words, addr, sizeof(words));
	return (uint32_t)lvs_mix(lvs_mix(low, words[0]), words[1]);
}

static uint32_t dest_item_hash(const void *ud, uint32_t i)
{
	const struct lvs_map *m = ud;
	const struct lvs_entry *e = LVS_ITEM(const struct lvs_entry, m->entries, i);

	return dest_hash(e->l4proto, e->addr.family, e->addr.bytes, e->port);
}

static struct lvs_entry *dest_find(const struct lvs_map *m, uint8_t l4proto, uint8_t family,
				   const uint8_t *addr, uint16_t port)
{
	uint32_t hash = dest_hash(l4proto, family, addr, port), i;
	size_t at;

	for (i = hash_first(&m->dests, hash, &at); i != HASH_NONE;
	     i = hash_next(&m->dests, hash, &at)) {
		struct lvs_entry *e = LVS_ITEM(struct lvs_entry, m->entries, i);

		if (e->port == port && e->l4proto == l4proto && e->addr.family == family &&
		    !memcmp(e->addr.bytes, addr, family == AF_INET ? 4 : 16))
			return e;
	}
	return NULL;
}

static int dest_put(struct lvs_map *m, uint8_t l4proto, const struct addr *addr, uint16_t port,
		    struct lvs_entry **ret)
{
	struct lvs_entry *e = dest_find(m, l4proto, addr->family, addr->bytes, port);
	int r = 0;

	if (!e) {
		/* half of it stays free: most destinations are looked for in vain */
		r = hash_reserve(&m->dests, 2 * ((size_t)m->entries.n + 1), dest_item_hash, m);
		if (r == 0)
			r = lvs_array_grow(&m->entries, sizeof(*e), UINT32_MAX / 2);
		if (r < 0)
			return r;
		e = LVS_ITEM(struct lvs_entry, m->entries, m->entries.n);
		*e = (struct lvs_entry){
			.addr = *addr, .service = LVS_NONE, .port = port, .l4proto = l4proto
		};
		hash_put(&m->dests, dest_hash(l4proto, addr->family, addr->bytes, port),
			 m->entries.n++);
	}
	*ret = e;
	return 0;
}

/* Whether connections reach the RS on the port that the client has connected to,
 * whatever the RS's own port is. */
static bool keeps_port(const struct lvs_pool *p, const struct lvs_match *match)
{
	return !match->port || (match->fwmark && p->service.persistent);
}

static int put_match(struct lvs_map *m, uint32_t service, const struct lvs_match *match)
{
	bool any_port = keeps_port(LVS_POOL(m, service), match);
	struct lvs_entry *e;
	int r;

	if (!match->l4proto)
		return 0;
	if (!addr_equal(&match->first, &match->last))
		return lvs_span_put(m, &(struct lvs_span){
					       .first = match->first,
					       .last = match->last,
					       .service = service,
					       .port = match->port,
					       .l4proto = match->l4proto,
					       .any_port = any_port,
				       });
	r = dest_put(m, match->l4proto, &match->first, match->port, &e);
	if (r >= 0 && e->service == LVS_NONE) {
		e->service = service;
		e->any_port = any_port;
	}
	return r;
}

static int put_real(struct lvs_map *m, uint8_t l4proto, const struct lvs_real *real, uint16_t port)
{
	struct lvs_span span = { .service = LVS_NONE, .port = port, .l4proto = l4proto };
	struct lvs_entry *e;
	unsigned bit;
	int r;

	span.real = true;
	if (is_whole(&real->addr)) {
		r = dest_put(m, l4proto, &real->addr.addr, port, &e);
		if (r >= 0)
			e->real = true;
		return r;
	}
	span.first = span.last = real->addr.addr;
	for (bit = real->addr.len; bit < 8 * addr_size(span.first.family); bit++) {
		span.first.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		span.last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	return lvs_span_put(m, &span);
}

/* The protocols by which the real servers of a pool are reached. */
struct protos {
	uint8_t l4proto[8];
	bool any_port[8]; /* some match of it is of any port */
	size_t n;
};

static void protos_add(struct protos *p, uint8_t l4proto, bool any_port)
{
	size_t at;

	for (at = 0; at < p->n && p->l4proto[at] != l4proto;)
		at++;
	if (at == ARRAY_SIZE(p->l4proto))
		return;
	p->n += at == p->n;
	p->l4proto[at] = l4proto;
	p->any_port[at] |= any_port;
}

static void protos_of(const struct lvs_map *m, const struct lvs_pool *p, struct protos *ret)
{
	uint32_t i;

	*ret = (struct protos){ .n = 0 };
	for (i = 0; i < p->n_matches; i++) {
		const struct lvs_match *match = &m->match_list[p->first_match + i];

		if (match->l4proto) {
			protos_add(ret, match->l4proto, keeps_port(p, match));
			continue;
		}
		/* which protocols a mark stands for is not known: all that have
		 * ports */
		protos_add(ret, IPPROTO_TCP, true);
		protos_add(ret, IPPROTO_UDP, true);
		protos_add(ret, IPPROTO_SCTP, true);
	}
}

static int put_reals(struct lvs_map *m, const struct lvs_pool *p)
{
	struct protos protos;
	uint32_t i;
	size_t at;
	int r = 0;

	protos_of(m, p, &protos);
	for (i = 0; i < p->n_reals && r >= 0; i++) {
		const struct lvs_real *real = &m->real_list[p->first_real + i];

		if (!lvs_real_is_visible(&p->service, real))
			continue;
		for (at = 0; at < protos.n && r >= 0; at++) {
			r = put_real(m, protos.l4proto[at], real, real->port);
			if (r >= 0 && protos.any_port[at])
				r = put_real(m, protos.l4proto[at], real, 0);
		}
	}
	return r;
}

bool lvs_map_lookup(const struct lvs_map *m, uint8_t l4proto, uint8_t family, const uint8_t *addr,
		    uint16_t port, struct lvs_dest *ret)
{
	struct lvs_dest d = { .service = LVS_NONE };
	uint16_t ports[2] = { port, 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		const struct lvs_entry *e = dest_find(m, l4proto, family, addr, ports[i]);

		if (e && d.service == LVS_NONE) {
			d.service = e->service;
			d.any_port = e->any_port;
		}
		d.real |= e && e->real;
	}
	for (i = 0; i < ARRAY_SIZE(ports) && m->spans.n; i++) {
		struct lvs_span probe = { .port = ports[i], .l4proto = l4proto };

		probe.first = addr_make(family, addr);
		lvs_spans_look(m, &probe, &d);
	}
	if (d.service == LVS_NONE && !d.real)
		return false;
	*ret = d;
	return true;
}

/* Whether some real server of P may be a service of its own. */
static bool is_chained(const struct lvs_map *m, const struct lvs_pool *p)
{
	struct lvs_dest d;
	uint32_t i, j;

	for (i = 0; i < p->n_reals; i++) {
		const struct lvs_real *real = &m->real_list[p->first_real + i];
		const struct addr *a = &real->addr.addr;

		for (j = 0; j < p->n_matches; j++) {
			const struct lvs_match *match = &m->match_list[p->first_match + j];
			bool keeps = keeps_port(p, match) || !real->port;
			uint16_t port = keeps ? match->port : real->port;

			/* its port is not known, or there are too many matches to
			 * look at each */
			if (j == CHAIN_TRIES || (!port && is_whole(&real->addr)))
				return true;
			if (lvs_map_lookup(m, match->l4proto, a->family, a->bytes, port, &d) &&
			    d.service != LVS_NONE)
				return true;
		}
	}
	return false;
}

int lvs_index_dests(struct lvs_map *m)
{
	uint32_t i, j;
	int r = 0;

	for (i = 0; i < m->pools.n && r >= 0; i++) {
		const struct lvs_pool *p = LVS_POOL(m, i);

		for (j = 0; j < p->n_matches && p->visible && r >= 0; j++)
			r = put_match(m, i, &m->match_list[p->first_match + j]);
		if (r >= 0 && p->in_use)
			r = put_reals(m, p);
	}
	if (r < 0)
		return r;
	lvs_spans_sort(m);
	for (i = 0; i < m->pools.n; i++) {
		struct lvs_pool *p = LVS_POOL(m, i);

		p->chained = p->in_use && p->visible && is_chained(m, p);
	}
	return 0;
}
