/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection as the real server sees it, from any source: conntrack, sockets, IPVS. Ports are
 * in host order. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/conn.h"

/* How a flow is known; bits. */
enum flow_origin {
	FLOW_CONNTRACK = 1 << 0,
	FLOW_SOCKET = 1 << 1,	  /* sock_diag: addresses before any translation */
	FLOW_IPVS = 1 << 2,	  /* ip_vs_conn of this node: DEST is the service */
	FLOW_SAVED = 1 << 3,	  /* from a snapshot, not in the kernel now */
	FLOW_HELD = 1 << 4,	  /* it has ended, but the director still remembers it */
	FLOW_TRANSLATED = 1 << 5, /* conntrack: the client is shown as another */
};

enum flow_state {
	FLOW_OPENING, /* SYN_SENT, or a UDP flow without an answer */
	FLOW_ESTABLISHED,
	FLOW_CLOSING,
	FLOW_TIME_WAIT,
	FLOW_CLOSED,
	FLOW_LISTENING, /* a socket that waits for clients: no flow, DPORT is 0 */
};

/* What tcp_info says of a socket, in milliseconds before it was read. */
struct flow_times {
	uint64_t cookie;     /* of the socket: no other ever has it */
	uint8_t retransmits; /* of what the peer has not acknowledged yet */
	uint32_t sent;	     /* the last transmission, of data or a SYN */
	uint32_t acked;	     /* the last acknowledgement received */
	uint32_t received;   /* the last data received */
	uint32_t rtt;
	uint32_t next;	    /* until the next retransmission; UINT32_MAX: there is none */
	uint32_t keepalive; /* until its timer for keepalives is due; 0: there is none */
	bool window_probes; /* it asks whether the peer takes data again */
};

/* One connection. From conntrack: CLIENT is reply.dst and DEST is reply.src. From a socket:
 * CLIENT is its own address and DEST the peer's. From ip_vs_conn: CLIENT, the service as DEST,
 * and in RS the real server that the director chose. An IPv4-mapped address may be given in
 * either family. */
struct flow {
	uint8_t family, l4proto;
	uint8_t state;	 /* enum flow_state */
	uint8_t origin;	 /* enum flow_origin */
	uint8_t backoff; /* tcp_info: retransmissions without an answer */
	bool has_rs;
	bool pin; /* has_rs, and it is a persistence template: CPORT is 0, it is not a flow */
	uint16_t cport, dport, rport;
	uint8_t client[16], dest[16];	/* network order; IPv4 in the first four */
	struct addr rs;			/* a real server may be of the other family */
	usec_t since;			/* when it was first seen; 0: not known */
	const struct flow_times *times; /* of a socket, while it is listed; NULL: not known */
};

/* Called with one flow at a time; a negative return value ends the list and is passed on. */
typedef int (*flow_sink)(void *ud, const struct flow *f);

/* Whether it has ended, though a director may still remember it. */
static inline bool flow_is_over(const struct flow *f)
{
	return f->state == FLOW_TIME_WAIT || f->state == FLOW_CLOSED || f->origin & FLOW_HELD;
}

/* The flow that the real server sees of conntrack entry C. Returns false for a protocol without
 * ports. */
bool flow_of_conn(const struct conn *c, struct flow *ret);

/* The entry that conntrack would have of F if nothing were translated. */
struct conn flow_conn(const struct flow *f);

/* Turn an IPv4-mapped flow into an IPv4 flow. */
void flow_normalise(struct flow *f);

/* Whether both lead to, or come from, the same address and port. */
bool flow_same_dest(const struct flow *a, const struct flow *b);
bool flow_same_client(const struct flow *a, const struct flow *b);

/* Whether the last acknowledgement may be the answer to a probe that the socket itself has sent,
 * which is no data, within SLACK milliseconds. */
bool flow_may_have_probed(const struct flow_times *t, uint32_t slack);

const char *flow_state_name(enum flow_state state);
