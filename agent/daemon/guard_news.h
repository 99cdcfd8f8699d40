/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the log and "vipsafe watch" are told about one guard: each change
 * once. */
#pragma once

#include "base/ratelimit.h"
#include "daemon/guard_history.h"
#include "daemon/log.h"
#include "guard/guard.h"

struct guard_news {
	enum guard_state state_logged;
	bool quarantined, refused;
	int deaf;
	struct ratelimit lingering; /* of lines about addresses that come and go */
	usec_t stale_logged;
	struct guard_status seen;   /* as last sent to watchers */
	struct guard_status logged; /* as of the last line about other processes' deletes */
	usec_t log_at;		    /* when to log them next; 0: nothing new */
	struct guard_status left;   /* the same for addresses gone unguarded, and errors writing */
	usec_t left_at;
	struct guard_history history;
};

void guard_news_init(struct guard_news *w);

/* Log and send what is new in S, the status of G. Returns whether its state
 * differs from the last one. */
bool guard_news_changes(struct guard_news *w, struct guard *g, struct publisher *t,
			const struct guard_status *s);

/* G of DEVICE ends: tell log and history what was delayed, and which entries it has
 * not restored. */
void guard_news_end(struct guard_news *w, struct guard *g, struct publisher *t, const char *device);
