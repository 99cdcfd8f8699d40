/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a destination to what it is to the map. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lvs/map_store.h"

/* More matches than these are not tried out one by one. */
#define CHAIN_TRIES 64

static int lvs_hash_init(struct lvs_hash *h, size_t n)
{
	h->size = 16;
	while (h->size < 2 * n)
		h->size *= 2;
	h->n = 0;
	free(h->slots);
	h->slots = calloc(h->size, sizeof(*h->slots));
	return h->slots ? 0 : -ENOMEM;
}

static uint32_t lvs_hash_first(const struct lvs_hash *h, uint64_t key)
{
	return (uint32_t)lvs_spread(key) & (h->size - 1);
}

static void lvs_hash_put(struct lvs_hash *h, uint64_t key, uint32_t item)
{
	uint32_t i = lvs_hash_first(h, key);

	while (h->slots[i].key)
		i = (i + 1) & (h->size - 1);
	h->slots[i] = (struct lvs_slot){ key, item };
	h->n++;
}

/* ---- members of a pool ---- */

static uint64_t member_key(const struct lvs_pool *pool, const struct addr *addr, uint32_t port)
{
	uint64_t h = lvs_mix_addr(lvs_mix(pool->first_real, port), addr);

	return h ? h : 1;
}

static bool is_whole(const struct prefix *p)
{
	return p->len == 8 * addr_size(p->addr.family);
}

uint32_t lvs_index_member(const struct lvs_map *m, const struct lvs_pool *pool,
			  const struct addr *addr, uint32_t port)
{
	uint64_t key = member_key(pool, addr, port);
	uint32_t i = lvs_hash_first(&m->members, key);

	for (; m->members.slots[i].key; i = (i + 1) & (m->members.size - 1)) {
		uint32_t item = m->members.slots[i].item;
		const struct lvs_real *r = &m->real_list[item];

		if (m->members.slots[i].key == key && item - pool->first_real < pool->n_reals &&
		    addr_equal(&r->addr.addr, addr) && (port == LVS_ANY_PORT || r->port == port))
			return item;
	}
	return LVS_NONE;
}

int lvs_index_members(struct lvs_map *m)
{
	uint32_t i, j;
	int r;

	r = lvs_hash_init(&m->members, 2 * (size_t)m->reals.n);
	if (r < 0)
		return r;
	for (i = 0; i < m->pools.n; i++) {
		struct lvs_pool *p = LVS_POOL(m, i);

		for (j = 0; j < p->n_reals; j++) {
			uint32_t item = p->first_real + j;
			const struct addr *a = &m->real_list[item].addr.addr;
			uint32_t port = m->real_list[item].port;

			if (!is_whole(&m->real_list[item].addr)) {
				p->wide = true;
				continue;
			}
			/* a server that is given twice counts once */
			if (lvs_index_member(m, p, a, port) == LVS_NONE)
				lvs_hash_put(&m->members, member_key(p, a, port), item);
			if (lvs_index_member(m, p, a, LVS_ANY_PORT) == LVS_NONE)
				lvs_hash_put(&m->members, member_key(p, a, LVS_ANY_PORT), item);
		}
	}
	return 0;
}

/* ---- destinations ---- */

static uint64_t dest_key(uint8_t l4proto, uint8_t family, const uint8_t *addr, uint16_t port)
{
	uint64_t low = (uint64_t)port << 16 | (uint64_t)l4proto << 8 | family;
	uint64_t words[2];
	uint32_t v4;

	if (family == AF_INET) {
		memcpy(&v4, addr, sizeof(v4));
		return (uint64_t)v4 << 32 | low;
	}
	memcpy(words, addr, sizeof(words));
	return (lvs_mix(lvs_mix(low, words[0]), words[1]) & ~0xffULL) | family;
}

static struct lvs_entry *dest_find(const struct lvs_map *m, uint8_t l4proto, uint8_t family,
				   const uint8_t *addr, uint16_t port)
{
	uint64_t key = dest_key(l4proto, family, addr, port);
	uint32_t i = lvs_hash_first(&m->dests, key);

	for (; m->dests.slots[i].key; i = (i + 1) & (m->dests.size - 1)) {
		struct lvs_entry *e;

		if (m->dests.slots[i].key != key)
			continue;
		e = LVS_ITEM(struct lvs_entry, m->entries, m->dests.slots[i].item);
		if (family == AF_INET ||
		    (!memcmp(e->addr.bytes, addr, 16) && e->port == port && e->l4proto == l4proto))
			return e;
	}
	return NULL;
}

