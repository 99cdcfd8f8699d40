/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the daemon is, as a value: filled in the daemon, told as JSON and text. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "core/report.h"
#include "core/settings.h"

struct status_device {
	char device[DEVICE_NAME_MAX];
	const char *state; /* a word: absent, syncing, live, stale, degraded */
	enum pin_mode mode;
	enum hold_choice hold; /* never AUTO */
	bool quarantined;
	uint64_t pinned, young; /* entries known now */
	uint64_t pins, pin_failures, repairs, restored, lost, removed, overruns, relists;
	char reason[REPORT_TEXT_MAX]; /* why it is not live; "" otherwise */
};

struct status {
	const char *version;
	int64_t pid;
	usec_t uptime;
	uint64_t moves;			      /* done for clients since the start */
	uint64_t refused;		      /* clients, not permitted */
	char config_error[REQUEST_ERROR_MAX]; /* of the last reload; "": it went well */
	const struct status_device *devices;
	size_t n_devices;
};

/* New reference, or NULL when out of memory. */
json_t *status_json_new(const struct status *s);

/* One line on the daemon, one per device, and the reasons. VERBOSE adds the
 * counters. */
void status_print(const struct status *s, bool verbose, FILE *out);
