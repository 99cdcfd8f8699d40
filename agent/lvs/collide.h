/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections as the real server sees them, grouped by their client side, to
 * find those it cannot tell apart: one direct and one through an LVS service
 * (class A), or through two services (A2), and those whose answers our own
 * director would take for another's (C). Ports are in host order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/flow.h"
#include "lvs/map.h"

/* ---- what two flows of one client are to each other ---- */

enum collide_class {
	COLLIDE_A,  /* one is direct, one goes through a service */
	COLLIDE_A2, /* both go through services */
	COLLIDE_C,  /* the RS tells them apart, our director does not */
};

enum collide_certainty {
	COLLIDE_POSSIBLE, /* it depends on which RS the director has chosen */
	COLLIDE_CERTAIN,  /* if the map is right */
	COLLIDE_MANIFEST, /* their sockets show it: lvs_verdict(); never by the map alone */
};

/* From this share on both are at one RS. */
#define COLLIDE_ONE_SERVER 0.99

/* What becomes of the two. */
enum collide_effect {
	COLLIDE_NOTHING_YET,  /* the first is closing, or packets must follow */
	COLLIDE_DIRECT_RESET, /* the RS has given up the first session: it hangs */
	COLLIDE_DIRECT_SOON,  /* the opening one is about to reset the other */
	COLLIDE_STALLS,	      /* the opening one cannot open while the other is remembered */
	COLLIDE_VIA_DEAF,     /* our own sockets on a director: the direct one hears all */
	COLLIDE_CROSSES,      /* datagrams of one are taken for the other's */
};

struct collision {
	enum collide_class class;
	enum collide_certainty certainty;
	enum collide_effect effect;
	bool toa_unknown;    /* only if the toa rewrites packets */
	bool method_unknown; /* only if the director forwards by NAT */
	double share;	     /* chance that both are at one RS */
	struct flow direct;  /* A2: the first of the two */
	struct flow via;
	uint32_t service; /* of VIA, and (A2) of DIRECT; LVS_NONE: not in the map */
	uint32_t other_service;
};

/* A negative return ends the listing with it. */
typedef int (*collision_sink)(void *ud, const struct collision *c);

/* ---- the table ---- */

struct collide;

typedef int (*collide_flow_sink)(void *ud, const struct flow *f, const struct lvs_side *side);

/* Whose view counts besides that of the RS. */
struct collide_node {
	bool director; /* it has an IPVS of its own */
	bool tracks;   /* and tells conntrack (net.ipv4.vs.conntrack) */
};

/* MAP must outlive the table. SEED keeps hostile traffic from choosing where
 * flows are kept. NULL: out of memory. */
struct collide *collide_new(const struct lvs_map *map, struct collide_node node, uint64_t seed);
struct collide *collide_free(struct collide *c);
DEFINE_CLEANUP(struct collide, collide_free)

/* There may be so many FLOWS, of which half have to do with a service: make room for these at once.
 * What is not needed costs no memory. 0 or -ENOMEM. */
int collide_expect(struct collide *c, size_t flows);

/* Take up F (a socket, or a row of ip_vs_conn), or an entry of conntrack;
 * sockets first, since an entry may be what becomes of one on its way out. One
 * that is there already is refreshed. What the map has nothing to do with is
 * dropped. 0 or -ENOMEM. */
int collide_add(struct collide *c, const struct flow *f);
int collide_add_conn(struct collide *c, const struct conn *conn, enum flow_origin origin,
		     usec_t since);

/* It has ended at NOW: a flow through a service stays for HOLD. GONE: its entry is gone; if it was
 * seen to have ended before, it has been held long enough. */
void collide_end_conn(struct collide *c, const struct conn *conn, bool gone, usec_t now,
		      usec_t hold);

/* The same of a socket that conntrack does not see; nothing happens if it does. */
void collide_end(struct collide *c, const struct flow *f, usec_t now, usec_t hold);

/* Take over from OLD what has ended there and is held, if C's map has to do with it; what
 * C has already is there again. 0 or -ENOMEM. */
int collide_keep_held(struct collide *c, const struct collide *old);

/* Remove what was held until before NOW. */
void collide_expire(struct collide *c, usec_t now);

/* Hand over each pair that collides, in no order; or those of CONN, as if it
 * was there (it may be). FRESH: it is about to be. Returns 0 or what SINK did.
 * *RET_UNSEEN: client sides of which not every pair was looked at. */
int collide_each(const struct collide *c, collision_sink sink, void *ud, uint64_t *ret_unseen);
int collide_probe(const struct collide *c, const struct flow *f, bool fresh, collision_sink sink,
		  void *ud);
int collide_probe_conn(const struct collide *c, const struct conn *conn, bool fresh,
		       collision_sink sink, void *ud);

/* Flows in the table. */
size_t collide_count(const struct collide *c);

/* Hand over every flow of the table as the RS sees it, with its side. A negative
 * return of SINK ends it and is returned. */
int collide_flows(const struct collide *c, collide_flow_sink sink, void *ud);

/* How F is known, from this client to this destination: enum flow_origin; 0: it is not there. */
uint8_t collide_origin(const struct collide *c, const struct flow *f);
bool collide_has(const struct collide *c, const struct flow *f);

/* From now on hand over each flow that is added and was not there, or had ended. */
void collide_on_open(struct collide *c, collide_flow_sink sink, void *ud);

/* Whether a flow of this side goes through a service. */
bool collide_is_via(const struct lvs_side *side);

const char *collide_class_name(enum collide_class class);
const char *collide_certainty_name(enum collide_certainty certainty);

/* False: C is none, since the server has had both connections at one time. Otherwise it is manifest
 * if E shows it, and as it was if E does not. */
struct lvs_evidence;
bool lvs_verdict(struct collision *c, const struct lvs_evidence *e);

/* Whether an entry is brought back although its place at the real server may
 * be another's by now (docs/lvs.md 6). */

enum on_certain {
	ON_CERTAIN_SKIP,
	ON_CERTAIN_RESTORE,
};

enum collide_verdict {
	COLLIDE_RESTORE, /* and warn */
	COLLIDE_SKIP,	 /* the RS has reset its session: better it ends at once than hangs */
};

/* Of collision C between an entry to be restored and a newcomer. ENTRY_IS_VIA:
 * it is C's VIA; otherwise its DIRECT. Not to be asked with nat_beyond: the real server then may
 * see what nobody knows here. */
enum collide_verdict collide_rule(const struct collision *c, bool entry_is_via,
				  enum on_certain on_certain);
