/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Find out what this kernel flushes, and choose the protection for this run. */
#include "move/stage.h"

#include <sys/socket.h>

/* The probe is asked once per boot; a first delete waits this long for it. */
#define PROBE_TIMEOUT USEC_PER_SEC

/* AUTO becomes what this kernel needs; what was asked for stays. An unknown
 * kernel is treated as an affected one: on a fixed one that costs two listings
 * and changes nothing. */
static enum strategy strategy_choose(const struct run *run, enum kernel_kind kind)
{
	switch (run->req->strategy) {
	case STRATEGY_NONE:
	case STRATEGY_RESTORE:
	case STRATEGY_PIN:
		return run->req->strategy;
	case STRATEGY_AUTO:
		break;
	}
	/* Even a fixed kernel takes the flows of the address itself. */
	if (run->req->vip_flows == VIP_FLOWS_KEEP)
		return STRATEGY_PIN;
	return kind == KERNEL_FIXED ? STRATEGY_NONE : STRATEGY_PIN;
}

void stage_probe(struct run *run)
{
	usec_t timeout = MIN(PROBE_TIMEOUT, run->deadline - run->started);
	bool may_probe = run->req->op == OP_DEL && !run->req->plan;
	struct report *report = run->report;

	run->source.ops->probe_result(run, may_probe ? timeout : 0, &run->probe_result);
	if (run->req->op == OP_ADD) {
		/* Adding flushes nothing on any kernel (docs/kernel.md 8). */
		report->kernel = probe_result_for(&run->probe_result, AF_UNSPEC);
		report->strategy = STRATEGY_NONE;
		return;
	}
	report->kernel = probe_result_for(&run->probe_result, run->family);
	report->strategy = strategy_choose(run, report->kernel);
	if (report->kernel == KERNEL_UNKNOWN)
		report_warn(report, "kernel-unknown", "vipsafe probe",
			    "not known whether this kernel flushes more than it should (%s): "
			    "treated as if it did",
			    run->probe_result.reason);
	/* Affected kernels flush IPv4 inside the delete; IPv6 there, and both on
	 * 5.15 and later, from a work queue (docs/kernel.md 1). */
	run->sync_flush = report->kernel == KERNEL_AFFECTED && run->family == AF_INET;
}
