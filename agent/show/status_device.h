/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a status about the daemon's search for LVS collisions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct status_lvs {
	bool active; /* events are checked; else there is no map, or it has nothing to check */
	bool stale;  /* events were lost, and the table is about to be read again */
	uint32_t services, visible, incomplete; /* in the map; INCOMPLETE: sources */
	uint64_t flows;				/* known flows to these services */
	uint64_t events, collisions, warnings;
	uint64_t overruns;
};
