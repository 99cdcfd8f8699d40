/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Remove the journal: the run is over and leaves nothing to finish. */
#include "move/stage.h"

#include "move/journal.h"

void stage_forget(struct run *run)
{
	char name[JOURNAL_NAME_MAX];

	if (run->slot >= 0)
		(void)journal_slot_clear(run->slot);
	run->slot = -1;
	if (run->saved)
		(void)unlinkat(run->run_dir, journal_name(run->link.name, name), 0);
	run->saved = false;
}
