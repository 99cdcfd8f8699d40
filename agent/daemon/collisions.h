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

/* Where the pointer to the map is kept; collisions_apply() replaces the map. */
struct lvs_map *const *collisions_map(const struct collisions *c);

void collisions_status(const struct collisions *c, struct status_lvs *ret);
