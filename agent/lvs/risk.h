/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How likely a client's direct connections and those through a service come to
 * have one local port (docs/lvs.md 7). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/addr.h"
#include "base/ports.h"
#include "lvs/collide.h"
#include "lvs/map.h"

/* ---- the formula ---- */

struct risk_input {
	double direct;	    /* N: direct connections there are */
	double via;	    /* M: entries of the service */
	double share;	    /* w: of the RS in the service */
	double ports;	    /* R: that the two choose from; 0: they have none in common */
	double direct_rate; /* a_d, a_v: new ones per second */
	double via_rate;
};

struct risk {
	double now;	/* a pair has one port at this moment */
	double per_day; /* expected new pairs, from the rates */
	double kill;	/* a new connection through the service kills a direct one */
	double stall;	/* a new direct one cannot be opened */
};

struct risk risk_of(const struct risk_input *in);

/* ---- the ports two allocators have in common ---- */

/* Local ports seen in use. */
struct port_sample {
	uint32_t n;
	uint32_t other_parity; /* of them: not that of the range's lowest port */
	uint32_t outside;      /* outside the range */
};

void port_sample_add(struct port_sample *s, const struct ports *p, uint16_t port);

enum port_choice {
	PORTS_ONE_PARITY, /* plain connect(): every other port of the range */
	PORTS_RANGE,	  /* all of it */
	PORTS_RANDOM,	  /* MASQUERADE --random-fully: from 1024 on */
	PORTS_DISJOINT,	  /* none in common */
};

/* What the two samples tell of their allocators, and *RET_PORTS: R. */
enum port_choice port_choice_of(const struct ports *p, const struct port_sample *a,
				const struct port_sample *b, double *ret_ports);

/* ---- for all clients of a table ---- */

struct risk_row {
	enum collide_class class; /* A or A2 */
	uint8_t l4proto;
	struct addr client;
	struct lvs_side direct; /* A2: the one service */
	struct lvs_side via;
	uint8_t direct_origin, via_origin; /* of all of them: enum flow_origin */
	struct risk_input in;
	struct risk risk;
	enum port_choice choice;
};

typedef int (*risk_sink)(void *ud, const struct risk_row *row);

/* Each client with each two destinations that may meet at one RS. BEFORE: the
 * table ELAPSED earlier, from which rates are found; NULL: no rates. Returns
 * 0, -ENOMEM or what SINK did. *RET_UNSEEN: pairs left out, of clients or
 * destinations that are too many. */
int risk_each(const struct lvs_map *map, const struct collide *c, const struct collide *before,
	      usec_t elapsed, const struct ports *p, risk_sink sink, void *ud,
	      uint64_t *ret_unseen);
