/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "lvs/map_store.h"

static const char *const method_words[] = {
	[LVS_UNKNOWN] = "unknown", [LVS_NAT] = "nat",	      [LVS_DR] = "dr",
	[LVS_TUN] = "tun",	   [LVS_FULLNAT] = "fullnat", [LVS_LOCAL] = "local",
	[LVS_BYPASS] = "bypass",   [LVS_SNAT] = "snat",	      NULL,
};

static const char *const toa_words[] = {
	[LVS_TOA_UNSET] = "unset",   [LVS_TOA_NONE] = "none",	    [LVS_TOA_SOCKET] = "socket",
	[LVS_TOA_PACKET] = "packet", [LVS_TOA_UNKNOWN] = "unknown", NULL,
};

static const char *const kind_words[] = {
	[LVS_FROM_INI] = "ini",
	[LVS_FROM_IPVS] = "ipvs",
	[LVS_FROM_SAVE] = "save",
	[LVS_FROM_KEEPALIVED] = "keepalived",
	NULL,
};

const char *lvs_method_name(enum lvs_method method)
{
	return word_of(method_words, method);
}

const char *lvs_toa_name(enum lvs_toa toa)
{
	return word_of(toa_words, toa);
}

const char *lvs_source_kind_name(enum lvs_source_kind kind)
{
	return word_of(kind_words, kind);
}

int lvs_array_grow(struct lvs_array *a, size_t size, uint32_t max)
{
	return a->n < max ? array_reserve(&a->items, &a->cap, a->n + 1, size) : -E2BIG;
}

struct lvs_map *lvs_map_new(void)
{
	struct lvs_map *m = calloc(1, sizeof(*m));

	if (m)
		m->refs = 1;
	return m;
}

struct lvs_map *lvs_map_ref(struct lvs_map *m)
{
	m->refs++;
	return m;
}

struct lvs_map *lvs_map_free(struct lvs_map *m)
{
	uint32_t i;

	if (!m || --m->refs)
		return NULL;
	for (i = 0; i < m->pools.n; i++)
		free(LVS_POOL(m, i)->reals);
	free(m->pools.items);
	free(m->matches.items);
	hash_done(&m->by_match);
	free(m->entries.items);
	free(m->ranges.items);
	hash_done(&m->dests);
	free(m);
	return NULL;
}

uint64_t lvs_mix(uint64_t h, uint64_t word)
{
	return lvs_spread(h * 0x9e3779b97f4a7c15ULL ^ word);
}

uint64_t lvs_mix_addr(uint64_t h, const struct addr *a)
{
	uint64_t words[2];

	memcpy(words, a->bytes, sizeof(words));
	return lvs_mix(lvs_mix(lvs_mix(h, words[0]), words[1]), a->family);
}

static uint32_t match_hash(const struct lvs_match *m)
{
	uint64_t h = lvs_mix(m->fwmark, (uint64_t)m->l4proto << 16 | m->port);

	return (uint32_t)lvs_mix_addr(lvs_mix_addr(h, &m->first), &m->last);
}

static uint32_t match_item_hash(const void *ud, uint32_t i)
{
	const struct lvs_map *m = ud;

	return match_hash(LVS_MATCH(m, i));
}

static bool match_equal(const struct lvs_match *a, const struct lvs_match *b)
{
	return a->l4proto == b->l4proto && a->port == b->port && a->fwmark == b->fwmark &&
	       addr_equal(&a->first, &b->first) && addr_equal(&a->last, &b->last);
}

int lvs_map_add_source(struct lvs_map *m, enum lvs_source_kind kind, const char *path, usec_t age)
{
	struct lvs_source *s;

	if (m->n_sources == LVS_SOURCES_MAX)
		return -E2BIG;
	s = &m->sources[m->n_sources];
	*s = (struct lvs_source){ .kind = kind, .age = age };
	snprintf(s->path, sizeof(s->path), "%s", path);
	return (int)m->n_sources++;
}

struct lvs_source *lvs_map_source_of(struct lvs_map *m, uint32_t source)
{
	return source < m->n_sources ? &m->sources[source] : NULL;
}

void lvs_map_drop_source(struct lvs_map *m, uint32_t source)
{
	if (source + 1 == m->n_sources && !m->sources[source].services)
		m->n_sources--;
}

void lvs_source_skip(struct lvs_source *s, const char *path, uint32_t line)
{
	s->skipped++;
	if (s->first_bad || !line)
		return;
	s->first_bad = line;
	if (path && strcmp(path, s->path) != 0)
		snprintf(s->bad_path, sizeof(s->bad_path), "%s", path);
}

int lvs_map_add_service(struct lvs_map *m, const struct lvs_service *s)
{
	int r;

	if (s->source >= m->n_sources)
		return -EINVAL;
	r = lvs_array_grow(&m->pools, sizeof(struct lvs_pool), LVS_SERVICES_MAX);
	if (r < 0)
		return r;
	*LVS_POOL(m, m->pools.n) = (struct lvs_pool){
		.service = *s,
		.first_match = m->matches.n,
		.completed_by = LVS_NONE,
		.origins = 1U << s->source,
	};
	m->sources[s->source].services++;
	return (int)m->pools.n++;
}

