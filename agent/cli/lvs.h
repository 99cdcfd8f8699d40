/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe lvs: shared by "check" and "map". */
#pragma once

#include "cli/cli.h"
#include "lvs/map.h"

/* Print M with the origin of each service. Returns the exit code. */
int lvs_map_show(const struct cli *cli, const struct lvs_map *m);
