/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device of a run, and its lock. */
#include "move/stage.h"

#include <errno.h>
#include <string.h>

#include "base/lock.h"
#include "base/rundir.h"

static void take_lock(struct run *run)
{
	const struct settings *s = run->env->settings;
	int r;

	run->run_dir = rundir_open(s->run_dir);
	if (run->run_dir < 0) {
		report_warn(run->report, "no-run-dir", "",
			    "the run directory %s cannot be used (%s): two runs at once are not "
			    "kept apart, and a killed one cannot be finished",
			    s->run_dir, strerror(-run->run_dir));
		run->run_dir = -1;
		return;
	}
	if (run->req->plan)
		return;
	r = lock_take(run->run_dir, run->link.name, &run->env->kernel, run->deadline, &run->lock);
	if (r == -ETIMEDOUT) {
		report_fail(run->report, RESULT_FAILED, EXIT_DEADLINE,
			    "another run on %s has not ended in time; nothing changed",
			    run->link.name);
		run->done = true;
	} else if (r < 0) {
		report_warn(run->report, "no-lock", "", "no lock for %s in %s: %s", run->link.name,
			    s->run_dir, strerror(-r));
	}
}

void stage_find(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	int r;

	/* Whether the link is up matters for an add, so the kernel is asked. */
	if (run->req->op == OP_ADD)
		r = k->ops->link_get(k->ctx, run->req->device, &run->link);
	else
		r = run->source.ops->link(run, run->req->device, &run->link);

	if (r == -ENODEV)
		report_fail(run->report, RESULT_FAILED, EXIT_KERNEL_REFUSED,
			    "no device '%s'; nothing changed", run->req->device);
	else if (r < 0)
		report_fail(run->report, RESULT_FAILED, EXIT_KERNEL_REFUSED,
			    "device '%s': %s; nothing changed", run->req->device, strerror(-r));
	if (r < 0)
		run->done = true;
	else
		take_lock(run);
}
