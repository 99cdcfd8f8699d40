/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reset the flows of the leaving addresses (--vip-flows reset). */
#include "move/stage.h"

#include <errno.h>
#include <string.h>

static void close_sockets(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	char text[PREFIX_TEXT_MAX];
	uint64_t closed;
	size_t i;
	int r;

	for (i = 0; i < run->leaving.n; i++) {
		r = k->ops->sock_destroy(k->ctx, &run->leaving.addrs[i], &closed);
		if (r < 0)
			report_warn(run->report, "sockets-not-reset", "",
				    "local connections of %s could not be reset: %s",
				    addr_format(&run->leaving.addrs[i], text), strerror(-r));
	}
}

static void reset_forwarded(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	_cleanup_free_ const struct conn **flows = NULL;
	char reason[REPORT_TEXT_MAX] = "";
	size_t i, n = connset_count(run->set), m = 0;
	int r;

	flows = malloc(MAX(n, (size_t)1) * sizeof(*flows));
	for (i = 0; flows && i < n; i++)
		if (vipflows_is_behind(run, i))
			flows[m++] = connset_get(run->set, i);
	if (flows && !m)
		return;
	r = flows ? k->ops->reset_flows(k->ctx, run->req->hold, &run->link, flows, m, RESET_FOR,
					run_now(run) + hold_budget(run_now(run), run->deadline),
					reason)
		  : -ENOMEM;
	run->report->has_resets = r == 0;
	if (r < 0)
		report_warn(run->report, "flows-not-reset", "",
			    "clients of the leaving addresses are not reset: %s",
			    reason[0] ? reason : strerror(-r));
}

/* While the addresses are still there: the resets have to leave from them. */
void stage_reset(struct run *run)
{
	if (run->req->vip_flows != VIP_FLOWS_RESET || run->off)
		return;
	close_sockets(run);
	if (run->set)
		reset_forwarded(run);
}
