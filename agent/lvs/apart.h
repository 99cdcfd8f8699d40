/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which services can be kept apart from direct connections to their servers, and in which ports;
 * pure. */
#pragma once

#include "base/apart.h"
#include "lvs/map.h"
#include "lvs/window.h"

/* Why connections through a service are not kept apart. */
enum lvs_apart_why {
	LVS_APART_KEPT,
	LVS_APART_PROTO, /* not TCP: a translation that begins late would change the port of a flow
			  */
	LVS_APART_MARK,	 /* a mark without addresses */
	LVS_APART_MANY,	 /* too many addresses */
};

/* One match of a service whose real servers see the client's address. */
struct lvs_apart_item {
	uint32_t service;
	const struct lvs_match *match; /* in the map */
	enum lvs_apart_why why;
	uint8_t window; /* if kept: the number of its window */
	bool shares;	/* its window with another address of the same server */
};

struct lvs_apart {
	struct apart rules;
	struct lvs_window window;     /* of all windows */
	struct lvs_apart_item *items; /* owned */
	size_t n_items, n_kept;
};

/* What is to be done for M. BEFORE: the ports that were chosen before, which are kept while no
 * direct connection has one (HIGH 0: none were). Ports that others need are to be reserved in P.
 * *RET is to be given to lvs_apart_done(). 0, -ENOMEM, or -ENOSPC: there is no window. */
int lvs_apart_plan(const struct lvs_map *m, const struct ports *p, const struct lvs_live *live,
		   const struct lvs_window *before, struct lvs_apart *ret);
void lvs_apart_done(struct lvs_apart *a);

const char *lvs_apart_why_text(enum lvs_apart_why why);
