/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the map of lvs/map.h is kept. Private to map*.c. */
#pragma once

#include "base/array.h"
#include "lvs/map.h"

/* A growing array of one size of element. */
struct lvs_array {
	void *items;
	uint32_t n;
	size_t cap;
};

struct lvs_owned_match {
	struct lvs_match match;
	uint32_t service;
};

struct lvs_owned_real {
	struct lvs_real real;
	uint32_t service;
};

struct lvs_pool {
	struct lvs_service service;
	uint32_t first_match, n_matches; /* once finished */
	uint32_t first_real, n_reals;
	uint32_t origins; /* bit per source */
	uint32_t weights; /* sum over the reals that are there */
	bool in_use, visible, fullnat;
	bool chained; /* a real is (or may be) a service of its own */
	bool wide;    /* some real is a subnet */
	bool changed; /* a real has gone or weighs nothing */
};

/* A destination of the index. */
struct lvs_entry {
	struct addr addr;
	uint32_t service; /* LVS_NONE: no service's */
	uint16_t port;
	uint8_t l4proto;
	bool any_port, real;
};

/* The same for more than one address; sorted. */
struct lvs_span {
	struct addr first, last;
	uint8_t reach[16]; /* greatest LAST so far of this family, protocol, port */
	uint32_t service;
	uint16_t port;
	uint8_t l4proto;
	bool any_port, real;
};

struct lvs_map {
	unsigned refs;
	struct lvs_source sources[LVS_SOURCES_MAX];
	uint32_t n_sources;
	struct lvs_array pools;	  /* struct lvs_pool */
	struct lvs_array matches; /* struct lvs_owned_match */
	struct lvs_array reals;	  /* struct lvs_owned_real */
	struct hash by_match;	  /* of matches */

	/* once finished */
	struct lvs_match *match_list;
	struct lvs_real *real_list;
	struct lvs_array entries; /* struct lvs_entry */
	struct lvs_array spans;	  /* struct lvs_span */
	struct hash dests;	  /* entries by protocol, address, port */
	struct hash members;	  /* reals by service, address, port; see lvs_index_member() */
	struct lvs_summary summary;
};

#define LVS_ITEM(type, array, i) (&((type *)(array).items)[i])
#define LVS_POOL(m, i) LVS_ITEM(struct lvs_pool, (m)->pools, i)

/* Room for one more of SIZE bytes, at most MAX. 0, -E2BIG or -ENOMEM. */
int lvs_array_grow(struct lvs_array *a, size_t size, uint32_t max);

/* map_index.c: the members first, since merging asks for them. 0 or -ENOMEM. */
int lvs_index_members(struct lvs_map *m);
int lvs_index_dests(struct lvs_map *m);

/* map.c. Put one, 0 or -ENOMEM or -E2BIG; sort them once all are there; and
 * complete RET by those that PROBE, a single address in FIRST, lies in. */
int lvs_span_put(struct lvs_map *m, const struct lvs_span *span);
void lvs_spans_sort(struct lvs_map *m);
void lvs_spans_look(const struct lvs_map *m, const struct lvs_span *probe, struct lvs_dest *ret);

/* Which real server of POOL has exactly this address and port (0: given
 * without one; LVS_ANY_PORT: whatever it is). An index into real_list or
 * LVS_NONE. */
#define LVS_ANY_PORT 65536
uint32_t lvs_index_member(const struct lvs_map *m, const struct lvs_pool *pool,
			  const struct addr *addr, uint32_t port);

/* Every bit of KEY on every bit of the result. */
static inline uint64_t lvs_spread(uint64_t key)
{
	key = (key ^ key >> 32) * 0xd6e8feb86659fd93ULL;
	key = (key ^ key >> 32) * 0xd6e8feb86659fd93ULL;
	return key ^ key >> 32;
}

uint64_t lvs_mix(uint64_t h, uint64_t word);
uint64_t lvs_mix_addr(uint64_t h, const struct addr *a);
