/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the connections of a guarded device end: who did what (deeds.c), why an entry ended
 * (causes.c), and what is noted of it (ending.c). Private to the guard. */
#pragma once

#include "base/ratelimit.h"
#include "guard/ends.h"
#include "guard/guard.h"

#define GUARD_FLUSHINGS 16
#define GUARD_DELETERS 16
#define GUARD_ASKED 8

/* What may make the kernel flush. */
struct guard_flushing {
	struct deed deed;
	uint16_t number;
};

/* Who deletes entries over ctnetlink. */
struct guard_deleter {
	uint32_t port;
	uint16_t deed;
	bool ours;
	usec_t at;
};

/* An answer of port_owner(), good for a moment. */
struct guard_asked {
	enum port_kind kind;
	uint32_t port;
	int result;
	struct port_owner owner;
	usec_t at; /* 0: none */
};

/* How connections end: ending.c. */
struct guard_ending {
	struct ends *ends; /* NULL: they are counted only */
	uint8_t device;	   /* its number there */
	bool tells;	   /* this kernel tells state and time left of what ends */
	struct guard_flushing flushing[GUARD_FLUSHINGS];
	size_t n_flushing;
	struct guard_deleter deleters[GUARD_DELETERS];
	struct guard_asked asked[GUARD_ASKED];
	size_t next_asked;
	struct ratelimit asks, searches;
	/* The table, as of the batch of events that was read then. */
	usec_t usage_at;
	uint32_t count, max;
	bool is_full;
	/* What the kernel has dropped by DROPS_AT; and what that told of the batch of JUDGED_AT. */
	uint64_t drops;
	usec_t drops_at, judged_at;
	bool judged_known, rose;
	uint16_t full_deed;
	/* Not counted yet, since they may be put back: those since TURNED_AT, and those before. */
	uint64_t undecided[END_CAUSE_COUNT], settling[END_CAUSE_COUNT];
	usec_t turned_at;
};

/* A has gone from the device, by a run of OURS, or by whom the kernel tells, which is returned; or
 * the link went down. */
struct deed guard_end_meet_delete(struct guard *g, const struct ifaddr *a, bool ours);
void guard_end_meet_link(struct guard *g);

/* The event RECORD tells of the end of an entry that was known: as KNOWN, with all that is
 * needed to create it again, or as PINNED. LAST_STATE: of TCP, as the latest event had it. */
void guard_end_meet(struct guard *g, const struct conn *known, uint8_t last_state, bool pinned,
		    const struct conn_record *record);

/* C is not there, and no event told of its end. */
void guard_end_missed(struct guard *g, const struct conn *c);

/* C was deleted by us, because of what is remembered as DEED; it is still known. */
void guard_end_ours(struct guard *g, const struct conn *c, enum end_cause cause, uint16_t deed);

/* Remember WHAT became of A, with who has deleted it; by RUN if it is not NULL. */
uint16_t guard_end_deed(const struct guard *g, enum deed_what what, const struct addr *a,
			const struct run *run);

/* C is there again as it was: it had not ended. */
void guard_end_put_back(struct guard *g, const struct conn *c);

/* C is told of, and was not known; BY a program, or 0. */
void guard_end_meet_born(struct guard *g, const struct conn *c, uint32_t by);

void guard_end_round(struct guard *g); /* once a second */
void guard_end_write(struct guard *g);
usec_t guard_end_next(const struct guard *g); /* when to call it at the latest */

/* ---- between these files ---- */

/* The deed of whoever deletes entries over the netlink port BY. *RET_OURS: it is vipsafe. */
uint16_t guard_deed_of_deleter(struct guard *g, uint32_t by, bool *ret_ours);

/* Search for those who have deleted addresses and were not found at once: now there is time. */
void guard_deeds_name(struct guard *g);

/* The table is full of COUNT entries of MAX, and the kernel makes room. */
uint16_t guard_deed_full(const struct guard *g, uint32_t count, uint32_t max);

/* An entry that ended. KNOWN: as it was known, or NULL; DEAD: as the event tells. */
struct guard_death {
	const struct conn *known, *dead;
	uint8_t state; /* the last one of TCP */
	bool pinned;
};

/* Say in E why the kernel has removed what D tells of. */
void guard_cause_of(struct guard *g, const struct guard_death *d, struct end *e);
void guard_cause_set(struct end *e, enum end_cause cause, enum end_doubt doubt, uint16_t deed);

/* The deed by which the kernel flushes what is translated to AS; NULL: there is none. And what it
 * is the cause of. */
const struct guard_flushing *guard_cause_flushing(const struct guard *g, const struct addr *as);
enum end_cause guard_cause_flushed(const struct guard_flushing *f, const struct addr *as);

/* Once a second: so that what the kernel drops from a full table after it is known as such. */
void guard_cause_watch(struct guard *g);
