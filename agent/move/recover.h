/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finish what a killed run left in the run directory. */
#pragma once

#include "move/journal.h"
#include "move/run.h"

/* Read the journal NAME. -ENOENT: there is nothing to finish. What cannot be read is moved
 * out of the way. */
int recover_read(const struct run_env *env, int run_dir, const char *name, struct journal *ret);

/* Finish J, read from the file NAME, on DEVICE, whose lock the caller holds. */
void recover_journal(const struct run_env *env, int run_dir, const char *device, const char *name,
		     struct journal *j, struct report *report);
