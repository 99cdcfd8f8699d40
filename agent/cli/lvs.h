/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe lvs: what its two halves share. */
#pragma once

#include "cli/commands.h"
#include "lvs/map.h"

/* Print M, with where each service is from. Returns the exit code. */
int lvs_map_show(const struct cli *cli, const struct lvs_map *m);
