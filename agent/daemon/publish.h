/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends what a run or a guard did to log, history, metrics and watchers. */
#pragma once

#include "base/report.h"
#include "show/event.h"
#include "show/metrics.h"
#include "show/oplog.h"
#include "move/run.h"

struct publisher {
	const struct run_env *env;
	struct oplog log;
	struct metrics metrics;
	/* publish: send LINE to all watchers. is_watched: whether there are
	 * any. */
	void (*publish)(void *ud, const char *line);
	bool (*is_watched)(void *ud);
	void *ud;
};

/* R is done. Does nothing for a plan. Errors writing log or history are
 * ignored. */
void publish_report(struct publisher *t, const struct report *r);

/* Send an event to watchers only. */
void publish_event(struct publisher *t, const struct event *e);

/* The same for the guard of DEVICE. For EVENT_REMOVED, RESTORED is the number
 * of removed entries. */
void publish_guard(struct publisher *t, enum event_kind kind, bool is_bad, const char *device,
		   uint64_t restored, uint64_t lost, const char *fmt, ...) _printf_(7, 8);

/* The configuration was read again; ERROR says why it was refused, or is NULL. */
void publish_config(struct publisher *t, const char *error);
