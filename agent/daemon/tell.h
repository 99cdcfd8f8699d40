/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is told what a run did: the log and the history. */
#pragma once

#include "core/report.h"
#include "front/oplog.h"
#include "steps/run.h"

struct tell {
	const struct run_env *env;
	struct oplog log;
};

/* R is done. Nothing for a plan. Failures are nobody's business any more. */
void tell_report(struct tell *t, const struct report *r);
