/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How scripts drive a running conntrackd (conntrackd(8), CLIENT COMMANDS). */
#pragma once

#include <stdbool.h>

struct script_order; /* keepalived/script.h */

/* Lines of the calls in one script, or (ADDED) in several; 0: there is none. */
struct conntrackd_calls {
	unsigned commit;  /* -c: the other's connections become entries of this kernel */
	unsigned resync;  /* -R: read this kernel's table, after what was committed */
	unsigned bulk;	  /* -B: send all to the other node */
	unsigned request; /* -n: ask the other node for all it has */
	unsigned purge;	  /* -t: flush the kernel's table later */
	/* "-f" empties the caches: one before a "-c", which then commits nothing, and one without a
	 * "-R" after it, so that nothing is replicated any more */
	unsigned flush, flush_early, flush_last;
};

/* Take the next call of a script. */
void conntrackd_calls_take(struct conntrackd_calls *c, const struct script_order *order);

/* Add what another script calls. */
void conntrackd_calls_add(struct conntrackd_calls *all, const struct conntrackd_calls *one);

/* Whether it does what vipsafe does for "conntrackd = yes". */
bool conntrackd_calls_drive(const struct conntrackd_calls *c);
