/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the node and the daemon are, as a value: filled by the daemon, or, as far
 * as it goes, by the command line without it; told as JSON and text. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/finding.h"
#include "base/report.h"
#include "base/settings.h"
#include "move/survey.h"
#include "show/status_instance.h"
#include "show/status_lvs.h"

/* LSB: the state of the service is unknown. */
#define STATUS_CODE_UNKNOWN 4

/* The operations that a status tells of. */
#define STATUS_OPERATIONS_MAX 5

struct status_device {
	char device[DEVICE_NAME_MAX];
	const char *state; /* a word: absent, syncing, live, stale, degraded; unguarded */
	enum pin_mode mode;
	enum hold_choice hold; /* never AUTO */
	bool quarantined;
	bool full;		   /* more entries than may be known: some are not protected */
	uint64_t pinned, unpinned; /* entries known now */
	uint64_t altered;	   /* of the latter, by somebody else: left alone */
	bool refused;		   /* one kind of connection is not pinned: see reason */
	uint64_t foreign_deletes;  /* of addresses, by anybody else */
	uint64_t pins, pin_failures, repairs, restored, lost, removed, overruns, relists;
	uint64_t holds, held_usec;    /* packets were held back: how often, for how long */
	uint64_t gone;		      /* addresses that went while nobody guarded them */
	uint64_t unproven;	      /* entries left behind those: not proved to be ours */
	uint64_t unsaved;	      /* times that what a kill would need was not written … */
	int unsaved_error;	      /* … the latest time: negative errno */
	char reason[REPORT_TEXT_MAX]; /* why it is not live; "" otherwise */
};

struct status {
	bool absent; /* there is no daemon, or it has not told: what follows is without it */
	const char *version;
	int64_t pid;
	usec_t uptime;
	uint64_t moves;			      /* done for clients since the start */
	uint64_t refused;		      /* clients, not permitted */
	uint64_t log_dropped;		      /* messages that nobody took */
	bool log_unread;		      /* it is so now */
	char config_error[REQUEST_ERROR_MAX]; /* of the last reload; "": it went well */
	const struct status_device *devices;
	size_t n_devices;
	const struct status_instance *instances;
	size_t n_instances;
	struct status_notify notify;
	struct status_lvs lvs;
	const struct survey *survey; /* NULL: none was taken */
	json_t *operations;	     /* show/history, newest first; NULL: not known */
	usec_t now;		     /* monotonic */
	unsigned columns;	     /* of the terminal it is printed on; 0: no limit */
};

/* New reference, or NULL when out of memory. */
json_t *status_json_new(const struct status *s);

/* The daemon, each device and what protects it, addresses and whose they are,
 * the last operations, and what needs attention. VERBOSE adds the counters. */
void status_print(const struct status *s, bool verbose, FILE *out);

/* What protects D: "continuous", "on demand" or "moves only". */
const char *status_protection(const struct status_device *d);

/* Whether it is so at this moment. */
bool status_in_force(const struct status_device *d);

/* What "vipsafe status" ends with, as that of an init script: 0, or 4 when the
 * addresses of an instance could not be put where its state wants them. */
int status_exit_code(const struct status *s);

/* What needs attention. */
void status_findings(const struct status *s, struct findings *ret);
