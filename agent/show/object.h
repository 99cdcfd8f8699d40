/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON objects while they are put together. What cannot be made, for want of memory,
 * makes the whole NULL; nobody need look in between. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Give *O the KEY with VALUE, whose reference is taken over. NULL in either makes *O
 * NULL. */
void object_put(json_t **o, const char *key, json_t *value);
void object_put_text(json_t **o, const char *key, const char *text); /* by object_string() */
void object_put_number(json_t **o, const char *key, uint64_t n);
void object_put_bool(json_t **o, const char *key, bool value);

/* The same for the end of an array. */
void object_append(json_t **list, json_t *value);

/* TEXT as a JSON string; bytes that are not UTF-8 are escaped first. */
json_t *object_string(const char *text);

/* VALUE as one line of ASCII without newline, to be freed; takes over the reference, also if it
 * is NULL. Returns NULL when out of memory. */
char *object_line(json_t *value);
