/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries that we have created, kept per device in the run directory: the kernel does not
 * remove them with their translated source address, so we do. */
#pragma once

#include "base/connset.h"
#include "move/gone.h"

/* What is remembered of DEVICE, in RUN_DIR: *RET is to be freed. 0 or a negative errno. */
int remember_read(const struct run_env *env, int run_dir, const char *device, struct connset **ret);

/* Delete the remembered entries whose translated source is no address of this
 * node any more and does not linger, and what guards have left (gone.h). Devices with
 * a run under way are left to it, those with a guard to that. Returns 0 or a negative errno. */
int remember_purge(const struct run_env *env, struct purged *ret);
