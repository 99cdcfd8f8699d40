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

struct lvs_map *lvs_map_new(void)
{
	struct lvs_map *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->refs = 1;
	m->dests.size = m->ranges.size = sizeof(struct lvs_entry);
	m->dests.key = offsetof(struct lvs_key, last);
	m->ranges.key = sizeof(struct lvs_key);
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
	for (i = 0; i < m->n_services; i++) {
		free(m->services[i].matches);
		free(m->services[i].reals);
	}
	free(m->services);
	keyed_done(&m->dests);
	keyed_done(&m->ranges);
	free(m);
	return NULL;
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
	struct lvs_service *one;

	if (s->source >= m->n_sources)
		return -EINVAL;
	if (m->n_services == LVS_SERVICES_MAX)
		return -E2BIG;
	one = array_append(&m->services, &m->n_services, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = *s;
	one->completed_by = LVS_NONE;
	m->sources[s->source].services++;
	m->print = hash_long(m->print, s->name, strlen(s->name));
	m->print = hash_fold(m->print, (uint64_t)s->source << 32 | (uint64_t)s->method << 16 |
					       (uint64_t)s->toa << 8 | s->persistent);
	return (int)m->n_services - 1;
}

static bool match_makes_sense(const struct lvs_match *m)
{
	if (!m->l4proto)
		return m->fwmark && !m->port;
	return addr_size(m->first.family) && m->first.family == m->last.family &&
	       memcmp(m->first.bytes, m->last.bytes, addr_size(m->first.family)) <= 0;
}

/* Where its entry is, and by which key. */
static struct keyed *match_place(struct lvs_map *m, const struct lvs_match *match,
				 struct lvs_key *ret)
{
	*ret = lvs_key_make(match->l4proto, match->first.family, match->first.bytes, match->port);
	memcpy(ret->last, match->last.bytes, sizeof(ret->last));
	if (!match->l4proto)
		ret->fwmark = match->fwmark;
	return addr_equal(&match->first, &match->last) ? &m->dests : &m->ranges;
}

uint32_t lvs_map_same(struct lvs_map *m, uint32_t source, const struct lvs_match *match)
{
	struct lvs_key key;
	const struct lvs_entry *e = keyed_find(match_place(m, match, &key), &key);
	uint32_t service = e ? e->service : LVS_NONE;

	if (service == LVS_NONE || m->services[service].source == source)
		return service;
	service = m->services[service].completed_by;
	return service != LVS_NONE && m->services[service].source == source ? service : LVS_TAKEN;
}

/* SERVICE has MATCH, which is another's already: E's. */
static int match_share(struct lvs_map *m, const struct lvs_entry *e, uint32_t service,
		       const struct lvs_match *match)
{
	struct lvs_service *own = &m->services[e->service];
	uint32_t source = m->services[service].source;

	if (own->source == source)
		return -EEXIST;
	own->origins |= 1U << source;
	if (!own->n_reals && own->completed_by == LVS_NONE && e->fwmark == match->fwmark)
		own->completed_by = service;
	return 0;
}

int lvs_map_add_match(struct lvs_map *m, uint32_t service, const struct lvs_match *match)
{
	struct lvs_service *s;
	struct lvs_match *one;
	struct lvs_entry *e;
	struct lvs_key key;
	int r;

	if (service >= m->n_services || !match_makes_sense(match))
		return -EINVAL;
	if (m->n_matches == LVS_MATCHES_MAX)
		return -E2BIG;
	r = keyed_get(match_place(m, match, &key), &key, &e);
	if (r != 0)
		return r < 0 ? r : match_share(m, e, service, match);
	s = &m->services[service];
	e->service = service;
	e->fwmark = match->fwmark;
	one = array_append(&s->matches, &s->n_matches, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = *match;
	s->origins |= 1U << s->source;
	if (match->l4proto)
		lvs_map_add_port(m, match->port);
	m->print = hash_long(hash_fold(m->print, service), &key, sizeof(key));
	return (int)m->n_matches++;
}

int lvs_map_add_real(struct lvs_map *m, uint32_t service, const struct lvs_real *real)
{
	struct lvs_service *s;
	struct lvs_real *one;

	if (service >= m->n_services || !addr_size(real->addr.family))
		return -EINVAL;
	if (m->n_reals == LVS_REALS_MAX)
		return -E2BIG;
	s = &m->services[service];
	one = array_append(&s->reals, &s->n_reals, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = *real;
	m->print =
		hash_fold(hash_fold(m->print, service),
			  (uint64_t)real->weight << 32 | (uint64_t)real->port << 8 | real->method);
	m->print = hash_long(m->print, &real->addr, sizeof(real->addr));
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
	return m->n_services;
}

const struct lvs_service *lvs_map_service(const struct lvs_map *m, uint32_t service)
{
	return &m->services[service];
}

struct lvs_summary lvs_map_summary(const struct lvs_map *m)
{
	return m->summary;
}

uint64_t lvs_map_print(const struct lvs_map *m)
{
	uint64_t h = m->print;
	uint32_t i;

	for (i = 0; i < m->n_sources; i++) {
		const struct lvs_source *s = &m->sources[i];

		h = hash_long(h, s->path, strlen(s->path));
		h = hash_fold(h, (uint64_t)s->kind << 32 | (uint64_t)s->skipped << 1 | s->failed);
	}
	return h;
}

enum lvs_method lvs_map_method(const struct lvs_map *m, uint32_t service)
{
	const struct lvs_service *s = &m->services[service];
	size_t i;

	for (i = 0; i < s->n_reals; i++) {
		if (lvs_real_is_visible(s, &s->reals[i]))
			return s->reals[i].method;
	}
	return s->n_reals ? s->reals[0].method : LVS_UNKNOWN;
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
