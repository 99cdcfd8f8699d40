/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finish what a killed run left in the run directory. */
#pragma once

#include "move/journal.h"
#include "move/run.h"

/* Remove the rules of killed runs, which hold nothing any more, and name each to SINK. */
void recover_rules(const struct run_env *env, const struct recovery_sink *sink);

/* Remove the hold that a killed run left on the device of RUN, which has its lock; a guard's stays.
 */
void recover_hold(struct run *run);