static bool match_makes_sense(const struct lvs_match *m)
{
	if (!m->l4proto)
		return m->fwmark && !m->port;
	return addr_size(m->first.family) && m->first.family == m->last.family &&
	       memcmp(m->first.bytes, m->last.bytes, addr_size(m->first.family)) <= 0;
}

/* The service that has exactly this match, or LVS_NONE. */
static uint32_t match_owner(const struct lvs_map *m, const struct lvs_match *match)
{
	uint32_t hash = match_hash(match), i;
	size_t at;

	for (i = hash_first(&m->by_match, hash, &at); i != HASH_NONE;
	     i = hash_next(&m->by_match, hash, &at)) {
		if (match_equal(LVS_MATCH(m, i), match))
			return LVS_MATCH(m, i)->service;
	}
	return LVS_NONE;
}

uint32_t lvs_map_same(const struct lvs_map *m, uint32_t source, const struct lvs_match *match)
{
	uint32_t service = match_owner(m, match);

	if (service == LVS_NONE || LVS_POOL(m, service)->service.source == source)
		return service;
	service = LVS_POOL(m, service)->completed_by;
	return service != LVS_NONE && LVS_POOL(m, service)->service.source == source ? service
										     : LVS_TAKEN;
}

/* SERVICE has a match that is OWNER's already. */
static int match_share(struct lvs_map *m, uint32_t owner, uint32_t service)
{
	struct lvs_pool *own = LVS_POOL(m, owner);
	uint32_t source = LVS_POOL(m, service)->service.source;

	if (own->service.source == source)
		return -EEXIST;
	own->origins |= 1U << source;
	if (!own->n_reals && own->completed_by == LVS_NONE)
		own->completed_by = service;
	return 0;
}

int lvs_map_add_match(struct lvs_map *m, uint32_t service, const struct lvs_match *match)
{
	struct lvs_pool *p;
	uint32_t owner;
	int r;

	if (service >= m->pools.n || !match_makes_sense(match))
		return -EINVAL;
	owner = match_owner(m, match);
	if (owner != LVS_NONE)
		return match_share(m, owner, service);
	p = LVS_POOL(m, service);
	if (!p->n_matches)
		p->first_match = m->matches.n;
	if (p->first_match + p->n_matches != m->matches.n)
		return -EINVAL;
	r = lvs_array_grow(&m->matches, sizeof(*match), LVS_MATCHES_MAX);
	if (r >= 0)
		r = hash_reserve(&m->by_match, m->matches.n + 1, match_item_hash, m);
	if (r < 0)
		return r;
	*LVS_MATCH(m, m->matches.n) = *match;
	LVS_MATCH(m, m->matches.n)->service = service;
	hash_put(&m->by_match, match_hash(match), m->matches.n);
	p->n_matches++;
	return (int)m->matches.n++;
}

int lvs_map_add_real(struct lvs_map *m, uint32_t service, const struct lvs_real *real)
{
	struct lvs_real *one;
	struct lvs_pool *p;

	if (service >= m->pools.n || !addr_size(real->addr.family))
		return -EINVAL;
	if (m->n_reals == LVS_REALS_MAX)
		return -E2BIG;
	p = LVS_POOL(m, service);
	one = array_append(&p->reals, &p->n_reals, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = *real;
	return (int)m->n_reals++;
}

/* ---- reading ---- */

size_t lvs_map_sources(const struct lvs_map *m, const struct lvs_source **ret)
{
	*ret = m->sources;
	return m->n_sources;
}

size_t lvs_map_services(const struct lvs_map *m)
{
	return m->pools.n;
}

const struct lvs_service *lvs_map_service(const struct lvs_map *m, uint32_t service)
{
	return &LVS_POOL(m, service)->service;
}

size_t lvs_map_reals(const struct lvs_map *m, uint32_t service, const struct lvs_real **ret)
{
	const struct lvs_pool *p = LVS_POOL(m, service);

	*ret = p->reals;
	return p->n_reals;
}

size_t lvs_map_matches(const struct lvs_map *m, uint32_t service, const struct lvs_match **ret)
{
	const struct lvs_pool *p = LVS_POOL(m, service);

	*ret = p->n_matches ? LVS_MATCH(m, p->first_match) : NULL;
	return p->n_matches;
}

uint32_t lvs_map_origins(const struct lvs_map *m, uint32_t service)
{
	return LVS_POOL(m, service)->n_matches ? LVS_POOL(m, service)->origins : 0;
}

struct lvs_summary lvs_map_summary(const struct lvs_map *m)
{
	return m->summary;
}

enum lvs_method lvs_map_method(const struct lvs_map *m, uint32_t service)
{
	const struct lvs_pool *p = LVS_POOL(m, service);
	size_t i;

	for (i = 0; i < p->n_reals; i++) {
		if (lvs_real_is_visible(&p->service, &p->reals[i]))
			return p->reals[i].method;
	}
	return p->n_reals ? p->reals[0].method : LVS_UNKNOWN;
}

bool lvs_real_is_visible(const struct lvs_service *service, const struct lvs_real *real)
{
	switch (real->method) {
	case LVS_NAT:
	case LVS_UNKNOWN:
		return true;
	case LVS_FULLNAT:
		return service->toa != LVS_TOA_NONE && service->toa != LVS_TOA_SOCKET;
	case LVS_DR:
	case LVS_TUN:
	case LVS_LOCAL:
	case LVS_BYPASS:
	case LVS_SNAT:
		return false;
	}
	return false;
}
