/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a status about the daemon's search for LVS collisions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vipsafe/base.h>

struct status_lvs {
	bool active; /* connections of services are seen; else there is no map, or it has nothing
			to check, or neither entries nor sockets can be seen */
	bool sees_entries, sees_sockets;
	char no_entries[80], no_sockets[80]; /* why not all of them are seen; "": they are */
	bool stale; /* events were lost, and the table is about to be read again */
	uint32_t services, visible, incomplete; /* in the map; INCOMPLETE: sources */
	uint64_t flows;				/* known flows to these services */
	uint64_t events, collisions, warnings;
	uint64_t looks; /* at this node's sockets */
	uint64_t overruns;
	bool has_rates;	    /* connections have been counted for long enough */
	bool is_bound;	    /* the next two are upper bounds */
	double kill, stall; /* expected per day (lvs/risk.h) */
	char refused[200];  /* why the map stays as it was, although a source is another */
	char oldest[200];   /* source of the map */
	usec_t map_wall;    /* when it was true, since 1970; 0: as below */
	usec_t map_age;	    /* its; 0: none has one */
	bool map_is_old;
};
