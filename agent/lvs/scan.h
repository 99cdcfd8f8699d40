/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look at all connections of the node for those an LVS makes identical. */
#pragma once

#include "base/kernel.h"

#include "lvs/collide.h"
#include "lvs/service_port.h"
#include "base/ports.h"

/* What could not be looked at, and why (negative errno). */
struct lvs_unseen {
	const char *what; /* a literal */
	int error;
};

#define LVS_UNSEEN_MAX 8

enum lvs_scan_extent {
	LVS_SCAN_ALL,
	LVS_SCAN_NO_SOCKETS, /* but which service ports they use */
};

struct lvs_scan {
	struct collide *flows; /* owned */
	struct lvs_ports own_ports;
	struct ports ports;
	struct addrset local; /* owned; this node's addresses, and those that are COMING */
	usec_t at;
	struct lvs_unseen unseen[LVS_UNSEEN_MAX];
	size_t n_unseen;
	enum lvs_scan_extent extent;
};

/* Whether this node is a director itself, of which MAP tells, and how it works. */
struct collide_node lvs_scan_node(const struct kernel *k, const struct lvs_map *map);

/* Read sockets, the director's connections and conntrack. COMING: addresses that count as this
 * node's, too (NULL: none). What cannot be read
 * is noted and the rest used. *RET is to be given to lvs_scan_done(), and MAP
 * must outlive it. 0 or -ENOMEM. */
int lvs_scan_run(const struct kernel *k, const struct lvs_map *map, enum lvs_scan_extent extent,
		 const struct addrset *coming, uint64_t seed, struct lvs_scan *ret);
void lvs_scan_done(struct lvs_scan *s);
