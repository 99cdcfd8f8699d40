/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the hold begins and ends. What it does to packets is the kernel
 * layer's (kernel/hold.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "move/recover.h"
#include "move/stage.h"

/* Upper bound for all that the hold needs in a run, including programs that hang. */
#define HOLD_TIMEOUT USEC_PER_SEC

usec_t hold_budget(usec_t now, usec_t deadline)
{
	return deadline > now ? MIN(HOLD_TIMEOUT, (deadline - now) / 4) : 0;
}

void hold_why_off(struct run *run)
{
	snprintf(run->report->hold_why, REPORT_TEXT_MAX, "%s",
		 run->env->settings->hold == HOLD_OFF ? "\"hold = off\" in the configuration"
						      : "--hold off");
}

/* Why a run without protection holds nothing. */
static void hold_why_unprotected(struct run *run)
{
	snprintf(run->report->hold_why, REPORT_TEXT_MAX, "%s",
		 run->req->strategy == STRATEGY_NONE
			 ? "with --strategy none nothing is pinned"
			 : "this kernel flushes only what belongs to the address");
}

/* Rules are installed first, unarmed, since that takes long: the snapshot should be young
 * when the hold begins. */
void hold_prepare(struct run *run)
{
	usec_t began = run_now(run);

	if (run->report->strategy == STRATEGY_NONE) {
		hold_why_unprotected(run);
		return;
	}
	run->hold_deadline = began + hold_budget(began, run->move_by);
	run->source.ops->hold(run);
	if (run->hold_opened)
		run->report->timing.hold = run_now(run) - began;
}

bool run_is_exposed(const struct run *run)
{
	size_t i, n = run->set ? connset_count(run->set) : 0;

	for (i = 0; i < n; i++)
		if (run->entries[i].skip == SKIP_NONE && run->entries[i].state == ENTRY_THERE)
			return true;
	return false;
}

bool run_holds_for_any(const struct run *run)
{
	size_t i, n = run->set ? connset_count(run->set) : 0;

	if (!run->set || !run_is_selective(run))
		return true;
	for (i = 0; i < n; i++) {
		const struct entry *e = &run->entries[i];

		if (e->skip == SKIP_NONE && (e->state == ENTRY_THERE || e->state == ENTRY_MISSING ||
					     e->state == ENTRY_CONFLICT))
			return true;
	}
	return false;
}

/* Armed again before half of its time is over, the hold lasts as long as the work. It
 * ends by itself if we are killed. */
void run_keep_hold(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	usec_t limit = run->env->settings->hold_max, began, now;
	int r;

	if (!run->holding)
		return;
	now = began = run_now(run);
	if (run->held_until > now + limit / 2 || !run_holds_for_any(run))
		return;
	if (!run->armed_since) { /* give up the processor before packets are held, not while */
		k->ops->step_aside(k->ctx);
		run->armed_since = now = run_now(run);
	}
	r = k->ops->hold_arm(k->ctx, limit);
	if (r < 0 && run->source.ops->hold_again(run) == 0)
		r = k->ops->hold_arm(k->ctx, limit);
	if (r < 0)
		report_warn(run->report, "hold-failed", "", "the hold could not be armed: %s",
			    strerror(-r));
	run->held_until = now + limit;
	run->arming += run_now(run) - began;
}

void run_let_go(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	usec_t began = run_now(run);

	if (!run->armed_since)
		return;
	(void)k->ops->hold_disarm(k->ctx);
	run->arming += run_now(run) - began;
	run->held_for += run_now(run) - run->armed_since;
	run->armed_since = run->held_until = 0;
}

/* End the hold, and let the source note what was done. */

/* Time to remove the rules, even past the deadline and after a hold that could not be
 * opened: the address has moved, and nobody else would remove them. */
#define CLOSE_TIMEOUT (2 * USEC_PER_SEC)

void hold_release(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	usec_t began = run_now(run);
	int r = 0;

	run_let_go(run);
	run->source.ops->learn(run);
	if (run->hold_opened)
		r = k->ops->hold_close(k->ctx, MAX(run->hold_deadline, began + CLOSE_TIMEOUT));
	else if (run->left) /* nothing has replaced it */
		recover_hold(run);
	if (r < 0)
		report_warn(run->report, "hold-left", "vipsafe recover",
			    "rules of the hold could not be removed (%s): they hold nothing",
			    strerror(-r));
	run->holding = run->hold_opened = false;
	run->report->timing.hold += run_now(run) - began;
}
