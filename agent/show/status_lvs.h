/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a status tells of the daemon's look-out for LVS collisions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct status_lvs {
	bool active; /* events are compared; else there is no map, or nothing to find by it */
	bool stale;  /* events were lost and the table is about to be read again */
	uint32_t services, visible, incomplete; /* of the map; INCOMPLETE: its sources */
	uint64_t flows;				/* known now, that have to do with it */
	uint64_t events, collisions, told;
	uint64_t overruns;
};
