/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the table of lvs/collide.h is kept. Private to agent/lvs/collide*.c. */
#pragma once

#include "base/array.h"
#include "lvs/collide.h"

#define NO_RECORD UINT32_MAX

/* Whose eyes see the flow with this client side. */
enum collide_view {
	VIEW_RS = 1 << 0,  /* the real server's */
	VIEW_OUT = 1 << 1, /* the director's, when it looks up who an answer is for */
};

/* One flow. 16 bytes: there may be millions. */
struct record {
	uint32_t next; /* of the same client side */
	uint32_t target;
	uint32_t since; /* seconds; of a held one: until when */
	uint8_t state, origin, backoff;
	uint8_t views;
};

/* A client side; HEAD NO_RECORD: no flow left. */
struct __attribute__((packed)) slot {
	uint64_t key; /* 0: free */
	uint32_t head;
};

/* A destination flows have. */
struct target {
	struct lvs_side side;
};

/* One of a pair. */
struct party {
	struct record record;
	const struct target *target;
};

/* What the RS and our director see of an entry: one flow or two. */
struct both_views {
	struct flow rs, out;
	unsigned rs_views; /* of RS: VIEW_RS, and VIEW_OUT when that is no other */
	bool has_out;
	bool translated;    /* it leaves with other addresses or ports than it came with … */
	struct flow before; /* … which are these */
};

struct held {
	uint32_t record, until;
	uint64_t key;
};

/* Those that are held for one duration, in the order of UNTIL. */
struct held_ring {
	usec_t hold;
	struct held *list; /* owned */
	uint32_t first, n, cap;
};

#define HOLDS 3 /* different durations in one table */

struct collide {
	const struct lvs_map *map;
	struct collide_node node;
	uint64_t seed;
	struct slot *slots;
	uint32_t n_slots, used_slots, dead_slots; /* DEAD: in use, without a flow */
	struct record *records;
	size_t cap_records;
	uint32_t n_records, free_record;
	size_t n_flows;
	struct target *targets;
	uint32_t n_targets;
	size_t cap_targets;
	struct hash by_target;
	struct addr *clients; /* IPv6 client addresses, by number */
	uint32_t n_clients;
	size_t cap_clients;
	struct hash by_client;
	struct held_ring held[HOLDS];
};

/* Pairs of one client side looked at. */
#define PAIRS_MAX 4096

/* collide_table.c: the number of a client side. Find returns false where no flow
 * has it; get makes one (0 or -ENOMEM). */
bool collide_key_find(const struct collide *c, uint8_t family, uint8_t l4proto, const uint8_t *addr,
		      uint16_t port, uint64_t *ret);
int collide_key_get(struct collide *c, uint8_t family, uint8_t l4proto, const uint8_t *addr,
		    uint16_t port, uint64_t *ret);

/* The first record of KEY; where that is kept (NULL: nowhere); or made so. */
uint32_t collide_head(const struct collide *c, uint64_t key);
uint32_t *collide_head_at(const struct collide *c, uint64_t key);
int collide_head_get(struct collide *c, uint64_t key, uint32_t **ret);

/* What the map says of F's destination: false if nothing. */
bool collide_target_make(const struct collide *c, const struct flow *f, struct target *ret);

/* Its number. Get returns 1, 0 for one the map has nothing to do with, or
 * -ENOMEM. */
bool collide_target_find(const struct collide *c, const struct flow *f, uint32_t *ret);
int collide_target_get(struct collide *c, const struct flow *f, uint32_t *ret);

struct flow collide_flow(const struct collide *c, uint64_t key, const struct record *r,
			 const struct target *t);

/* collide_judge.c. False for a protocol without ports. */
bool collide_views_of(const struct collide *c, const struct conn *conn, enum flow_origin origin,
		      usec_t since, struct both_views *ret);

struct record collide_record_make(const struct flow *f, uint32_t target, unsigned views);
