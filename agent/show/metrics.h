/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics for monitoring: counters of operations, kept here, and the current status, in the text
 * format of Prometheus and as JSON. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/report.h"
#include "show/report_text.h"
#include "show/status.h"

#define HISTOGRAM_BUCKETS 12 /* the last one is +Inf */

/* Durations, and for each bucket the id of its last operation. */
struct histogram {
	uint64_t buckets[HISTOGRAM_BUCKETS]; /* not cumulative */
	char ids[HISTOGRAM_BUCKETS][20];
	usec_t sum;
};

/* Operations since the start; all zero at first. */
struct metrics {
	uint64_t operations[2][5]; /* by enum op and enum result */
	struct histogram duration[2], hold;
	uint64_t entries[REPORT_COUNTS]; /* as in report_counts, summed */
	uint64_t vip_flows, clients_reset, arrivals, warnings;
	uint64_t watchers, watchers_dropped; /* now, and since the start */
};

/* Count R, a run that is over; a dry run is not counted. */
void metrics_count(struct metrics *m, const struct report *r);

/* Print all metrics; without a daemon (S->absent) those that are known all the same. M and S may
 * not be NULL. */
void metrics_print(const struct metrics *m, const struct status *s, FILE *out);

/* The same as an array:
 *   {"name":…, "type":…, "help":…, "samples":[{"name":…, "labels":{…},
 *    "value":N, "id":…}]}
 * "id" is that of the last operation in a histogram's bucket. NULL: out of
 * memory. */
json_t *metrics_json_new(const struct metrics *m, const struct status *s);
