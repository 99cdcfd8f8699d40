/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The look-out for LVS collisions: every new connection is compared with those
 * that are there, and with those a director still remembers. */
#pragma once

#include "daemon/loop.h"
#include "daemon/publish.h"
#include "show/status_lvs.h"
#include "move/run.h"

struct collisions;

/* ENV->settings is looked at with each collisions_apply(); TELL is told what is
 * found. 0 or -ENOMEM. */
int collisions_new(struct loop *l, const struct run_env *env, struct publisher *publisher,
		   struct collisions **ret);
struct collisions *collisions_free(struct collisions *c);

/* Read the map of services, configured in the file CONFIG, and begin anew. What
 * goes wrong is logged. */
void collisions_apply(struct collisions *c, const char *config);

/* Where the map is kept; it changes with each collisions_apply(). */
struct lvs_map *const *collisions_map(const struct collisions *c);

/* Do what is due. Returns when to call again. */
usec_t collisions_tick(struct collisions *c);

void collisions_status(const struct collisions *c, struct status_lvs *ret);
