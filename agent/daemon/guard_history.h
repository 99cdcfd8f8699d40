/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the history is told of one guard: who deleted addresses of its device, what was put back,
 * what became of addresses that vanished, and when it was quarantined. */
#pragma once

#include "daemon/notes.h"
#include "guard/guard.h"

/* All zero at first. */
struct guard_history {
	struct notes notes;
	struct guard_status told; /* as of the last lines about deletes and repairs */
	usec_t due;		  /* when to write the next ones; 0: there is nothing new */
	bool quarantined;
	/* Deletes that are not told of yet. */
	struct guard_foreign_news foreign;
};

/* Tell what is new of G in S, its status. Called often; what belongs together is told together,
 * a second later. */
void guard_history_tell(struct guard_history *h, struct guard *g, struct publisher *t,
			const struct guard_status *s);

/* What has become of addresses that vanished: N of LIST. */
void guard_history_linger(struct guard_history *h, struct publisher *t, const char *device,
			  const struct guard_linger_news *list, size_t n);

/* G ends: tell what was delayed. */
void guard_history_end(struct guard_history *h, struct guard *g, struct publisher *t,
		       const struct guard_status *s);
