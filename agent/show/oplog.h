/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the journal is told of an operation, or syslog where no journal listens:
 * exactly one INFO line each, and when something needs attention one more line,
 * a warning or an error, that says what. A plan changes nothing and is not
 * logged. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/ratelimit.h"
#include "base/report.h"
#include "show/logger.h"

/* Largest line: 64 addresses, five tuples, all escaped. */
#define OPLOG_LINE_MAX 8192

/* Lines about runs that changed nothing: anybody who may ask can have as many as
 * he likes. */
#define OPLOG_IDLE_BURST 100
#define OPLOG_IDLE_EVERY USEC_PER_SEC

/* Second lines in a minute; the next one says how many were left out. */
#define OPLOG_PROBLEMS_MAX 10

/* How many of them there have been. All zero but TO to begin with. */
struct oplog {
	struct logger *to;
	usec_t since; /* the minute under way */
	unsigned told;
	uint64_t suppressed;   /* since the last one that was told */
	struct ratelimit idle; /* runs that changed nothing */
};

/* "op=del vip=… dev=… …": key=value, quoted where a value holds spaces.
 * Returns BUF. */
const char *oplog_format(const struct report *r, char buf[OPLOG_LINE_MAX]);

/* The second line: what failed, the first lost connections and how many more,
 * SUPPRESSED if it is not 0. Returns BUF. */
const char *oplog_format_problem(const struct report *r, uint64_t suppressed,
				 char buf[OPLOG_LINE_MAX]);

/* Of the second line: LOG_WARNING or LOG_ERR (syslog.h), or LOG_INFO when there
 * is none to be written. */
int oplog_priority(const struct report *r);

/* Send them at the monotonic time NOW. What finds no room is counted there.
 * False: there were too many about runs that changed nothing; the next line says
 * how many were left out. */
bool oplog_write(struct oplog *o, const struct report *r, usec_t now);
