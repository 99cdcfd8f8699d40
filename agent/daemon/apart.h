/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps connections through LVS services apart from direct ones, where [lvs] keep_apart asks for
 * it: the kernel's rules follow the map, and go when the daemon stops. */
#pragma once

#include "daemon/loop.h"
#include "lvs/collide.h"
#include "move/run.h"
#include "show/status_apart.h"

struct keeper;

/* ENV->settings is read at each keeper_follow(). NULL: out of memory. */
struct keeper *keeper_new(struct loop *l, const struct run_env *env);

/* Removes the rules, unless open connections need them: then they are for those only. */
struct keeper *keeper_free(struct keeper *k);

/* MAP (NULL: none) is in force now; it may go afterwards. Also removes what a killed daemon has
 * left. Errors are logged. */
void keeper_follow(struct keeper *k, const struct lvs_map *map);

/* FLOWS: those of services that are known now; NULL: none are. */
void keeper_status(const struct keeper *k, const struct collide *flows, struct status_apart *ret);