static int dest_grow(struct lvs_map *m)
{
	uint32_t i;
	int r;

	if (m->dests.slots && 2 * (m->entries.n + 1) <= m->dests.size)
		return 0;
	r = lvs_hash_init(&m->dests, 2 * (size_t)m->entries.n + 1);
	for (i = 0; i < m->entries.n && r >= 0; i++) {
		const struct lvs_entry *e = LVS_ITEM(const struct lvs_entry, m->entries, i);

		lvs_hash_put(&m->dests,
			     dest_key(e->l4proto, e->addr.family, e->addr.bytes, e->port), i);
	}
	return r;
}

static int dest_put(struct lvs_map *m, uint8_t l4proto, const struct addr *addr, uint16_t port,
		    struct lvs_entry **ret)
{
	struct lvs_entry *e;
	int r;

	r = dest_grow(m);
	if (r < 0)
		return r;
	e = dest_find(m, l4proto, addr->family, addr->bytes, port);
	if (!e) {
		r = lvs_array_grow(&m->entries, sizeof(*e), UINT32_MAX / 2);
		if (r < 0)
			return r;
		e = LVS_ITEM(struct lvs_entry, m->entries, m->entries.n);
		*e = (struct lvs_entry){
			.addr = *addr, .service = LVS_NONE, .port = port, .l4proto = l4proto
		};
		lvs_hash_put(&m->dests, dest_key(l4proto, addr->family, addr->bytes, port),
			     m->entries.n++);
	}
	*ret = e;
	return 0;
}

static int span_put(struct lvs_map *m, const struct lvs_span *span)
{
	int r = lvs_array_grow(&m->spans, sizeof(*span), UINT32_MAX / 2);

	if (r >= 0)
		*LVS_ITEM(struct lvs_span, m->spans, m->spans.n++) = *span;
	return r;
}

/* Whether the RS is asked on the port the client used, whatever its own is. */
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
		return span_put(m, &(struct lvs_span){
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
	return span_put(m, &span);
}

/* What the matches of a pool have in common for its real servers. */
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
		/* what a mark stands for, only a director's connections tell */
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

static int span_group(const struct lvs_span *a, const struct lvs_span *b)
{
	if (a->first.family != b->first.family)
		return a->first.family < b->first.family ? -1 : 1;
	if (a->l4proto != b->l4proto)
		return a->l4proto < b->l4proto ? -1 : 1;
	return a->port == b->port ? 0 : a->port < b->port ? -1 : 1;
}

static int span_order(const void *va, const void *vb)
{
	const struct lvs_span *a = va, *b = vb;
	int r = span_group(a, b);

	return r ? r : memcmp(a->first.bytes, b->first.bytes, 16);
}

static void sort_spans(struct lvs_map *m)
{
	struct lvs_span *spans = m->spans.items;
	uint32_t i;

	if (!m->spans.n)
		return;
	qsort(spans, m->spans.n, sizeof(*spans), span_order);
	for (i = 0; i < m->spans.n; i++) {
		bool same = i && !span_group(&spans[i - 1], &spans[i]);

		memcpy(spans[i].reach, spans[i].last.bytes, 16);
		if (same && memcmp(spans[i - 1].reach, spans[i].reach, 16) > 0)
			memcpy(spans[i].reach, spans[i - 1].reach, 16);
	}
}

static void look_in_spans(const struct lvs_map *m, const struct lvs_span *probe,
			  struct lvs_dest *ret)
{
	const struct lvs_span *spans = m->spans.items;
	uint32_t low = 0, high = m->spans.n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (span_order(&spans[mid], probe) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- && !span_group(&spans[low], probe) &&
	       memcmp(spans[low].reach, probe->first.bytes, 16) >= 0) {
		if (memcmp(spans[low].last.bytes, probe->first.bytes, 16) < 0)
			continue;
		if (spans[low].real && !ret->real)
			ret->real = ret->wide = true;
		if (!spans[low].real && ret->service == LVS_NONE) {
			ret->service = spans[low].service;
			ret->any_port = spans[low].any_port;
		}
		if (ret->real && ret->service != LVS_NONE)
			return;
	}
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
		look_in_spans(m, &probe, &d);
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

			/* nobody knows which port it will be asked on */
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
	int r;

	r = dest_grow(m);
	for (i = 0; i < m->pools.n && r >= 0; i++) {
		const struct lvs_pool *p = LVS_POOL(m, i);

		for (j = 0; j < p->n_matches && p->visible && r >= 0; j++)
			r = put_match(m, i, &m->match_list[p->first_match + j]);
		if (r >= 0 && p->in_use)
			r = put_reals(m, p);
	}
	if (r < 0)
		return r;
	sort_spans(m);
	for (i = 0; i < m->pools.n; i++) {
		struct lvs_pool *p = LVS_POOL(m, i);

		p->chained = p->in_use && p->visible && is_chained(m, p);
	}
	return 0;
}
