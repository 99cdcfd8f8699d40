/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run does, stage by stage. */
#include "move/run.h"

#include <string.h>

#include "move/stage.h"

enum {
	ADD = 1 << OP_ADD,
	DEL = 1 << OP_DEL,
};

static const struct stage {
	const char *name; /* of its file, too */
	void (*work)(struct run *run);
	unsigned ops; /* operations that need it */
	bool writes;  /* left out of a dry run */
	bool always;  /* also when an earlier stage has ended the run */
} stages[] = {
	{ "find", stage_find, ADD | DEL, false },
	{ "leftover", stage_leftover, ADD | DEL, true },
	{ "check", stage_check, ADD | DEL, false },
	{ "probe", stage_probe, ADD | DEL, false },
	{ "hold", stage_hold, DEL, false }, /* a dry run looks which it would be */
	{ "snapshot", stage_snapshot, DEL, false },
	{ "collide", stage_collide, DEL, false },
	{ "save", stage_save, ADD | DEL, true },
	{ "pin", stage_pin, DEL, true },
	{ "look", stage_look, ADD | DEL, true },
	{ "reset", stage_reset, DEL, true },
	{ "move", stage_move, ADD | DEL, true },
	{ "drop", stage_drop, DEL, true },
	{ "announce", stage_announce, ADD, true },
	{ "verify", stage_verify, DEL, true },
	{ "release", stage_release, ADD | DEL, true, true },
	{ "remember", stage_remember, DEL, true },
	{ "forget", stage_forget, ADD | DEL, true, true },
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
	for (i = 0; i < ARRAY_SIZE(stages); i++) {
		const struct stage *s = &stages[i];

		if (!(s->ops & 1U << req->op) || (req->plan && s->writes) ||
		    (run.done && !s->always))
			continue;
		if (env->at_stage && env->at_stage(env->at_stage_ud, s->name))
			break;
		s->work(&run);
	}
	run_conclude(&run);
	run_end(&run);
	take_back(env, req, run.refuted, report);
}
