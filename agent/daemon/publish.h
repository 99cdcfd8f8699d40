/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is told what a run or a guard did: log, history, metrics, watchers. */
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
	/* Send LINE to all who watch, and whether anybody does. */
	void (*publish)(void *ud, const char *line);
	bool (*is_watched)(void *ud);
	void *ud;
};

/* R is done. Nothing for a plan. Failures are nobody's business any more. */
void publish_report(struct publisher *t, const struct report *r);

/* Something has happened that only watchers are told. */
void publish_event(struct publisher *t, const struct event *e);

/* The same for the guard of DEVICE; RESTORED stands for what was removed in an
 * EVENT_REMOVED. */
void publish_guard(struct publisher *t, enum event_kind kind, bool is_bad, const char *device,
		   uint64_t restored, uint64_t lost, const char *fmt, ...) _printf_(7, 8);

/* The configuration was read again; ERROR says why it was refused, or is NULL. */
void publish_config(struct publisher *t, const char *error);
