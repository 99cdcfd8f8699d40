/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel's flush may still take after the move, and when it is over. */
#include "move/worth.h"
#include "move/reach.h"
#include "move/stage.h"

/* A flush that runs from a work queue comes this late at most, and is this
 * quiet when it is over. Measured on an idle and a loaded machine: gone within
 * 200 ms (docs/kernel.md 1). */
#define SETTLE_MAX (400 * USEC_PER_MSEC)
#define SETTLE_QUIET (150 * USEC_PER_MSEC)

/* What we have created has no masquerade device: a late flush passes it by. */
static bool flush_can_still_take(const struct run *run)
{
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++)
		if (run->entries[i].skip == SKIP_NONE
			    ? run->entries[i].state == ENTRY_THERE
			    : entry_is_altered(&run->entries[i]) && run->entries[i].seen)
			return true;
	return false;
}

bool flush_can_take_worthy(const struct run *run)
{
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++)
		if (run->entries[i].skip == SKIP_NONE && run->entries[i].state == ENTRY_THERE &&
		    worth_is_answered(worth_of(connset_get(run->set, i))))
			return true;
	return false;
}

/* Whether the flush is over for sure: this kernel ends it before the delete returns, and
 * nothing that it could take is left. If something is, the probe result was wrong. */
static bool flush_is_over(const struct run *run)
{
	size_t i, n = connset_count(run->set);
	struct reach reach;
	bool over = run->sync_flush && reach_read(run, &reach) == 0;

	for (i = 0; i < n && over; i++)
		over = run->entries[i].skip != SKIP_NONE || run->entries[i].state != ENTRY_THERE ||
		       !reach_has(&reach, connset_get(run->set, i));
	if (run->sync_flush)
		reach_done(&reach);
	return over;
}

bool flush_is_settled(const struct run *run, usec_t began, usec_t quiet_from, usec_t now)
{
	return now >= (quiet_from ? quiet_from + SETTLE_QUIET : began + SETTLE_MAX) ||
	       !flush_can_still_take(run) || flush_is_over(run);
}
