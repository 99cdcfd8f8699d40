/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Class B: ports of services on this node's own addresses that connect() may
 * choose as well. IPVS then takes the answer for a new client (docs/lvs.md 5). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/addr.h"
#include "base/ports.h"
#include "base/flow.h"
#include "lvs/map.h"

struct lvs_port {
	struct addr local;
	uint8_t l4proto;
	uint16_t port; /* 0: all of them */
	uint32_t service;
	bool in_use;   /* a connection has it already */
	bool listened; /* a listener has it: lvs_ports_settle() */
	uint16_t peer_port;
	struct addr peer;
};

#define LVS_PORTS_MAX 1024

/* Sorted by what they are, in no particular order. */
struct lvs_ports {
	struct lvs_port *list; /* owned */
	size_t n;
	size_t left_out; /* did not fit */
};

/* Which services of this node's own IPVS stand on an address of LOCAL with a port connect() may
 * choose. 0 or -ENOMEM. */
int lvs_ports_find(const struct lvs_map *m, const struct addrset *local, const struct ports *p,
		   struct lvs_ports *ret);
void lvs_ports_done(struct lvs_ports *p);

/* Note that F, a socket of this node, has such a port. Listeners come first: what one has,
 * connect() cannot choose, and connections with it are those of its clients. */
void lvs_ports_use(struct lvs_ports *p, const struct flow *f);

/* Leave out what a listener has. */
void lvs_ports_settle(struct lvs_ports *p);
