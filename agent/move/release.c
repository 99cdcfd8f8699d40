/* SPDX-License-Identifier: GPL-2.0-or-later */
/* End the hold, and let the source note what was done. */
#include "move/stage.h"

#include <string.h>

/* Time to remove the rules, even past the deadline and after a hold that could not be
 * opened: the address has moved, and nobody else would remove them. */
#define CLOSE_TIMEOUT (2 * USEC_PER_SEC)

void stage_release(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	usec_t began = run_now(run);
	int r = 0;

	run_let_go(run);
	run->source.ops->learn(run);
	if (run->hold_opened)
		r = k->ops->hold_close(k->ctx, MAX(run->hold_deadline, began + CLOSE_TIMEOUT));
	if (r < 0)
		report_warn(run->report, "hold-left", "vipsafe recover",
			    "rules of the hold could not be removed (%s): they hold nothing",
			    strerror(-r));
	run->holding = run->hold_opened = false;
	run->report->timing.hold += run_now(run) - began;
}
