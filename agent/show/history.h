/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last operations: which part of a report is kept, and how it is read and shown. The file
 * itself: show/history_file. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/report.h"

/* R as one line (its JSON and "at_us", the monotonic time NOW), to be freed. NULL: out of
 * memory. */
char *history_line(const struct report *r, usec_t now);

/* What became of addresses of DEVICE that had vanished AGE ago, and of the ENTRIES that lingered.
 */
struct history_linger {
	const char *device;
	const struct addr *addrs;
	size_t n;
	const char *result; /* a word: back, time, heard, given */
	uint64_t entries;
	usec_t age;
};

/* The same as a line that counts as an operation, to be freed. */
char *history_linger_line(const struct history_linger *l, const char *id, usec_t now);

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

/* The last operations, one line of text each, in the file "history" of the run directory.
 * show/history knows what a line means. The file is valid for one boot, because ages are; that of
 * another boot is replaced. */
/* When the file grows beyond this, its older half is removed. */
#define HISTORY_SIZE_MAX ((size_t)256 * 1024)
#define HISTORY_LINE_MAX ((size_t)32 * 1024)

/* Append LINE (without newline). Several processes may do so at the same time. Returns 0 or a
 * negative errno; the operation itself is not affected. */
int history_append(const char *run_dir, const char *boot_id, const char *line);

/* All lines, oldest first, each with its newline, as a string to be freed. -ENOENT: nothing is
 * kept for this boot. -EACCES, -EPERM: no permission to read it. */
int history_read(const char *run_dir, const char *boot_id, char **ret);
