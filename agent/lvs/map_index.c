/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completes the map, and looks up what a destination is: a service's, a real server's, or
 * neither. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lvs/map_store.h"

/* Whether connections reach the RS on the port that the client has connected to,
 * whatever the RS's own port is. */
static bool keeps_port(const struct lvs_service *s, bool any_port, uint32_t fwmark)
{
	return any_port || (fwmark && s->persistent);
}

static int put_real(struct lvs_map *m, uint8_t l4proto, const struct lvs_real *real, uint16_t port)
{
	struct lvs_key key = lvs_key_make(l4proto, real->addr.family, real->addr.bytes, port);
	struct lvs_entry *e;
	int r = keyed_get(&m->dests, &key, &e);

	if (r < 0)
		return r;
	if (r == 0)
		e->service = LVS_NONE;
	e->real = true;
	lvs_map_add_port(m, port);
	return 0;
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

static void protos_of(const struct lvs_service *s, struct protos *ret)
{
	size_t i;

	*ret = (struct protos){ .n = 0 };
	for (i = 0; i < s->n_matches; i++) {
		const struct lvs_match *match = &s->matches[i];

		if (match->l4proto) {
			protos_add(ret, match->l4proto, keeps_port(s, !match->port, match->fwmark));
			continue;
		}
		/* which protocols a mark stands for is not known: all that have
		 * ports */
		protos_add(ret, IPPROTO_TCP, true);
		protos_add(ret, IPPROTO_UDP, true);
		protos_add(ret, IPPROTO_SCTP, true);
	}
}

static int put_reals(struct lvs_map *m, const struct lvs_service *s)
{
	struct protos protos;
	size_t i, at;
	int r = 0;

	protos_of(s, &protos);
	for (i = 0; i < s->n_reals && r >= 0; i++) {
		const struct lvs_real *real = &s->reals[i];

		if (!lvs_real_is_visible(s, real))
			continue;
		for (at = 0; at < protos.n && r >= 0; at++) {
			r = put_real(m, protos.l4proto[at], real, real->port);
			if (r >= 0 && protos.any_port[at])
				r = put_real(m, protos.l4proto[at], real, 0);
		}
	}
	return r;
}

/* Ranges are few: one after the other, the first that has the address. */
static const struct lvs_entry *range_find(const struct lvs_map *m, const struct lvs_key *key)
{
	uint32_t i;

	for (i = 0; i < m->ranges.n; i++) {
		const struct lvs_entry *e = keyed_at(&m->ranges, i);

		if (e->key.port == key->port && e->key.l4proto == key->l4proto &&
		    e->key.family == key->family &&
		    memcmp(e->key.first, key->first, sizeof(key->first)) <= 0 &&
		    memcmp(e->key.last, key->first, sizeof(key->first)) >= 0)
			return e;
	}
	return NULL;
}

/* What is known of a destination: LVS_NONE, or the service that takes it, be it visible or not. */
static uint32_t index_service(const struct lvs_map *m, uint8_t l4proto, uint8_t family,
			      const uint8_t *addr, uint16_t port, struct lvs_dest *ret)
{
	struct lvs_key key = lvs_key_make(l4proto, family, addr, port);
	const struct lvs_entry *e = keyed_find(&m->dests, &key), *match = e;
	const struct lvs_service *s;

	*ret = (struct lvs_dest){ .service = LVS_NONE, .real = e && e->real };
	if (m->any_port) {
		key.port = 0;
		e = keyed_find(&m->dests, &key);
		ret->real |= e && e->real;
		match = match && match->service != LVS_NONE ? match : e;
	}
	if (m->ranges.n && (!match || match->service == LVS_NONE)) {
		key.port = port;
		match = range_find(m, &key);
		key.port = 0;
		match = match ? match : range_find(m, &key);
	}
	if (!match || match->service == LVS_NONE)
		return LVS_NONE;
	s = &m->services[match->service];
	if (s->visible) {
		ret->service = match->service;
		ret->any_port = keeps_port(s, !match->key.port, match->fwmark);
	}
	return match->service;
}

bool lvs_map_has_port(const struct lvs_map *m, uint16_t port)
{
	return m->any_port || m->ports[port / 8] & 1U << port % 8;
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
	const struct lvs_service *s;
	uint32_t service;
	size_t i;

	if (!lvs_map_lookup(m, l4proto, rs->family, rs->bytes, rport, &d) || !d.real)
		return false;
	service = index_service(m, l4proto, dest->family, dest->bytes, dport, &d);
	s = service == LVS_NONE ? NULL : &m->services[service];
	for (i = 0; s && i < s->n_reals; i++) {
		const struct lvs_real *real = &s->reals[i];

		if (addr_equal(&real->addr, rs) && (!real->port || real->port == rport))
			return lvs_real_is_visible(s, real);
	}
	return true;
}

/* ---- once all are there ---- */

/* S says of its real servers at most how they are reached: another source knows them. */
static int service_complete(const struct lvs_map *m, struct lvs_service *s)
{
	const struct lvs_service *from = &m->services[s->completed_by];
	size_t i;

	if (s->toa == LVS_TOA_UNSET)
		s->toa = from->toa;
	s->persistent |= from->persistent;
	s->reals = calloc(from->n_reals + 1, sizeof(*s->reals));
	if (!s->reals)
		return -ENOMEM;
	for (i = 0; i < from->n_reals; i++) {
		s->reals[i] = from->reals[i];
		if (s->method != LVS_UNKNOWN)
			s->reals[i].method = s->method;
	}
	s->n_reals = from->n_reals;
	return 0;
}

static void service_summarize(struct lvs_service *s, struct lvs_summary *ret)
{
	bool resolved = false;
	uint32_t endpoints = 0;
	size_t i;

	s->all_weigh = true;
	for (i = 0; i < s->n_reals; i++) {
		s->weights += s->reals[i].weight;
		s->all_weigh &= s->reals[i].weight > 0;
		endpoints += lvs_real_is_visible(s, &s->reals[i]);
	}
	for (i = 0; i < s->n_matches; i++)
		resolved |= s->matches[i].l4proto > 0;
	s->visible = endpoints > 0;
	ret->services++;
	ret->visible += s->visible;
	ret->endpoints += endpoints;
	ret->unresolved += !resolved;
}

int lvs_map_finish(struct lvs_map *m)
{
	size_t i;
	int r = 0;

	for (i = 0; i < m->n_services && r >= 0; i++) {
		struct lvs_service *s = &m->services[i];

		if (!s->n_matches)
			continue;
		if (!s->n_reals && s->completed_by != LVS_NONE)
			r = service_complete(m, s);
		service_summarize(s, &m->summary);
		if (r >= 0 && s->visible)
			r = put_reals(m, s);
	}
	return r;
}
