/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold ends, and whoever watches the device takes note of what was done. */
#include "move/stage.h"

#include <string.h>

/* To take the rules away there is time in any case, those of a hold that could not be
 * opened too: the address has moved by then and nobody comes after us to do it. */
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
