/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as an operator reads them, and as JSON:
 *   {"findings":[{"code":…, "severity":…, "text":…, "fix":…, "advice":…}], "dropped":N,
 *    "exit_code":N} */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/finding.h"

/* New reference, or NULL when out of memory. */
json_t *findings_json_new(const struct findings *f);

/* The list alone, as an array. */
json_t *findings_json_list(const struct findings *f);

/* Two lines each, the second one for the fix, and a last line that counts.
 * Notes only if VERBOSE. */
void findings_print(const struct findings *f, bool verbose, FILE *out);

/* The same without the last line. */
void findings_print_list(const struct findings *f, bool verbose, FILE *out);
