/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual servers of a keepalived.conf. */
#pragma once

#include "lvs/map.h"

/* Read PATH and what it includes as a source of M. Blocks that are not
 * understood are counted there. 0, or -ENOMEM. */
int lvs_keepalived_read(const char *path, struct lvs_map *m);
