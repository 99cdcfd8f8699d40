/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries that we have created, kept per device in the run directory: the kernel does not
 * remove them with their translated source address, so we do. */
#pragma once

#include "move/gone.h"

/* Delete the remembered entries whose translated source is no address of this
 * node any more, and what guards have left (gone.h). Devices with a run under way
 * are left to it, those with a guard to that. Returns 0 or a negative errno. */
int remember_purge(const struct run_env *env, struct purged *ret);
