/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a flush may have taken is kept on disk while it is put back. If the guard is killed
 * in the middle of a repair, the next run or daemon restores the rest (recover.c). */
#include "guard/parts.h"

#include <stdio.h>

#include "move/journal.h"
#include "base/rundir.h"

/* Entries written in one step: about a millisecond. */
#define STEP 2048

static int guard_save_begin(struct guard *g)
{
	_cleanup_close_ int dir = rundir_open(g->env.settings->run_dir);
	struct request req;
	int r;

	if (dir < 0)
		return dir;
	request_init(&req, OP_DEL);
	snprintf(req.device, sizeof(req.device), "%s", g->link.name);
	r = journal_repair_begin(dir, g->link.name, g->env.boot_id, &req, guard_now(g));
	if (r < 0)
		return r;
	g->repair.journal = r + 1;
	g->repair.n_saved = 0;
	return 0;
}

static int guard_save_add(struct guard *g, const struct conn_record *records, size_t n)
{
	int r = g->repair.journal ? 0 : guard_save_begin(g);

	return r < 0 ? r : journal_grow(g->repair.journal - 1, records, n, &g->repair.n_saved);
}

void guard_begin_save(struct guard *g)
{
	unpinned_begin_save(g->unpinned);
	g->repair.save_at = unpinned_count(g->unpinned);
}

/* The next entries to be saved: all that a flush may take, since events that tell of it may
 * not be read yet. Entries that come later are saved once they are flushed. */
static size_t guard_save_collect(struct guard *g, struct conn_record *records, struct conn *conns,
				 uint32_t *which)
{
	struct guard_repair *r = &g->repair;
	size_t n = 0, looked = 0;

	r->save_at = MIN(r->save_at, unpinned_count(g->unpinned));
	if (!r->save_at && unpinned_count_unsaved(g->unpinned))
		r->save_at = unpinned_count(g->unpinned);
	while (r->save_at && n < STEP && looked++ < GUARD_SCAN) {
		if (unpinned_is_saved(g->unpinned, --r->save_at) ||
		    unpinned_is_left_out(g->unpinned, r->save_at) ||
		    (!unpinned_is_flushed(g->unpinned, r->save_at) &&
		     !guard_repair_knows(g, r->save_at)))
			continue;
		records[n] = unpinned_record(g->unpinned, r->save_at, &conns[n]);
		which[n++] = (uint32_t)r->save_at;
	}
	return n;
}

bool guard_save_step(struct guard *g)
{
	_cleanup_free_ struct conn_record *records = NULL;
	_cleanup_free_ struct conn *conns = NULL;
	_cleanup_free_ uint32_t *which = NULL;
	struct guard_repair *r = &g->repair;
	size_t n, i;
	int error;

	if (r->cannot_save || (!r->save_at && !unpinned_count_unsaved(g->unpinned)))
		return false;
	records = malloc(STEP * sizeof(*records));
	conns = malloc(STEP * sizeof(*conns));
	which = malloc(STEP * sizeof(*which));
	if (!records || !conns || !which)
		return false;
	n = guard_save_collect(g, records, conns, which);
	/* an error does not stop the repair */
	error = n ? guard_save_add(g, records, n) : 0;
	if (error < 0)
		guard_note_unsaved(g, error);
	r->cannot_save = error < 0;
	for (i = 0; i < n && !r->cannot_save; i++)
		unpinned_note_saved(g->unpinned, which[i]);
	return true;
}

void guard_end_save(struct guard *g)
{
	_cleanup_close_ int dir = -1;
	char name[JOURNAL_NAME_MAX];

	if (!g->repair.journal)
		return;
	dir = rundir_open(g->env.settings->run_dir);
	if (dir >= 0 && !unpinned_count_flushed(g->unpinned))
		(void)unlinkat(dir, journal_repair_name(g->link.name, name), 0);
	close(g->repair.journal - 1);
	g->repair.journal = 0;
}

uint64_t guard_unfinished(const struct guard *g)
{
	return g->repair.active ? unpinned_count_flushed(g->unpinned) : 0;
}
