/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last look before the address changes. A run can be stopped at any point
 * (SIGSTOP, a debugger, the freezer, a paused machine) and go on much later,
 * when the address is where it is on purpose. */
#include "move/stage.h"

#include <stdio.h>

bool run_is_overdue(const struct run *run)
{
	return run_now(run) > run->deadline + run->env->settings->hold_max;
}

/* Leave the addresses as they are. What was pinned is still read back and remembered. */
static void call_off(struct run *run)
{
	size_t v;

	run->off = true;
	run->done = false;
	for (v = 0; v < run->req->n_vips; v++) {
		if (run->report->outcomes[v] == VIP_ALREADY)
			continue;
		run->report->outcomes[v] = VIP_FAILED;
		addrset_remove(&run->leaving, &run->targets[v].prefix.addr);
	}
}

void run_refuse_overdue(struct run *run)
{
	usec_t late = run_now(run) - run->deadline;

	call_off(run);
	report_fail(run->report, RESULT_FAILED, EXIT_DEADLINE,
		    "%s was about to change %llu ms after the deadline: too late, somebody may "
		    "have decided otherwise; nothing changed",
		    run->link.name, (unsigned long long)(late / USEC_PER_MSEC));
}

/* Whether so much time has passed that the hold has ended and connections were born. */
static bool look_is_stale(const struct run *run)
{
	return run_now(run) > run->prepared + run->env->settings->hold_max;
}

void stage_look(struct run *run)
{
	if (run_is_overdue(run)) {
		run_refuse_overdue(run);
		return;
	}
	if (!look_is_stale(run))
		return;
	stage_check(run);
	if (run->done)
		call_off(run);
	else if (run->req->op == OP_DEL)
		stage_pin(run);
}
