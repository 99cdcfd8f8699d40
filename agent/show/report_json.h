/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds JSON objects. Whatever cannot be made, because memory is short, makes the whole object
 * NULL: one check at the end is enough. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/report.h"

/* Add KEY with VALUE, whose reference is taken over, to *O. If either is NULL, *O becomes NULL. */
void object_put(json_t **o, const char *key, json_t *value);
void object_put_text(json_t **o, const char *key, const char *text); /* by object_string() */
void object_put_number(json_t **o, const char *key, uint64_t n);
void object_put_bool(json_t **o, const char *key, bool value);

/* The same: append to an array. */
void object_append(json_t **list, json_t *value);

/* TEXT as a JSON string; bytes that are not UTF-8 are escaped first. */
json_t *object_string(const char *text);

/* Of an object that was read: the string KEY, or ""; the number KEY, or 0, also if it is negative.
 */
const char *object_text(json_t *o, const char *key);
uint64_t object_number(json_t *o, const char *key);

/* VALUE as one line of ASCII without newline, to be freed; takes over the reference, also if it
 * is NULL. Returns NULL when out of memory. */
char *object_line(json_t *value);

/* A report as JSON: a new reference; NULL: out of memory. Scripts rely on the keys: they stay; more
 * may be added. */
json_t *report_json_new(const struct report *r);

/* Its warnings alone, a list. */
json_t *report_json_warnings(const struct report *r);
