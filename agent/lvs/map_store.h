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

struct lvs_pool {
	struct lvs_service service;
	uint32_t first_match, n_matches;
	struct lvs_real *reals; /* owned */
	size_t n_reals;
	uint32_t completed_by;	 /* the service whose real servers it gets, or LVS_NONE */
	uint32_t origins;	 /* bit per source */
	uint32_t weights;	 /* once finished: sum over the reals */
	bool visible, all_weigh; /* once finished */
};

/* A destination of the index. */
struct lvs_entry {
	struct addr addr;
	uint32_t service; /* LVS_NONE: no service's */
	uint16_t port;
	uint8_t l4proto;
	bool any_port, real;
};

struct lvs_map {
	unsigned refs;
	struct lvs_source sources[LVS_SOURCES_MAX];
	uint32_t n_sources;
	struct lvs_array pools;	  /* struct lvs_pool */
	struct lvs_array matches; /* struct lvs_match */
	struct hash by_match;	  /* of matches */
	uint32_t n_reals;

	/* once finished */
	struct lvs_array entries; /* struct lvs_entry */
	struct hash dests;	  /* entries by protocol, address, port */
	struct lvs_array ranges;  /* uint32_t: the matches of more than one address */
	bool any_port;		  /* some destination is one on whatever port */
	struct lvs_summary summary;
};

#define LVS_ITEM(type, array, i) (&((type *)(array).items)[i])
#define LVS_POOL(m, i) LVS_ITEM(struct lvs_pool, (m)->pools, i)
#define LVS_MATCH(m, i) LVS_ITEM(struct lvs_match, (m)->matches, i)

/* Room for one more of SIZE bytes, at most MAX. 0, -E2BIG or -ENOMEM. */
int lvs_array_grow(struct lvs_array *a, size_t size, uint32_t max);

/* Every bit of KEY on every bit of the result. */
static inline uint64_t lvs_spread(uint64_t key)
{
	key = (key ^ key >> 32) * 0xd6e8feb86659fd93ULL;
	key = (key ^ key >> 32) * 0xd6e8feb86659fd93ULL;
	return key ^ key >> 32;
}

uint64_t lvs_mix(uint64_t h, uint64_t word);
uint64_t lvs_mix_addr(uint64_t h, const struct addr *a);
