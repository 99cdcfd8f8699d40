/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is written of one operation: a line of JSON. What is not an address change of vipsafe's own
 * is one, too: what others did to guarded devices, and what the guards did about it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/report.h"

/* When it happened, on both clocks: "at_us" is CLOCK_MONOTONIC, "wall_us" and "when" (RFC 3339) are
 * what the wall clock showed at that moment. */
struct history_time {
	usec_t at, wall;
};

/* R as one line, to be freed. NULL: out of memory. */
char *history_line(const struct report *r, struct history_time t);

enum history_op {
	HISTORY_FOREIGN_DELETE, /* somebody else has deleted addresses of a guarded device */
	HISTORY_REPAIR,		/* connections were put back, or could not be */
	HISTORY_LINGER,		/* an address that had vanished is back, or its time is over */
	HISTORY_QUARANTINE,	/* repairs are suspended, or taken up again */
	HISTORY_COLLISION,	/* two connections that an LVS makes identical */
	HISTORY_OP_COUNT
};

/* Something of that kind. Strings that are NULL or "" are left out. */
struct history_note {
	enum history_op op;
	const char *id;
	const char *device;
	const char *const *addresses;
	size_t n_addresses;
	const char *result; /* a word */
	const char *text;   /* more about it, in one line */
	/* Who did it: a process, if BY.is_known. FOREIGN: not vipsafe; LIKELY: only its number
	 * tells; ENDED: it had gone when it was looked for. */
	struct asker by;
	bool foreign, likely, ended;
	/* Connections: those of the device before it, and what became of them. */
	uint64_t candidates, pinned, restored, superseded, lost, removed;
	uint64_t times; /* how often it happened since the last line about its like; 0: once */
	usec_t took;
};

/* N as one line, to be freed. NULL: out of memory. */
char *history_note_line(const struct history_note *n, struct history_time t);

/* Whether the line of LEN bytes at TEXT is about an address that vipsafe added or deleted. */
bool history_line_is_change(const char *text, size_t len);

/* The word of OP; NULL: that is none. */
const char *history_op_name(unsigned op);
