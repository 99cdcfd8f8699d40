/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold rules of the guard: in place all the time, armed for moments. A run
 * of another process takes them away with its own, and so does recover. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/rundir.h"
#include "guard/parts.h"

/* Upper bound for making the rules in the background. */
#define OPEN_TIMEOUT (5 * USEC_PER_SEC)

/* After a failure, when to try to get a hold again. */
#define HOLD_RETRY_EVERY (10 * USEC_PER_SEC)

/* For the programs that it takes to make the rules anew, in the middle of a run. */
#define WORK_TIMEOUT (250 * USEC_PER_MSEC)

static void guard_hold_note(struct guard *g, int r, enum hold_choice used, const char *reason)
{
	g->holding = r == 0;
	g->opening = r == -EAGAIN;
	g->status.hold = g->holding ? used : HOLD_OFF;
	g->held_until = g->armed_since = 0;
	snprintf(g->why_hold, sizeof(g->why_hold), "%s",
		 g->opening ? "the hold is not in place yet" : reason);
	if (!g->holding)
		g->hold_retry = guard_now(g) + HOLD_RETRY_EVERY;
}

int guard_reopen_hold(struct guard *g, usec_t deadline)
{
	const struct kernel *k = &g->env.kernel;
	char reason[REPORT_TEXT_MAX] = "";
	enum hold_choice used = HOLD_OFF;
	int r = -EOPNOTSUPP;

	if (g->env.settings->hold != HOLD_OFF)
		r = k->ops->hold_open(k->ctx, g->env.settings->hold, &g->link, deadline, &used,
				      reason);
	guard_hold_note(g, r, used, reason);
	return r;
}

void guard_begin_hold(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	int r = -EOPNOTSUPP;

	if (g->env.settings->hold != HOLD_OFF)
		r = k->ops->hold_open_begin(k->ctx, g->env.settings->hold, &g->link, OPEN_TIMEOUT);
	guard_hold_note(g, r == 0 ? -EAGAIN : r, HOLD_OFF, "");
}

bool guard_wait_hold(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	char reason[REPORT_TEXT_MAX] = "";
	enum hold_choice used = HOLD_OFF;
	int r;

	if (!g->opening)
		return false;
	r = k->ops->hold_open_end(k->ctx, &used, reason);
	if (r != -EAGAIN)
		guard_hold_note(g, r, used, reason);
	return g->opening;
}

void guard_check_hold(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	int lock;

	if (g->opening || g->armed_since || g->env.settings->hold == HOLD_OFF ||
	    (!g->holding && guard_now(g) < g->hold_retry) ||
	    (g->holding && k->ops->hold_check(k->ctx) != -ENOENT))
		return;
	if (guard_lock(g, &lock) < 0) /* the rules are those of the run that has it */
		return;
	guard_begin_hold(g);
	closep(&lock);
}

void guard_warn_no_hold(const struct guard *g, struct report *report)
{
	if (!g->holding && *g->why_hold)
		report_warn(
			report, "no-hold", "",
			"packets cannot be held back meanwhile (%s): a connection that sends in "
			"the gap may break",
			g->why_hold);
}

void guard_lend_hold(const struct guard *g, struct run *run)
{
	run->holding = g->holding;
	run->hold_deadline = guard_now(g) + WORK_TIMEOUT;
	run->held_until = g->held_until;
	run->armed_since = g->armed_since;
	run->keep_armed = g->keep_armed;
}

void guard_take_hold(struct guard *g, const struct run *run)
{
	g->held_until = run->held_until;
	g->armed_since = run->armed_since;
	g->status.holds += run->held_for != 0;
	g->status.held_usec += run->held_for;
	g->arming += run->arming;
}

void guard_let_go(struct guard *g)
{
	struct run run = { .env = &g->env };

	guard_lend_hold(g, &run);
	run_let_go(&run);
	guard_take_hold(g, &run);
}

void guard_hold_back(struct guard *g)
{
	struct report report = { .n_warnings = 0 };
	struct run run = { .env = &g->env, .report = &report, .source = g->env.source };

	g->keep_armed = true;
	guard_lend_hold(g, &run);
	run_keep_hold(&run);
	guard_take_hold(g, &run);
}

/* The lock of the device, which a run of another process takes as well. */

int guard_lock(struct guard *g, int *ret_fd)
{
	_cleanup_close_ int dir = rundir_open(g->env.settings->run_dir);
	int r;

	*ret_fd = -1;
	r = dir < 0 ? 0 : lock_take(dir, g->link.name, &g->env.kernel, 0, ret_fd);
	g->locked_out = r == -ETIMEDOUT;
	if (g->locked_out)
		g->held_until = g->armed_since = 0; /* the other run removes our rules, too */
	return g->locked_out ? -EAGAIN : 0;
}

/* Linux 3.10, 4.4 and 4.9 create an entry with the helper that is asked for and
 * then forget it (verify.c), so that a pin would cost FTP and the like their next
 * data connection. Which kernels do the probe has found out; if no helper was loaded then, it
 * is tried now. */

/* Like C, but with its source translated to another address, and its destination to another
 * port: only then is the helper forgotten, or found again by the port alone. */
static struct conn translated(const struct conn *c)
{
	struct conn t = *c;

	t.reply = tuple_invert(&c->key.orig, c->key.l4proto);
	t.reply.dst[0] ^= 1;
	t.reply.sport ^= htons(1);
	t.status = CONN_CONFIRMED | CONN_SEEN_REPLY | CONN_SRC_NAT | CONN_SRC_NAT_DONE |
		   CONN_DST_NAT | CONN_DST_NAT_DONE;
	return t;
}

void guard_load_probe_result(struct guard *g)
{
	if (!g->probe_result.cached)
		(void)probe_result_load(g->env.settings->run_dir, g->env.boot_id, &g->probe_result);
}

enum helper_kind guard_try_helper(struct guard *g, const struct connset *sample)
{
	struct conn c = translated(connset_get(sample, 0)), asked, found;
	const void *payload;
	size_t len;

	guard_load_probe_result(g);
	if (g->probe_result.helpers != HELPERS_UNKNOWN)
		return g->probe_result.helpers;
	payload = connset_payload(sample, 0, &len);
	if (trial_create(&g->env.kernel, &c, payload, len, &asked, &found) < 0)
		return HELPERS_UNKNOWN;
	return found.has_helper ? HELPERS_KEPT : HELPERS_FORGOTTEN;
}

uint64_t guard_count_helpers(const struct guard *g)
{
	size_t i, n = unpinned_count(g->unpinned);
	uint64_t helpers = 0;

	for (i = 0; i < n && g->helpers == HELPERS_FORGOTTEN; i++)
		helpers += unpinned_at(g->unpinned, i).has_helper;
	return helpers;
}
