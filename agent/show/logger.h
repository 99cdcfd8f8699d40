/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The node's log: the journal, or syslog where no journal listens. Nothing here
 * ever waits: whoever reads the log may have been stopped or hang on a disk, and
 * a move has priority over what is told of it. What finds no room is counted,
 * and told of when there is room again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <vipsafe/base.h>

/* A line and its fields; what does not fit is left out. */
#define LOG_RECORD_MAX 16384

struct log_record {
	const char *ident; /* the program */
	const char *line;
	int priority; /* of syslog.h */
	size_t size;
	char data[LOG_RECORD_MAX]; /* as the journal takes it */
};

/* Begin M with LINE, which is printable and outlives it. */
void log_record_init(struct log_record *m, const char *ident, int priority, const char *line);

/* One more field for the journal: NAME of upper case letters, digits and "_";
 * what is not printable in its value becomes a space. */
void log_record_add(struct log_record *m, const char *name, const char *fmt, ...) _printf_(3, 4);

/* Begin with { .fd = -1 }. */
struct logger {
	int fd;		  /* kept, so that a log is still heard when no descriptor is left */
	uint64_t dropped; /* messages that found no room */
	uint64_t untold;  /* of them, since that was last told */
};

/* Returns 0; -EAGAIN: there was no room, and it has been counted; -ENOENT:
 * nobody listens. RET_JOURNAL (may be NULL): it was the journal that took it. */
int logger_send(struct logger *l, const struct log_record *m, bool *ret_journal);

/* A message has found no room somewhere else, or there it has now been told
 * that others have not. */
void logger_dropped(struct logger *l);

void logger_done(struct logger *l);
