/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/run.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "move/collide.h"
#include "move/dump.h"
#include "move/recover.h"
#include "move/stage.h"

/* The story, in order. */
static const struct stage {
	const char *name;
	void (*work)(struct run *run);
	bool writes; /* left out of a dry run */
	bool always; /* also when an earlier stage has ended the run */
} stages[] = {
	{ "find", stage_find, false },
	{ "leftover", stage_leftover, true },
	{ "check", stage_check, false },
	{ "verdict", stage_verdict, false },
	{ "hold", stage_hold, false }, /* a dry run looks which it would be */
	{ "snapshot", stage_snapshot, false },
	{ "collide", stage_collide, false },
	{ "save", stage_save, true },
	{ "pin", stage_pin, true },
	{ "look", stage_look, true },
	{ "reset", stage_reset, true },
	{ "move", stage_move, true },
	{ "drop", stage_drop, true },
	{ "announce", stage_announce, true },
	{ "repair", stage_repair, true },
	{ "release", stage_release, true, true },
	{ "remember", stage_remember, true },
	{ "forget", stage_forget, true, true },
};

void run_begin(struct run *run, const struct run_env *env, const struct request *req,
	       struct report *report)
{
	usec_t budget = req->deadline ? req->deadline : env->settings->deadline;

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
	run->deadline = req->until ? req->until : run->started + budget;
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

/* Delete what another node has, with all protection. */
static void take_back(const struct run_env *env, const struct request *add, const bool *refuted,
		      struct report *report)
{
	struct request del;
	struct report theirs;
	size_t i;

	request_init(&del, OP_DEL);
	memcpy(del.device, add->device, sizeof(del.device));
	del.hold = add->hold;
	del.strategy = add->strategy;
	del.force = true; /* whatever there was before it came */
	for (i = 0; i < add->n_vips; i++) {
		if (refuted[i])
			del.vips[del.n_vips++].prefix = add->vips[i].prefix;
	}
	if (!del.n_vips)
		return;
	run_move(env, &del, &theirs);
	if (theirs.error[0])
		report_warn(report, "not-taken-back", "", "%s", theirs.error);
	else if (theirs.entries.lost)
		report_warn(report, "taken-back", "",
			    "deleting what another node has lost %llu connections",
			    (unsigned long long)theirs.entries.lost);
}

void run_move(const struct run_env *env, const struct request *req, struct report *report)
{
	struct run run;
	size_t i;

	run_begin(&run, env, req, report);
	for (i = 0; i < ARRAY_SIZE(stages); i++) {
		if ((req->plan && stages[i].writes) || (run.done && !stages[i].always))
			continue;
		if (env->at_stage && env->at_stage(env->at_stage_ud, stages[i].name))
			break;
		stages[i].work(&run);
	}
	run_conclude(&run);
	run_end(&run);
	take_back(env, req, run.refuted, report);
}
