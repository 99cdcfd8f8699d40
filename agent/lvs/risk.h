/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How likely a client's direct connections and those through a service come to
 * have one local port, and how often (docs/lvs.md 7). Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/ports.h"

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
	double now;	     /* a pair has one port at this moment */
	double stall_chance; /* a new direct connection cannot be opened */
	double stall;	     /* expected per day: new direct ones that hang … */
	double kill;	     /* … living direct ones that new ones through the service reset */
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
void port_sample_halve(struct port_sample *s); /* older ones count less */

enum port_choice {
	PORTS_ONE_PARITY, /* plain connect(): every other port of the range */
	PORTS_RANGE,	  /* all of it */
	PORTS_RANDOM,	  /* MASQUERADE --random-fully: from 1024 on */
	PORTS_DISJOINT,	  /* none in common */
};

/* What the two samples tell of their allocators, and *RET_PORTS: R. */
enum port_choice port_choice_of(const struct ports *p, const struct port_sample *a,
				const struct port_sample *b, double *ret_ports);
