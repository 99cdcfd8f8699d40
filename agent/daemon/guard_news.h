/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the log and "vipsafe watch" are told of one guard: each change once. */
#pragma once

#include "daemon/publish.h"
#include "guard/guard.h"

struct guard_news {
	enum guard_state told;
	bool quarantined, refused;
	usec_t stale_told;
	struct guard_status seen;   /* when watchers were told last */
	struct guard_status logged; /* when the log was told last of others' deletes */
	usec_t log_at;		    /* the log is to be told again; 0: nothing new */
	struct guard_status left;   /* the same of what outlives a daemon … */
	usec_t left_at;
};

void guard_news_init(struct guard_news *w);

/* S, the status of G, is news or not. Returns whether its state is another one
 * than was told last. */
bool guard_news_changes(struct guard_news *w, struct guard *g, struct publisher *t,
			const struct guard_status *s);

/* G of DEVICE ends: log what is still to be logged, and what it has not put back. */
void guard_news_end(struct guard_news *w, struct guard *g, const char *device);
