/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merges the services of all sources into one map. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lvs/map_store.h"

/* Matches and reals, each pool's beside each other in the order they came. */
static int merge_settle(struct lvs_map *m)
{
	uint32_t i, at_match = 0, at_real = 0;

	m->match_list = malloc((m->matches.n + 1) * sizeof(*m->match_list));
	m->real_list = malloc((m->reals.n + 1) * sizeof(*m->real_list));
	if (!m->match_list || !m->real_list)
		return -ENOMEM;
	for (i = 0; i < m->pools.n; i++) {
		struct lvs_pool *p = LVS_POOL(m, i);

		p->first_match = at_match;
		p->first_real = at_real;
		at_match += p->n_matches;
		at_real += p->n_reals;
		p->n_matches = p->n_reals = 0;
	}
	for (i = 0; i < m->matches.n; i++) {
		const struct lvs_owned_match *o =
			LVS_ITEM(const struct lvs_owned_match, m->matches, i);
		struct lvs_pool *p = LVS_POOL(m, o->service);

		m->match_list[p->first_match + p->n_matches++] = o->match;
	}
	for (i = 0; i < m->reals.n; i++) {
		const struct lvs_owned_real *o = LVS_ITEM(const struct lvs_owned_real, m->reals, i);
		struct lvs_pool *p = LVS_POOL(m, o->service);

		m->real_list[p->first_real + p->n_reals++] = o->real;
	}
	return 0;
}

/* Whether two pools name other real servers. */
static bool pools_differ(const struct lvs_map *m, const struct lvs_pool *a,
			 const struct lvs_pool *b)
{
	uint32_t i;

	if (a->n_reals != b->n_reals)
		return true;
	for (i = 0; i < a->n_reals; i++) {
		const struct lvs_real *r = &m->real_list[a->first_real + i];

		if (lvs_index_member(m, b, &r->addr.addr, r->port) == LVS_NONE)
			return true;
	}
	return false;
}

/* The service a match belongs to: the first that has it. */
static uint32_t merge_owner_of(const struct lvs_map *m, const struct lvs_match *match)
{
	uint32_t source, service, best = LVS_NONE;

	for (source = 0; source < m->n_sources; source++) {
		service = lvs_map_same(m, source, match);
		if (service < best)
			best = service;
	}
	return best;
}

/* OTHER has a match that belongs to OWN: take from it what OWN does not say, and
 * count a conflict when their real servers differ. */
static void second_opinion(struct lvs_map *m, struct lvs_pool *own, const struct lvs_pool *other)
{
	own->origins |= 1U << other->service.source;
	if (own->service.toa == LVS_TOA_UNSET)
		own->service.toa = other->service.toa;
	if (!own->n_reals) {
		own->first_real = other->first_real;
		own->n_reals = other->n_reals;
		own->service.persistent |= other->service.persistent;
		if (!own->service.imposed)
			own->service.method = other->service.method;
	} else if (other->n_reals && pools_differ(m, own, other)) {
		m->summary.conflicts++;
	}
}

/* Leave each match to its owner. */
static void merge_all(struct lvs_map *m)
{
	uint32_t i, j, kept, own;

	for (i = 0; i < m->pools.n; i++) {
		struct lvs_pool *p = LVS_POOL(m, i);

		for (j = kept = 0; j < p->n_matches; j++) {
			struct lvs_match match = m->match_list[p->first_match + j];

			own = merge_owner_of(m, &match);
			if (own == i)
				m->match_list[p->first_match + kept++] = match;
			else
				second_opinion(m, LVS_POOL(m, own), p);
		}
		p->n_matches = kept;
		p->in_use = kept > 0;
		p->origins |= 1U << p->service.source;
	}
}

static bool is_unresolved(const struct lvs_map *m, const struct lvs_pool *p)
{
	uint32_t i;

	for (i = 0; i < p->n_matches; i++) {
		if (m->match_list[p->first_match + i].l4proto)
			return false;
	}
	return true;
}

static void summarize(struct lvs_map *m)
{
	uint32_t i, j;

	for (i = 0; i < m->pools.n; i++) {
		struct lvs_pool *p = LVS_POOL(m, i);
		uint32_t endpoints = 0;

		for (j = 0; j < p->n_reals; j++) {
			const struct lvs_real *r = &m->real_list[p->first_real + j];

			p->weights += r->gone_since ? 0 : r->weight;
			p->changed |= r->gone_since || !r->weight;
			endpoints += lvs_real_is_visible(&p->service, r);
			p->fullnat |= lvs_real_method(&p->service, r) == LVS_FULLNAT;
		}
		p->visible = endpoints > 0;
		if (!p->in_use)
			continue;
		m->summary.services++;
		m->summary.visible += p->visible;
		m->summary.endpoints += endpoints;
		m->summary.unresolved += is_unresolved(m, p);
	}
}

int lvs_map_finish(struct lvs_map *m)
{
	int r = merge_settle(m);

	if (r >= 0)
		r = lvs_index_members(m);
	if (r < 0)
		return r;
	merge_all(m);
	summarize(m);
	return lvs_index_dests(m);
}

/* ---- what has gone since ---- */

