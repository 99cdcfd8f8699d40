/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Detection of LVS collisions: every new connection is compared with the
 * existing ones, and with those a director still remembers. */
#pragma once

#include "daemon/loop.h"
#include "daemon/log.h"
#include "show/status_device.h"
#include "move/run.h"

struct collisions;

/* ENV->settings is read at each collisions_apply(); findings go to PUBLISHER. 0
 * or -ENOMEM. */
int collisions_new(struct loop *l, const struct run_env *env, struct publisher *publisher,
		   struct collisions **ret);
struct collisions *collisions_free(struct collisions *c);

/* Read the map of services that is configured in the file CONFIG, and start
 * over. Errors are logged. */
void collisions_apply(struct collisions *c, const char *config);

/* Call FN with each map that is put in force. */
void collisions_on_map(struct collisions *c, void (*fn)(void *ud, const struct lvs_map *map),
		       void *ud);

/* Where the pointer to the map is kept; collisions_apply() replaces the map. */
struct lvs_map *const *collisions_map(const struct collisions *c);

/* The flows that are known now; NULL: none are. */
const struct collide *collisions_flows(const struct collisions *c);

void collisions_status(const struct collisions *c, struct status_lvs *ret);
