/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a connection of a guarded device ended, or came to be translated to another port; and the
 * deed behind it: what somebody did, and who. Values of a fixed size, as they are kept
 * (base/ends.h). */
#pragma once

#include "base/conn.h"

#include <vipsafe/base.h>

enum end_cause {
	END_UNKNOWN,	/* the kernel removed it before its time, and nothing seen says why */
	END_ADDRESS,	/* the address that it was translated to was deleted here */
	END_FLUSH,	/* another address of the device was: the flush of an affected kernel */
	END_LINK,	/* the link of the device went down */
	END_SWEEP,	/* by vipsafe: its address was gone (deed->what says what ended the wait) */
	END_DELETED,	/* a program deleted the entry: conntrack -D or -F, and the like */
	END_EARLY_DROP, /* the conntrack table was full */
	END_TIMEOUT,	/* nothing was sent for too long: see end_sysctl() */
	END_FINISHED,	/* FIN from both sides */
	END_RESET,	/* by one of the two; the kernel does not tell which */
	END_RESET_CLIENT, /* it answered the server's first answer with a reset */
	END_RESET_SERVER,
	END_IPVS,	  /* with the connection of the IPVS of this node that had altered it */
	END_LOST,	  /* by vipsafe: what it deleted could not be created again */
	END_ARRIVED,	  /* by vipsafe: it led away from an address that has come here */
	END_RETRANSLATED, /* no end: the same original tuple came back with another port */
	END_CAUSE_COUNT
};

extern const char *const end_cause_words[]; /* "address-deleted", "flush" … (base/text.h) */

/* Why the cause is only probable. */
enum end_doubt {
	DOUBT_NONE,   /* it is certain */
	DOUBT_KERNEL, /* this kernel tells neither the state nor the time left of what ends */
	DOUBT_MISSED, /* its event was lost: it was found missing */
	DOUBT_MOMENT, /* it ended when that happened; nothing else says that it was because of it */
	DOUBT_FULL,   /* the table was nearly full; that the kernel made room was not counted */
	DOUBT_SIDE,   /* the kernel does not tell which side sent the reset */
	DOUBT_NEWER,  /* so many have ended since that what is known of this one is incomplete */
	DOUBT_COUNT
};

extern const char *const end_doubt_words[]; /* a sentence's end each; "" for NONE */

enum end_flag {
	END_IS_IPV6 = 1 << 0,
	END_WAS_PINNED = 1 << 1,
	END_SEEN_REPLY = 1 << 2,
	END_ASSURED = 1 << 3,
	END_PUT_BACK = 1 << 4,	/* vipsafe has created the entry again: it did not end */
	END_NEW_RESET = 1 << 5, /* RETRANSLATED: the server has reset what came from the new port */
	END_ALTERED = 1 << 6,	/* another program had changed the entry */
	END_TOLD = 1 << 7,	/* TIMEOUT is what the kernel said: 0 is an answer then */
};

/* 96 bytes. Addresses and ports are in network order. Of ICMP the id is SPORT. */
struct end {
	usec_t at; /* monotonic */
	uint8_t src[16], dst[16];
	uint8_t as[16], to[16]; /* destination and source of the reply direction */
	uint16_t sport, dport;	/* … */
	uint16_t as_port;	/* 0: not known */
	uint16_t to_port;	/* … */
	uint16_t new_port;	/* RETRANSLATED: what AS_PORT was before; this is it now */
	uint16_t zone;
	uint32_t timeout; /* seconds that were left */
	uint16_t deed;	  /* number of the deed; 0: none */
	uint8_t device;	  /* number of its name; 0: none */
	uint8_t l4proto;
	uint8_t state; /* enum conn_tcp_state, and the direction of the zone above bit 4 */
	uint8_t cause; /* enum end_cause */
	uint8_t doubt; /* enum end_doubt */
	uint8_t flags; /* enum end_flag */
};

enum deed_what {
	DEED_NONE,
	DEED_ADDRESS, /* an address was deleted */
	DEED_LINK,    /* a link went down */
	DEED_ENTRIES, /* entries were deleted over ctnetlink */
	DEED_FULL,    /* the table was full: COUNT of MAX entries, DROPS since it was last seen */
	DEED_AWAY,    /* an address did not come back in time … */
	DEED_HEARD,   /* … or another host was heard with it … */
	DEED_GIVEN,   /* … or it was given up on purpose */
	DEED_ARRIVED, /* an address was added */
	DEED_WHAT_COUNT
};

extern const char *const deed_words[];

/* Who did it. */
enum deed_by {
	BY_UNKNOWN, /* "a program": the kernel does not say */
	BY_KERNEL,
	BY_PROGRAM, /* COMM[PID] */
	BY_ENDED,   /* a program that had ended when it was looked for; PID is probable, or 0 */
	BY_US,	    /* vipsafe; OPERATION if it is known */
};

#define DEED_COMM_MAX 16

/* 96 bytes. */
struct deed {
	usec_t at;	       /* monotonic; the first of several that count as one */
	struct prefix address; /* family 0: none */
	uint8_t what, by;      /* enum deed_what, deed_by */
	char device[16];
	char comm[DEED_COMM_MAX]; /* as the kernel has it: to be escaped */
	uint32_t pid, port;	  /* of netlink; 0: not known */
	char operation[16];	  /* its id; "": not known */
	uint32_t count, max;	  /* of DEED_FULL */
	uint32_t is_likely; /* 1: the program has the right number, but its socket was not seen */
};

/* An end, and what it refers to. DEED->what is DEED_NONE if there is none. */
struct end_told {
	struct end end;
	struct deed deed;
	char device[16];
};

/* E of C, as far as C tells. */
void end_init(struct end *e, const struct conn *c, usec_t at);

/* The connection, as far as E tells: key, reply, status, timeout and TCP state. */
struct conn end_conn(const struct end *e);

/* What was read from a file is an end. */
bool end_is_valid(const struct end *e);
bool deed_is_valid(const struct deed *d);

/* The sysctl behind a TIMEOUT, without "net.netfilter.": "nf_conntrack_tcp_timeout_established". */
const char *end_sysctl(const struct end *e);
