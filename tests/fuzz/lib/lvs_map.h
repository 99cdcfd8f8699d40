/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold of any map that was read from a file. */
#pragma once

#include "lvs/map.h"

/* Merge and index M, which was read from one source, and ask it for all it has. */
void lvs_map_holds(struct lvs_map *m);
