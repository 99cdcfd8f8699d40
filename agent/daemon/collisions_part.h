/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the look-out for collisions share. Private to daemon/collisions*.c. */
#pragma once

#include "daemon/collisions.h"
#include "daemon/notes.h"
#include "kernel/kernel_real.h"
#include "lvs/evidence.h"
#include "lvs/forecast.h"
#include "lvs/message.h"
#include "lvs/renew.h"
#include "lvs/said.h"
#include "lvs/scan.h"
#include "lvs/untracked.h"

/* Log at most LINES_MAX lines of each rank per LINES_EVERY; further pairs are only
 * counted. */
#define LINES_EVERY (60 * USEC_PER_SEC)
#define LINES_MAX 20

struct collisions {
	struct loop *loop;
	const struct run_env *env;
	struct publisher *publisher;
	char config[LVS_PATH_MAX];

	/* the map */
	struct lvs_map *map; /* owned, as is what follows */
	/* MAP if connections of its services can be seen; else NULL: none can collide */
	struct lvs_map *seen;
	struct lvs_renew renew;
	struct loop_timer renew_timer;
	void (*on_map)(void *ud, const struct lvs_map *map); /* may be NULL */
	void *on_map_ud;
	usec_t told_old; /* when old sources were last told of; 0: never */

	/* what is looked at */
	struct kernel_real *real; /* NULL: nothing */
	struct kernel kernel;
	struct lvs_scan scan;
	int fd;			      /* events, on the loop; -1: none */
	int events_error;	      /* why there are none */
	struct loop_timer scan_timer; /* the whole table; not set: no map */
	struct loop_timer look_timer; /* sockets */
	struct lvs_untracked *untracked;
	struct lvs_evidence *evidence;
	usec_t evidence_at; /* when it was last looked for; 0: never */
	struct forecast *forecast;
	usec_t forecast_at;

	/* what is said */
	struct lvs_message say;
	struct lvs_said *quiet;
	usec_t lines_from;
	unsigned lines[LVS_RANKS];
	struct status_lvs status;
	struct lvs_finding found;
	struct notes notes; /* for the history */
};

/* ---- collisions_look.c ---- */

/* Look at what there is with C->map, which is new: *OLD is what was known, and is destroyed. */
void collisions_look_begin(struct collisions *c, struct lvs_scan *old);
/* Without a map sockets are looked at all the same: what has crossed is seen there. */
void collisions_look_stop(struct collisions *c);
void collisions_on_scan(void *ud);
void collisions_on_look(void *ud);

/* What the sockets show now, at most once a second: a new pair is rarely alone. */
void collisions_refresh(struct collisions *c);

/* ---- collisions_said.c ---- */

void collisions_log(struct collisions *c); /* what was found */
void collisions_say(struct collisions *c); /* what the words depend on has changed */

/* A pair that collides, a crossing, a risk and the port of a service: each is told of once an hour
 * at most. A pair is PAIR's, or is taken for none: true if it was manifest. */
bool collisions_tell_pair(struct collisions *c, const struct collision *pair);
void collisions_tell_crossing(struct collisions *c, const struct lvs_crossing *x);
void collisions_tell_risk(struct collisions *c, const struct risk_row *row);
void collisions_tell_ports(struct collisions *c);
void collisions_tell_old(struct collisions *c);
