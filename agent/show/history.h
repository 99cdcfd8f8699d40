/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last operations: what is kept of a report, and how it is read and shown.
 * The file is show/history_file's. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/report.h"

/* R as one line (its JSON and "at_us", the monotonic time NOW), to be freed.
 * NULL: out of memory. */
char *history_line(const struct report *r, usec_t now);

/* The newest MAX operations in TEXT, one line each with the oldest first, as an
 * array with the newest first. What is no operation is left out; those in front
 * of the newest MAX lines are not even looked at. NULL: out of memory. */
json_t *history_parse(const char *text, size_t max);

/* The operation with the id ID, which may be shortened while it is unique; a
 * borrowed reference, or NULL. */
json_t *history_find(json_t *list, const char *id);

/* One line per operation, in COLUMNS columns (0: as many as it takes). */
void history_print(json_t *list, usec_t now, unsigned columns, FILE *out);

/* Everything that is known about one. */
void history_print_one(json_t *one, usec_t now, FILE *out);

/* "12 s", "3 min", "2 h", "5 d". Returns BUF. */
const char *history_age(usec_t age, char buf[32]);
