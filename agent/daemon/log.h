/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's own lines in the journal, or in syslog and on stderr where no
 * journal listens. Runs are logged by show/oplog. No line waits for its reader
 * (show/oplog.h). */
#pragma once

#include "base/report.h"
#include "move/run.h"
#include "show/event.h"
#include "show/oplog.h"
#include "show/metrics.h"

/* PRIORITY: of syslog.h. FMT as for logfmt_add_va(): begin with "msg=\"a plain sentence\"", or
 * "msg=%s" if it varies, then keys as in the lines of operations: dev, lost, error, by_uid. */
void log_line(int priority, const char *fmt, ...) _printf_(2, 3);

/* The same of a LINE that is formatted already (base/logfmt.h). */
void log_formatted(int priority, const char *line);

/* Write LINE to stderr, unless the JOURNAL has it and stderr is no terminal: in a container there
 * is no other log. 0 or a negative errno; -EAGAIN: there is no room. */
int log_to_stderr(const char *ident, const char *line, bool journal);

/* The logger of these lines, for other modules that log. */
struct logger *log_logger(void);

/* Log how many lines were dropped, once there is room. Returns when to call
 * again. */
usec_t log_tick(usec_t now);

/* Sends what a run or a guard did to log, history, metrics and watchers. */

struct publisher {
	const struct run_env *env;
	struct oplog log;
	struct metrics metrics;
	uint64_t notes; /* lines of the history that are of no run: for their ids */
	/* publish: send LINE to all watchers. is_watched: whether there are
	 * any. */
	void (*publish)(void *ud, const char *line);
	bool (*is_watched)(void *ud);
	void *ud;
};

/* R is done. Does nothing for a plan. Errors writing log or history are
 * ignored. */
void publish_report(struct publisher *t, const struct report *r);

/* The same for the guard of DEVICE. For EVENT_REMOVED, RESTORED is the number
 * of removed entries. */
void publish_guard(struct publisher *t, enum event_kind kind, bool is_bad, const char *device,
		   uint64_t restored, uint64_t lost, const char *fmt, ...) _printf_(7, 8);

/* A connection of DEVICE was lost; LINE is about it. */
void publish_lost(struct publisher *t, const char *device, const char *line);

/* The configuration was read again; ERROR says why it was refused, or is NULL. */
void publish_config(struct publisher *t, const char *error);

/* The metrics as a file for another program (node_exporter's textfile
 * collector): never partly written, readable by all users. */
/* Write TEXT to the file PATH by way of a temporary file and rename(). 0 or a
 * negative errno. */
int textfile_write(const char *path, const char *text);
