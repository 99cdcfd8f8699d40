/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow: judge of the traffic tests. Clients exchange lines with a server that
 * answers with the address and port it saw, so that a lost, a stalled and a
 * re-translated flow are told apart by what happened on the wire. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

struct options {
	struct wire wire;
	union sockaddr_any remote; /* serve: where to listen */
	union sockaddr_any second; /* pairs: the service */
	bool has_bind;
	union sockaddr_any bind;
	bool any_answer;     /* open: of datagram sockets that are not connected */
	bool connects;	     /* serve: a socket for each peer that sends datagrams */
	uint16_t first_port; /* local port (echo id) of the first flow; 0: any; spray: remote */
	size_t n;
	unsigned deadline_ms; /* of one exchange */
	int keepalive;	      /* open: seconds; 0: none */
	unsigned think_ms;    /* busy: between two exchanges of a flow */
	unsigned seconds;     /* busy: 0: until stdin ends */
	unsigned rate;	      /* churn: new ones per second */
	unsigned life_ms;     /* churn: of each */
};

/* The subcommands; each returns the exit code. */
int serve_main(const struct options *o);
int open_main(const struct options *o);
int busy_main(const struct options *o);
int churn_main(const struct options *o);
int pairs_main(const struct options *o);
int spray_main(const struct options *o);

/* CLOCK_MONOTONIC in milliseconds. */
uint64_t now_ms(void);
