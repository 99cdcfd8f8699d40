/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The duty that comes with creating entries: the kernel no longer removes them
 * when their translated source address goes, so we do. What was created is
 * kept per device in the run directory. */
#pragma once

#include "move/gone.h"

/* Delete the remembered entries whose translated source is no address of this
 * node any more, and what guards have left (gone.h). Devices with a run under way
 * are left to it, those with a guard to that. Returns 0 or a negative errno. */
int remember_purge(const struct run_env *env, struct purged *ret);
