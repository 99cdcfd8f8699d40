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
	const char *name;
	void (*work)(struct run *run); /* in the file that it begins with */
	unsigned ops;		       /* operations that need it */
	bool writes;		       /* left out of a dry run */
	bool always;		       /* also when an earlier stage has ended the run */
} stages[] = {
	{ "find", check_find, ADD | DEL, false },
	{ "leftover", recover_leftover, ADD | DEL, true },
	{ "check", check_change, ADD | DEL, false },
	{ "probe", probe_kernel, ADD | DEL, false },
	{ "hold", hold_prepare, DEL, false }, /* a dry run looks which it would be */
	{ "snapshot", snapshot_entries, DEL, false },
	{ "collide", collide_meet, DEL, false },
	{ "save", journal_save, ADD | DEL, true },
	{ "pin", pin_entries, DEL, true },
	{ "look", check_again, ADD | DEL, true },
	{ "reset", vipflows_reset, DEL, true },
	{ "move", move_addresses, ADD | DEL, true },
	{ "drop", vipflows_drop, DEL, true },
	{ "announce", announce_added, ADD, true },
	{ "verify", verify_entries, DEL, true },
	{ "release", hold_release, ADD | DEL, true, true },
	{ "remember", remember_pinned, DEL, true },
	{ "forget", journal_forget, ADD | DEL, true, true },
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
