/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the table of lvs/collide.h is kept. Private to agent/lvs/collide*.c. */
#pragma once

#include "base/array.h"
#include "lvs/collide.h"

/* Whose eyes see the flow with this client side. */
enum collide_view {
	VIEW_RS = 1 << 0,  /* the real server's */
	VIEW_OUT = 1 << 1, /* the director's, when it looks up who an answer is for */
};

/* One flow. 20 bytes: there may be millions. */
struct __attribute__((packed)) record {
	uint64_t key; /* of its client side; 0: free */
	uint32_t target;
	uint32_t since; /* seconds; of a held one: until when */
	uint8_t state, origin, backoff;
	uint8_t views : 2;
	uint8_t shared : 1; /* another flow has, or has had, the same key; kept by collide_put() */
};

/* One of a pair. */
struct party {
	struct record record;
	const struct lvs_side *side;
};

/* What the RS and our director see of an entry: one flow or two. */
struct both_views {
	struct flow rs, out;
	unsigned rs_views; /* of RS: VIEW_RS, and VIEW_OUT when that is no other */
	bool has_out;
	bool translated;    /* it leaves with other addresses or ports than it came with … */
	struct flow before; /* … which are these */
};

struct collide {
	const struct lvs_map *map;
	struct collide_node node;
	uint64_t seed;
	struct record *records; /* by hash of the key, those of one key in a row with others */
	uint32_t n_places, n_flows;
	uint32_t second;     /* what is held until then is over */
	uint32_t next_sweep; /* not before that second; UINT32_MAX: nothing is held */
	uint32_t last_sweep;
	struct keyed targets;	  /* struct lvs_side: destinations that flows have, by number */
	struct keyed clients;	  /* IPv6 client addresses, by number */
	collide_flow_sink opened; /* may be NULL */
	void *opened_ud;
};

/* Pairs of one client side looked at. */
#define PAIRS_MAX 4096

/* collide_table.c: the number of a client side. Find returns false where no flow
 * has it; get makes one (0 or -ENOMEM). */
bool collide_key_find(const struct collide *c, const struct flow *f, uint64_t *ret);
int collide_key_get(struct collide *c, const struct flow *f, uint64_t *ret);

/* F is about to be looked for: of many flows its place is not in the processor's cache. */
void collide_fetch(const struct collide *c, const struct flow *f);

/* The flows of one client side, in no order; NULL: no more. */
struct record *collide_first(const struct collide *c, uint64_t key);
struct record *collide_next(const struct collide *c, const struct record *r);

/* The flow of KEY to TARGET; NULL: it is not there. */
struct record *collide_find(const struct collide *c, uint64_t key, uint32_t target);

/* The flow of NEWS' key to its target, which is NEWS if it was not there. Returns 1 if it was, 0,
 * or -ENOMEM. Others may have moved. */
int collide_put(struct collide *c, const struct record *news, struct record **ret);

/* Others may have moved to its place. */
void collide_drop(struct collide *c, struct record *r);

/* What the map says of F's destination: false if nothing. */
bool collide_target_make(const struct collide *c, const struct flow *f, struct lvs_side *ret);

/* Its number. Get returns 1, 0 for one the map has nothing to do with, or
 * -ENOMEM. */
bool collide_target_find(const struct collide *c, const struct flow *f, uint32_t *ret);
int collide_target_get(struct collide *c, const struct flow *f, uint32_t *ret);

/* The destination of R, and R as a flow to it. */
static inline const struct lvs_side *collide_side(const struct collide *c, const struct record *r)
{
	return keyed_at(&c->targets, r->target);
}

struct flow collide_flow(const struct collide *c, const struct record *r,
			 const struct lvs_side *side);

/* collide_judge.c. Whether X and Y, of one client side, collide. FRESH: X is about to be. */
bool collide_judge(const struct collide *c, const struct party *x, const struct party *y,
		   bool fresh, struct collision *ret);

/* False for a protocol without ports, and where the map has nothing to do with either port. */
bool collide_views_of(const struct collide *c, const struct conn *conn, enum flow_origin origin,
		      usec_t since, struct both_views *ret);

struct record collide_record_make(const struct flow *f, uint64_t key, uint32_t target,
				  unsigned views);
