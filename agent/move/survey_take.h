/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Take a survey: a few short questions to the kernel, none of which grows with
 * the conntrack table, and no experiment. */
#pragma once

#include "move/survey.h"
#include "move/run.h"

/* Never fails: what cannot be read is marked as unknown. *RET is to be given to
 * survey_done(). */
void survey_take(const struct run_env *env, struct survey *ret);
