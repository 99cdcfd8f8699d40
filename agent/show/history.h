/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last operations, as they are read back and shown. What is written of one: show/history_line;
 * the file itself: show/history_file. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <vipsafe/base.h>

/* What both clocks show now: of CLOCK_MONOTONIC and of the wall clock. */
struct history_now {
	usec_t mono, wall;
};

/* Parse TEXT, one operation per line. Returns the newest as an array, newest first: as many as
 * have MAX address changes among them; what is not an operation is skipped, and lines of earlier
 * versions are read: those have no wall clock of their own, and get what today's clock makes of
 * them ("when_computed"). Who it was is added as one text ("by_text"). NULL: out of memory. */
json_t *history_parse(const char *text, size_t max, struct history_now now);

/* The only operation in LIST whose id begins with ID (borrowed), or NULL: there is none or more
 * than one. */
json_t *history_find(json_t *list, const char *id);

/* Those of LIST from SINCE until UNTIL by the wall clock, as a new array; NULL: out of memory. */
json_t *history_between(json_t *list, usec_t since, usec_t until);

/* Whether vipsafe itself was asked for ONE, to add or delete addresses. */
bool history_is_move(json_t *one);

/* The newest in LIST that vipsafe itself was asked for, to add or delete addresses (borrowed), or
 * NULL. */
json_t *history_last_move(json_t *list);

/* Print LIST as a table for a terminal of COLUMNS columns (0: no limit). WHOLE: nothing is left
 * out, whatever the terminal has. */
void history_print(json_t *list, struct history_now now, unsigned columns, bool whole, FILE *out);

/* Print everything that is known about one operation. */
void history_print_one(json_t *one, struct history_now now, FILE *out);

/* "12 s", "3 min", "2 h", "5 d". Returns BUF. */
const char *history_age(usec_t age, char buf[32]);
