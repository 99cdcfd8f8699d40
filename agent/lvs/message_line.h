/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line of what the collision check has to say: a level, a topic, and keys
 * with values, which programs rely on. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <vipsafe/base.h>

#include "base/finding.h"

#define LVS_FIELDS_MAX 40
#define LVS_VALUES_MAX 3072
#define LVS_LINE_TEXT_MAX (LVS_VALUES_MAX + 1024)

struct lvs_field {
	const char *key;   /* a literal */
	const char *value; /* in VALUES of its line */
	bool is_number;
};

struct lvs_line {
	enum severity level;
	const char *topic; /* "lvs-collision", "lvs-map" */
	const char *word;  /* of the line as a whole ("incomplete"), NULL: none */
	struct lvs_field fields[LVS_FIELDS_MAX];
	size_t n;
	char values[LVS_VALUES_MAX];
	size_t used;
};

void lvs_line_init(struct lvs_line *l, enum severity level, const char *topic);

/* Add KEY; what does not fit is left out. Values are made printable. */
void lvs_line_add(struct lvs_line *l, const char *key, const char *fmt, ...) _printf_(3, 4);
void lvs_line_number(struct lvs_line *l, const char *key, const char *fmt, ...) _printf_(3, 4);

/* The value of KEY, or NULL. */
const char *lvs_line_value(const struct lvs_line *l, const char *key);

/* "ERROR lvs-collision class=A …", without newline: all but the keys FIX and
 * PREVENT and SEE, which go to lvs_line_remedy() (empty when there are none).
 * Both return BUF. */
const char *lvs_line_text(const struct lvs_line *l, char buf[LVS_LINE_TEXT_MAX]);
const char *lvs_line_remedy(const struct lvs_line *l, char buf[LVS_LINE_TEXT_MAX]);

/* New reference, or NULL when out of memory. */
json_t *lvs_line_json(const struct lvs_line *l);
