/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold rules of the guard: in place all the time, armed for moments. A run
 * of another process takes them away with its own, and so does recover. */
#include "steps/guard_parts.h"

#include <errno.h>
#include <stdio.h>

/* Where no backend will do, one is not asked for with every pin. */
#define HOLD_RETRY_EVERY (60 * USEC_PER_SEC)

int guard_reopen_hold(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	char reason[REPORT_TEXT_MAX] = "";
	enum hold_choice used = HOLD_OFF;
	int r = -EOPNOTSUPP;

	if (g->env.settings->hold != HOLD_OFF)
		r = k->ops->hold_open(k->ctx, g->env.settings->hold, &g->link, &used, reason);
	g->holding = r == 0;
	g->status.hold = g->holding ? used : HOLD_OFF;
	g->held_until = 0;
	snprintf(g->why_no_hold, sizeof(g->why_no_hold), "%s", reason);
	if (!g->holding)
		g->hold_retry = guard_now(g) + HOLD_RETRY_EVERY;
	return r;
}

void guard_check_hold(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;

	if (g->holding && k->ops->hold_arm(k->ctx, USEC_PER_MSEC) == 0)
		return;
	if (g->holding || guard_now(g) >= g->hold_retry)
		(void)guard_reopen_hold(g);
}

bool guard_holds(const struct guard *g, enum hold_choice *ret_used)
{
	*ret_used = g->status.hold;
	return g->holding;
}

void guard_let_go(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;

	if (g->holding && g->held_until)
		(void)k->ops->hold_arm(k->ctx, USEC_PER_MSEC);
	g->held_until = 0;
}
