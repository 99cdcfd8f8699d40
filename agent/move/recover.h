/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Begin and end of a run, shared by run.c and recover.c. Private to steps. */
#pragma once

#include "move/stage.h"

void run_begin(struct run *run, const struct run_env *env, const struct request *req,
	       struct report *report);
void run_conclude(struct run *run);

/* Release what the run holds; the run directory is left as it is. */
void run_end(struct run *run);
