/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as text for an operator. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/report.h"

/* Print the result to OUT (one line; a table for a dry run), and what needs attention to ERR: why
 * it failed, what was lost, warnings with what to do about them. VERBOSE adds counts and times to
 * OUT. */
void report_text_print(const struct report *r, bool verbose, FILE *out, FILE *err);

/* "850 us", "3.2 ms", "1.25 s". Returns BUF. */
const char *report_text_duration(usec_t d, char buf[32]);
