/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a run. */
#include "move/run.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "move/dump.h"
#include "move/stage.h"

void run_begin(struct run *run, const struct run_env *env, const struct request *req,
	       struct report *report)
{
	usec_t timeout = req->timeout ? req->timeout : env->settings->timeout;

	memset(run, 0, sizeof(*run));
	run->env = env;
	run->req = req;
	run->report = report;
	run->source = env->source;
	if (!run->source.ops)
		run->source.ops = &dump_source;
	run->shapes = run->source.ops->shapes(run);
	run->map = env->lvs_map && *env->lvs_map ? lvs_map_ref(*env->lvs_map) : NULL;
	run->run_dir = run->lock = run->slot = -1;
	run->family = AF_UNSPEC;
	run->started = run_now(run);
	run->deadline = req->deadline ? req->deadline : run->started + timeout;
	report_init(report, req);
	snprintf(report->id, sizeof(report->id), "%012llx",
		 (unsigned long long)(env->seed ^ run->started) & 0xffffffffffffULL);
}

void run_end(struct run *run)
{
	if (run->lock >= 0)
		close(run->lock);
	if (run->run_dir >= 0)
		close(run->run_dir);
	addr_table_done(&run->before);
	addrset_done(&run->local);
	addrset_done(&run->leaving);
	connset_free(run->set);
	collide_free(run->flows);
	lvs_map_free(run->map);
	free(run->entries);
}

/* Flushed and not brought back, and nobody tried to. */
static bool was_unprotected(const struct run *run)
{
	return run->req->strategy == STRATEGY_NONE && run->report->entries.lost &&
	       run->report->result == RESULT_OK;
}

void run_conclude(struct run *run)
{
	struct report *report = run->report;

	if (was_unprotected(run))
		report->result = RESULT_UNPROTECTED;
	report_conclude(report);
	if (run->late && (report->exit_code == EXIT_DONE || report->exit_code == EXIT_PARTIAL))
		report->exit_code = EXIT_DEADLINE;
	report->timing.total = run_now(run) - run->started;
}
