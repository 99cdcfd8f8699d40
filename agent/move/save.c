/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Write the journal of the run before the address changes. If the run is killed, whoever
 * finds the file finishes it. */
#include "move/stage.h"

#include <string.h>

#include "move/journal.h"

static bool keep_candidate(const void *ud, size_t i)
{
	const struct entry *e = &((const struct run *)ud)->entries[i];

	/* altered entries are not put back, but counted if they are lost */
	return e->skip == SKIP_NONE || entry_is_altered(e);
}

void stage_save(struct run *run)
{
	char name[JOURNAL_NAME_MAX];
	int r;

	if (run->run_dir < 0)
		return;
	/* the age of the file, also without a snapshot */
	if (!run->snapshot_at)
		run->snapshot_at = run_now(run);
	if (!run->source.ops->is_exposed(run) && run->source.ops->slot(run, &run->slot) == 0 &&
	    journal_slot_put(run->slot, run->env->boot_id, run->req, run->snapshot_at) == 0)
		return;
	run->slot = -1;
	r = journal_write(run->run_dir, journal_name(run->link.name, name), run->env->boot_id,
			  run->req, run->snapshot_at, run->set, keep_candidate, run);
	if (r < 0)
		report_warn(run->report, "not-saved", "",
			    "the snapshot could not be written to %s (%s): if this run is killed, "
			    "nothing can finish it",
			    run->env->settings->run_dir, strerror(-r));
	run->saved = r == 0;
}
