/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as JSON: the keys scripts rely on (stable; more may be added). */
#pragma once

#include <jansson.h>

#include "base/report.h"

/* New reference, or NULL when out of memory. */
json_t *report_json_new(const struct report *r);

/* VALUE as one line of ASCII without newline, to be freed; takes the reference
 * over (also when it is NULL). Returns NULL when out of memory. */
char *report_json_line(json_t *value);

/* TEXT as a JSON string; bytes that are not UTF-8 are escaped before. */
json_t *report_json_string(const char *text);
