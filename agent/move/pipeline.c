/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run does, stage by stage. */
#include "move/run.h"

#include <string.h>

#include "move/stage.h"

enum {
	ADD = 1 << OP_ADD,
	DEL = 1 << OP_DEL,
};

static bool has_map(const struct run *run)
{
	return run->map;
}

static bool is_plan(const struct run *run)
{
	return run->req->plan;
}

static bool is_replicated(const struct run *run)
{
	return run->req->replicated && !run->off;
}

static bool is_reset(const struct run *run)
{
	return run->req->vip_flows == VIP_FLOWS_RESET && !run->off;
}

static const struct stage {
	const char *name;
	void (*work)(struct run *run);	       /* in the file that it begins with */
	unsigned ops;			       /* operations that need it … */
	bool (*needed)(const struct run *run); /* … NULL: all of their runs do */
	bool writes;			       /* left out of a dry run */
	bool always;			       /* also when an earlier stage has ended the run */
} stages[] = {
	{ "find", check_find, ADD | DEL, NULL, false },
	{ "leftover", recover_leftover, ADD | DEL, NULL, true },
	{ "check", check_change, ADD | DEL, NULL, false },
	{ "probe", probe_kernel, ADD | DEL, NULL, false },
	{ "hold", hold_prepare, DEL, NULL, false }, /* a dry run looks which it would be */
	{ "snapshot", snapshot_entries, DEL, NULL, false },
	{ "collide", collide_meet, DEL, has_map, false },
	{ "plan", plan_weigh, DEL, is_plan, false },
	{ "save", journal_save, ADD | DEL, NULL, true },
	{ "pin", pin_entries, DEL, run_may_pin, true },
	{ "look", check_again, ADD | DEL, NULL, true },
	{ "reset", vipflows_reset, DEL, is_reset, true },
	{ "committed", committed_mend, ADD, is_replicated, true },
	{ "move", move_addresses, ADD | DEL, NULL, true },
	{ "drop", vipflows_drop, DEL, NULL, true },
	{ "announce", announce_added, ADD, NULL, true },
	{ "tickle", tickle_clients, ADD, is_reset, true },
	{ "arrive", arrive_clear, ADD, NULL, false }, /* a dry run counts them */
	{ "warn", collide_warn, ADD, has_map, false },
	{ "verify", verify_entries, DEL, NULL, true },
	{ "release", hold_release, ADD | DEL, NULL, true, true },
	{ "remember", remember_pinned, DEL, run_remembers, true },
	{ "forget", journal_forget, ADD | DEL, NULL, true, true },
};

/* Delete the addresses that another node has, in a protected run of its own. */
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
	del.force = true; /* it was not there before this run */
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
	if (req->op == OP_DEL && !req->plan)
		run.meanwhile = pin_early;
	for (i = 0; i < ARRAY_SIZE(stages); i++) {
		const struct stage *s = &stages[i];

		if (!(s->ops & 1U << req->op) || (req->plan && s->writes) ||
		    (run.done && !s->always) || (s->needed && !s->needed(&run)))
			continue;
		if (env->at_stage && env->at_stage(env->at_stage_ud, s->name))
			break;
		s->work(&run);
	}
	run_conclude(&run);
	pin_early_end(&run);
	run_end(&run);
	take_back(env, req, run.refuted, report);
}
