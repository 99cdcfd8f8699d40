/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local ports that connections have in common: normal, but what an LVS makes of them is one
 * connection if they lead to one real server. */
#pragma once

#include "lvs/evidence.h"

/* How many of them are used both to A and to B. */
struct lvs_shared {
	struct addr a, b;
	uint16_t a_port, b_port;
	uint32_t ports;
};

/* How many local addresses and ports two TCP connections or more have in common. *RET: the pairs
 * of destinations that share most, at most MAX of them. */
uint32_t lvs_shared_count(const struct lvs_evidence *e, struct lvs_shared *ret, size_t max,
			  size_t *ret_n);
