/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the log and "vipsafe watch" are told of one guard: each change once. */
#pragma once

#include "daemon/tell.h"
#include "steps/guard.h"

struct watch_tell {
	enum guard_state told;
	bool quarantined, refused;
	usec_t stale_told;
	struct guard_status seen;   /* when watchers were told last */
	struct guard_status logged; /* when the log was told last of others' deletes */
	usec_t log_at;		    /* the log is to be told again; 0: nothing new */
	struct guard_status left;   /* the same of what outlives a daemon … */
	usec_t left_at;
};

void watch_tell_init(struct watch_tell *w);

/* S, the status of G, is news or not. Returns whether its state is another one
 * than was told last. */
bool watch_tell_changes(struct watch_tell *w, struct guard *g, struct tell *t,
			const struct guard_status *s);

/* G of DEVICE ends: log what is still to be logged, and what it has not put back. */
void watch_tell_end(struct watch_tell *w, struct guard *g, const char *device);
