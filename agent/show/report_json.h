/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as JSON. Scripts rely on the keys: they stay; more may be added. */
#pragma once

#include <jansson.h>

#include "base/report.h"

/* A new reference; NULL: out of memory. */
json_t *report_json_new(const struct report *r);

/* VALUE as one line of ASCII without newline, to be freed; takes over the reference, also if it
 * is NULL. Returns NULL when out of memory. */
char *report_json_line(json_t *value);

/* TEXT as a JSON string; bytes that are not UTF-8 are escaped first. */
json_t *report_json_string(const char *text);
