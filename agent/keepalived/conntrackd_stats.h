/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a running conntrackd says of itself ("conntrackd -s", "-s link"; checked with 1.4.7), and
 * whether this node knows the connections of the other. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CONNTRACKD_WHY_MAX 160

struct conntrackd_stats {
	bool answered;
	bool internal, external;   /* it has the caches of the synchronization mode */
	bool injects;		   /* DisableExternalCache: the kernel's table is the cache */
	uint64_t own, others;	   /* connections in the internal and the external cache */
	uint64_t learned;	   /* connections that the other node has told of since the start */
	uint64_t received;	   /* messages of the other node */
	bool link_seen, link_runs; /* the state of the dedicated link in use is known; it is up */
};

/* Take one line of either command. RET begins all zero, and remembers the part that it is in. */
struct conntrackd_stats_reader {
	struct conntrackd_stats stats;
	enum {
		STATS_NOWHERE,
		STATS_INTERNAL,
		STATS_EXTERNAL,
		STATS_INJECT,
		STATS_LINK,
	} part;
};

void conntrackd_stats_line(struct conntrackd_stats_reader *r, const char *line);

/* Whether a node that takes over now knows the other's connections; IS_MASTER: it has them itself.
 * Returns true, or false with the reason, printable, in RET_WHY. */
bool conntrackd_in_sync(const struct conntrackd_stats *s, bool is_master,
			char ret_why[CONNTRACKD_WHY_MAX]);
