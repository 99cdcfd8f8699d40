/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counts and times of a report. Each is a row with its names in text, JSON, log, journal and
 * history. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/report.h"

struct report_row {
	const char *key;     /* in JSON and history; NULL ends the table */
	size_t offset;	     /* of a uint64_t in struct report; 0: report_kept() */
	const char *label;   /* in the details of the text; NULL: not there */
	const char *note;    /* after it; may be NULL */
	const char *log;     /* key in the log line; NULL: not there */
	const char *journal; /* field of the journal; NULL: none */
};

/* In the order of output. */
#define REPORT_COUNTS 12
extern const struct report_row report_counts[], report_times[];

/* The index in report_counts of KEY, which must be in there. */
size_t report_count_find(const char *key);

uint64_t report_row_value(const struct report *r, const struct report_row *row);

/* A report as text for an operator. */
/* Print the result to OUT (one line; a table for a dry run), and what needs attention to ERR: why
 * it failed, what was lost, warnings with what to do about them. VERBOSE adds counts and times to
 * OUT. */
void report_text_print(const struct report *r, bool verbose, FILE *out, FILE *err);

/* "850 us", "3.2 ms", "1.25 s". Returns BUF. */
const char *report_text_duration(usec_t d, char buf[32]);
