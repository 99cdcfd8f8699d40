/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The node's log: the journal, or syslog where no journal listens. Nothing here ever waits: the
 * daemon that reads the log may be stopped or wait for a disk, and a move has priority over its
 * log. Messages without room are counted, and reported when there is room again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <vipsafe/base.h>

#include "base/ratelimit.h"
#include "base/report.h"

/* A line and its fields; what exceeds this is left out. */
#define LOG_RECORD_MAX 16384

struct log_record {
	const char *ident; /* the program */
	const char *line;
	int priority; /* of syslog.h */
	size_t size;
	char data[LOG_RECORD_MAX]; /* in the journal's format */
};

/* Begin M with LINE, which must be printable and outlive M. */
void log_record_init(struct log_record *m, const char *ident, int priority, const char *line);

/* To be initialised with { .fd = -1 }. */
struct logger {
	int fd;		     /* kept open, so that logging works when no descriptor is left */
	uint64_t dropped;    /* messages for which there was no room */
	uint64_t unreported; /* of them, since that was last reported */
};

/* Returns 0; -EAGAIN: there was no room, which has been counted; -ENOENT: nobody listens.
 * RET_JOURNAL (may be NULL): whether the journal got it, or has no room for it. Without a
 * descriptor to ask it by it has not. */
int logger_send(struct logger *l, const struct log_record *m, bool *ret_journal);

/* Count a message that was dropped elsewhere: there was no room on stderr, or none for the note
 * about earlier ones, which goes first. */
void logger_dropped(struct logger *l);

void logger_done(struct logger *l);

/* Logs an operation to the journal, or to syslog where no journal listens: exactly one INFO line
 * each, and if something needs attention a second line, a warning or an error, that says what. A
 * dry run is not logged. */
/* The longest line: 64 addresses, five tuples, all escaped. */
#define OPLOG_LINE_MAX 8192

/* Rate limit of lines about runs that changed nothing: anybody with permission could cause any
 * number of them. */
#define OPLOG_IDLE_BURST 100
#define OPLOG_IDLE_EVERY USEC_PER_SEC

/* Second lines per minute; the next one says how many were left out. */
#define OPLOG_PROBLEMS_MAX 10

/* The limits so far. All zero but TO and CONSOLE at first. */
struct oplog {
	struct logger *to;
	/* Gets each line besides, and whether the journal has it; may be NULL. -EAGAIN: no room. */
	int (*console)(const char *ident, const char *line, bool journal);
	usec_t since; /* start of the current minute */
	unsigned problems;
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
