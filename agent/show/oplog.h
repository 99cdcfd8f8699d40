/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logs an operation to the journal, or to syslog where no journal listens: exactly one INFO line
 * each, and if something needs attention a second line, a warning or an error, that says what. A
 * dry run is not logged. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/ratelimit.h"
#include "base/report.h"
#include "show/logger.h"

/* The longest line: 64 addresses, five tuples, all escaped. */
#define OPLOG_LINE_MAX 8192

/* Rate limit of lines about runs that changed nothing: anybody with permission could cause any
 * number of them. */
#define OPLOG_IDLE_BURST 100
#define OPLOG_IDLE_EVERY USEC_PER_SEC

/* Second lines per minute; the next one says how many were left out. */
#define OPLOG_PROBLEMS_MAX 10

/* The limits so far. All zero but TO at first. */
struct oplog {
	struct logger *to;
	usec_t since; /* start of the current minute */
	unsigned told;
	uint64_t suppressed;   /* since the last one that was logged */
	struct ratelimit idle; /* runs that changed nothing */
};

/* "op=del vip=… dev=… …": key=value; values with spaces are quoted. Returns BUF. */
const char *oplog_format(const struct report *r, char buf[OPLOG_LINE_MAX]);

/* The second line: what failed, the first lost connections and how many more, and SUPPRESSED if
 * it is not 0. Returns BUF. */
const char *oplog_format_problem(const struct report *r, uint64_t suppressed,
				 char buf[OPLOG_LINE_MAX]);

/* Log R at the monotonic time NOW. Lines for which there is no room are counted in O->to. Returns
 * false if there were too many about runs that changed nothing; the next line says how many were
 * left out. */
bool oplog_write(struct oplog *o, const struct report *r, usec_t now);
