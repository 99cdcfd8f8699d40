/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finish what killed runs have left of the device, before anything else is done. */
#include "move/stage.h"

#include <errno.h>
#include <string.h>

#include "move/journal.h"
#include "move/recover.h"

/* Drop from J the addresses that REQ decides about anew. */
static void leave_to(struct request *j, const struct request *req)
{
	size_t i, v, n = 0;

	for (i = 0; i < j->n_vips; i++) {
		bool named = false;

		for (v = 0; v < req->n_vips && !named; v++)
			named = prefix_equal(&j->vips[i].prefix, &req->vips[v].prefix);
		if (!named)
			j->vips[n++] = j->vips[i];
	}
	j->n_vips = n;
}

static void finish_leftover(struct run *run, const char *name)
{
	struct journal j = { .set = NULL };
	struct report theirs;
	int r = recover_read(run->env, run->run_dir, name, &j);

	if (r == -ENOENT)
		return;
	if (r < 0) {
		report_warn(run->report, "leftover-unreadable", "",
			    "an earlier run on %s was killed and what it left cannot be read (%s)",
			    run->link.name, strerror(-r));
		return;
	}
	leave_to(&j.request, run->req);
	recover_journal(run->env, run->run_dir, run->link.name, name, &j, &theirs);
	(void)unlinkat(run->run_dir, name, 0);
	report_warn(
		run->report, "leftover-finished", "",
		"an earlier run on %s was killed: %llu of its connections were restored, %llu lost",
		run->link.name, (unsigned long long)theirs.entries.restored,
		(unsigned long long)theirs.entries.lost);
	if (theirs.error[0])
		report_warn(run->report, "leftover-left", "", "%s", theirs.error);
	journal_done(&j);
}

void stage_leftover(struct run *run)
{
	char name[JOURNAL_NAME_MAX];

	if (run->run_dir < 0)
		return;
	finish_leftover(run, journal_name(run->link.name, name));
	if (run->source.goes_on)
		return; /* slot and repair file are its own, and idle */
	finish_leftover(run, journal_slot_name(run->link.name, name));
	finish_leftover(run, journal_repair_name(run->link.name, name));
}
