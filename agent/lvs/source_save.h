/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What "ipvsadm -S -n" writes, and what people make of it by hand; that of DPVS
 * as well. */
#pragma once

#include "lvs/map.h"

/* Read PATH as a source of M. What is not understood is counted there. 0, or
 * -ENOMEM. */
int lvs_save_read(const char *path, struct lvs_map *m);
