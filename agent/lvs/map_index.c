/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completes the map, and looks up what a destination is: a service's, a real server's, or
 * neither. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lvs/map_store.h"

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
		m->any_port |= !port;
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

static int put_match(struct lvs_map *m, uint32_t i)
{
	const struct lvs_match *match = LVS_MATCH(m, i);
	const struct lvs_pool *p = LVS_POOL(m, match->service);
	struct lvs_entry *e;
	int r;

	if (!match->l4proto)
		return 0;
	if (!addr_equal(&match->first, &match->last)) {
		r = lvs_array_grow(&m->ranges, sizeof(i), LVS_MATCHES_MAX);
		if (r >= 0)
			*LVS_ITEM(uint32_t, m->ranges, m->ranges.n++) = i;
		return r;
	}
	r = dest_put(m, match->l4proto, &match->first, match->port, &e);
	if (r >= 0 && e->service == LVS_NONE) {
		e->service = match->service;
		e->any_port = keeps_port(p, match);
	}
	return r;
}

static int put_real(struct lvs_map *m, uint8_t l4proto, const struct lvs_real *real, uint16_t port)
{
	struct lvs_entry *e;
	int r = dest_put(m, l4proto, &real->addr, port, &e);

	if (r >= 0)
		e->real = true;
	return r;
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
		const struct lvs_match *match = LVS_MATCH(m, p->first_match + i);

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
	size_t i, at;
	int r = 0;

	protos_of(m, p, &protos);
	for (i = 0; i < p->n_reals && r >= 0; i++) {
		const struct lvs_real *real = &p->reals[i];

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

static int index_make(struct lvs_map *m)
{
	uint32_t i;
	int r = 0;

	for (i = 0; i < m->matches.n && r >= 0; i++)
		r = put_match(m, i);
	for (i = 0; i < m->pools.n && r >= 0; i++) {
		const struct lvs_pool *p = LVS_POOL(m, i);

		if (p->n_matches && p->visible)
			r = put_reals(m, p);
	}
	return r;
}

/* Ranges are few: one after the other, the first that has the address. */
static uint32_t range_service(const struct lvs_map *m, const struct addr *a, uint8_t l4proto,
			      uint16_t port, bool *ret_any_port)
{
	uint32_t i;

	for (i = 0; i < m->ranges.n; i++) {
		const struct lvs_match *match =
			LVS_MATCH(m, *LVS_ITEM(const uint32_t, m->ranges, i));

		if (match->port != port || match->l4proto != l4proto ||
		    match->first.family != a->family ||
		    memcmp(match->first.bytes, a->bytes, sizeof(a->bytes)) > 0 ||
		    memcmp(match->last.bytes, a->bytes, sizeof(a->bytes)) < 0)
			continue;
		*ret_any_port = keeps_port(LVS_POOL(m, match->service), match);
		return match->service;
	}
	return LVS_NONE;
}

/* What is known of a destination: LVS_NONE, or the service that takes it, be it visible or not. */
static uint32_t index_service(const struct lvs_map *m, uint8_t l4proto, uint8_t family,
			      const uint8_t *addr, uint16_t port, struct lvs_dest *ret)
{
	uint32_t service = LVS_NONE;
	uint16_t ports[2] = { port, 0 };
	struct addr a;
	size_t i;

	*ret = (struct lvs_dest){ .service = LVS_NONE };
	for (i = 0; i < 1U + m->any_port; i++) {
		const struct lvs_entry *e = dest_find(m, l4proto, family, addr, ports[i]);

		if (e && service == LVS_NONE) {
			service = e->service;
			ret->any_port = e->any_port;
		}
		ret->real |= e && e->real;
	}
	if (m->ranges.n)
		a = addr_make(family, addr);
	for (i = 0; i < ARRAY_SIZE(ports) && m->ranges.n && service == LVS_NONE; i++)
		service = range_service(m, &a, l4proto, ports[i], &ret->any_port);
	if (service != LVS_NONE && LVS_POOL(m, service)->visible)
		ret->service = service;
	else
		ret->any_port = false;
	return service;
}

bool lvs_map_lookup(const struct lvs_map *m, uint8_t l4proto, uint8_t family, const uint8_t *addr,
		    uint16_t port, struct lvs_dest *ret)
{
	struct lvs_dest d;

	index_service(m, l4proto, family, addr, port, &d);
	if (d.service == LVS_NONE && !d.real)
		return false;
	*ret = d;
	return true;
}

bool lvs_map_shows(const struct lvs_map *m, uint8_t l4proto, const struct addr *dest,
		   uint16_t dport, const struct addr *rs, uint16_t rport)
{
	struct lvs_dest d;
	const struct lvs_pool *p;
	uint32_t service;
	size_t i;

	if (!lvs_map_lookup(m, l4proto, rs->family, rs->bytes, rport, &d) || !d.real)
		return false;
	service = index_service(m, l4proto, dest->family, dest->bytes, dport, &d);
	p = service == LVS_NONE ? NULL : LVS_POOL(m, service);
	for (i = 0; p && i < p->n_reals; i++) {
		const struct lvs_real *real = &p->reals[i];

		if (addr_equal(&real->addr, rs) && (!real->port || real->port == rport))
			return lvs_real_is_visible(&p->service, real);
	}
	return true;
}

/* ---- once all are there ---- */

/* P says of its real servers at most how they are reached: another source knows them. */
static int pool_complete(struct lvs_map *m, struct lvs_pool *p)
{
	const struct lvs_pool *from = LVS_POOL(m, p->completed_by);
	size_t i;

	if (p->service.toa == LVS_TOA_UNSET)
		p->service.toa = from->service.toa;
	p->service.persistent |= from->service.persistent;
	p->reals = calloc(from->n_reals + 1, sizeof(*p->reals));
	if (!p->reals)
		return -ENOMEM;
	for (i = 0; i < from->n_reals; i++) {
		p->reals[i] = from->reals[i];
		if (p->service.method != LVS_UNKNOWN)
			p->reals[i].method = p->service.method;
	}
	p->n_reals = from->n_reals;
	return 0;
}

static bool is_unresolved(const struct lvs_map *m, const struct lvs_pool *p)
{
	uint32_t i;

	for (i = 0; i < p->n_matches; i++) {
		if (LVS_MATCH(m, p->first_match + i)->l4proto)
			return false;
	}
	return true;
}

static void pool_summarize(struct lvs_map *m, struct lvs_pool *p)
{
	uint32_t endpoints = 0;
	size_t i;

	p->all_weigh = true;
	for (i = 0; i < p->n_reals; i++) {
		p->weights += p->reals[i].weight;
		p->all_weigh &= p->reals[i].weight > 0;
		endpoints += lvs_real_is_visible(&p->service, &p->reals[i]);
	}
	p->visible = endpoints > 0;
	m->summary.services++;
	m->summary.visible += p->visible;
	m->summary.endpoints += endpoints;
	m->summary.unresolved += is_unresolved(m, p);
}

int lvs_map_finish(struct lvs_map *m)
{
	uint32_t i;

	for (i = 0; i < m->pools.n; i++) {
		struct lvs_pool *p = LVS_POOL(m, i);

		if (!p->n_matches)
			continue;
		if (!p->n_reals && p->completed_by != LVS_NONE && pool_complete(m, p) < 0)
			return -ENOMEM;
		pool_summarize(m, p);
	}
	return index_make(m);
}