/* The real servers M has, by service, address and port. */
struct known_reals {
	const struct lvs_map *m;
	struct hash index; /* of m->reals */
};

static uint32_t known_hash(uint32_t service, const struct lvs_real *r)
{
	return (uint32_t)lvs_mix_addr(lvs_mix(service, r->port), &r->addr.addr);
}

static bool known_has(const struct known_reals *k, uint32_t service, const struct lvs_real *r)
{
	uint32_t hash = known_hash(service, r), i;
	size_t at;

	for (i = hash_first(&k->index, hash, &at); i != HASH_NONE;
	     i = hash_next(&k->index, hash, &at)) {
		const struct lvs_owned_real *o =
			LVS_ITEM(const struct lvs_owned_real, k->m->reals, i);

		if (o->service == service && o->real.port == r->port &&
		    addr_equal(&o->real.addr.addr, &r->addr.addr))
			return true;
	}
	return false;
}

static void known_done(struct known_reals *k)
{
	hash_done(&k->index);
}

static int known_init(struct known_reals *k, const struct lvs_map *m)
{
	/* it grows no more, so that no hash is asked for */
	int r = hash_reserve(&k->index, m->reals.n, NULL, NULL);
	uint32_t i;

	k->m = m;
	for (i = 0; i < m->reals.n && r == 0; i++) {
		const struct lvs_owned_real *o = LVS_ITEM(const struct lvs_owned_real, m->reals, i);

		if (!known_has(k, o->service, &o->real))
			hash_put(&k->index, known_hash(o->service, &o->real), i);
	}
	return r;
}

/* The service of M that has MATCH and, if one has any, real servers. */
static uint32_t heir_of(const struct lvs_map *m, const struct lvs_match *match)
{
	uint32_t source, service, best = LVS_NONE;

	for (source = 0; source < m->n_sources; source++) {
		service = lvs_map_same(m, source, match);
		if (service == LVS_NONE)
			continue;
		if (best == LVS_NONE ||
		    (!LVS_POOL(m, best)->n_reals && LVS_POOL(m, service)->n_reals))
			best = service;
	}
	return best;
}

/* A service that has gone as a whole, in a source of its own or an equal one. */
static int revive(struct lvs_map *m, const struct lvs_map *old, const struct lvs_pool *p,
		  uint32_t *ret)
{
	const struct lvs_source *from = &old->sources[p->service.source];
	struct lvs_service s = p->service;
	uint32_t i;
	int r = -E2BIG;

	for (i = 0; i < m->n_sources; i++) {
		if (m->sources[i].kind == from->kind && !strcmp(m->sources[i].path, from->path))
			r = (int)i;
	}
	if (r < 0)
		r = lvs_map_add_source(m, from->kind, from->path, from->age);
	if (r < 0)
		return r;
	s.source = (uint32_t)r;
	r = lvs_map_add_service(m, &s);
	if (r < 0)
		return r;
	m->sources[s.source].services--; /* of the file it is none */
	*ret = (uint32_t)r;
	for (i = 0; i < p->n_matches && r >= 0; i++)
		r = lvs_map_add_match(m, *ret, &old->match_list[p->first_match + i]);
	return r;
}

static bool is_held(const struct lvs_real *r, usec_t now, usec_t hold)
{
	return !r->gone_since || now - r->gone_since < hold;
}

static bool pool_is_held(const struct lvs_map *m, const struct lvs_pool *p, usec_t now, usec_t hold)
{
	uint32_t i;

	for (i = 0; i < p->n_reals; i++) {
		if (is_held(&m->real_list[p->first_real + i], now, hold))
			return true;
	}
	return false;
}

static int inherit_pool(struct lvs_map *m, const struct known_reals *known,
			const struct lvs_map *old, const struct lvs_pool *p, usec_t now,
			usec_t hold)
{
	uint32_t heir = LVS_NONE, i;
	int r = 0;

	for (i = 0; i < p->n_matches && heir == LVS_NONE; i++)
		heir = heir_of(m, &old->match_list[p->first_match + i]);
	if (heir == LVS_NONE) {
		if (!pool_is_held(old, p, now, hold))
			return 0;
		r = revive(m, old, p, &heir);
	}
	for (i = 0; i < p->n_reals && r >= 0; i++) {
		struct lvs_real real = old->real_list[p->first_real + i];

		if (!is_held(&real, now, hold) || known_has(known, heir, &real))
			continue;
		if (!real.gone_since)
			real.gone_since = now;
		r = lvs_map_add_real(m, heir, &real);
	}
	return r;
}

int lvs_map_inherit(struct lvs_map *m, const struct lvs_map *old, usec_t now, usec_t hold)
{
	_cleanup_(known_done) struct known_reals known = { .m = m };
	uint32_t i;
	int r;

	r = known_init(&known, m);
	for (i = 0; i < old->pools.n && r >= 0; i++) {
		const struct lvs_pool *p = LVS_POOL(old, i);

		if (p->in_use)
			r = inherit_pool(m, &known, old, p, now, hold);
	}
	/* a full map is no error: what its own sources gave is in it */
	return r == -ENOMEM ? r : 0;
}
