/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last operations: which part of a report is kept, and how it is read and shown. The file
 * itself: show/history_file. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/report.h"

/* R as one line (its JSON and "at_us", the monotonic time NOW), to be freed. NULL: out of
 * memory. */
char *history_line(const struct report *r, usec_t now);

/* Parse TEXT, one operation per line with the oldest first. Returns the newest MAX as an array
 * with the newest first. Lines that are not operations are skipped; lines before the newest MAX
 * are not read. NULL: out of memory. */
json_t *history_parse(const char *text, size_t max);

/* The operation with the id ID, which may be abbreviated if unique; a borrowed reference, or
 * NULL. */
json_t *history_find(json_t *list, const char *id);

/* Print one line per operation, in COLUMNS columns (0: no limit). */
void history_print(json_t *list, usec_t now, unsigned columns, FILE *out);

/* Print everything that is known about one operation. */
void history_print_one(json_t *one, usec_t now, FILE *out);

/* "12 s", "3 min", "2 h", "5 d". Returns BUF. */
const char *history_age(usec_t age, char buf[32]);
