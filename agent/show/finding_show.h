/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as text for an operator, and as JSON:
 *   {"findings":[{"code":…, "severity":…, "text":…, "fix":…, "advice":…}], "dropped":N,
 *    "exit_code":N} */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/finding.h"

/* A new reference; NULL: out of memory. */
json_t *findings_json_new(const struct findings *f);

/* One of them. */
json_t *finding_json_new(const struct finding *one);

/* The list alone, as an array. */
json_t *findings_json_list(const struct findings *f);

/* Print two lines per finding, the second one with the fix, and a last line with the totals. Notes
 * only if VERBOSE. Lines are broken at COLUMNS (0: never), except a fix, which is to be pasted. */
void findings_print(const struct findings *f, bool verbose, unsigned columns, FILE *out);

/* The same without the last line. */
void findings_print_list(const struct findings *f, bool verbose, unsigned columns, FILE *out);
