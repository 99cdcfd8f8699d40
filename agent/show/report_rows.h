/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counts and times of a report, each a row: what it is called wherever it is shown
 * (text, JSON, log, journal fields, history). */
#pragma once

#include <stdbool.h>

#include "base/report.h"

struct report_row {
	const char *key;     /* in JSON and history; NULL ends the table */
	size_t offset;	     /* of a uint64_t in struct report; 0: it is report_kept() */
	const char *label;   /* in the report's details; NULL: not there */
	const char *note;    /* behind it there; may be NULL */
	const char *log;     /* key in the log's line; NULL: not there */
	const char *journal; /* the journal's field; NULL: none */
};

/* In the order in which they are shown. */
#define REPORT_COUNTS 12
extern const struct report_row report_counts[], report_times[];

/* Which of report_counts has KEY. There is one. */
size_t report_count_find(const char *key);

uint64_t report_row_value(const struct report *r, const struct report_row *row);
