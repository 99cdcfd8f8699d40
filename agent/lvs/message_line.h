/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the collision check has to say: its lines, what it says of the map, and how often it says
 * the same. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/finding.h"
#include "lvs/collide.h"
#include "lvs/risk.h"

/* One line of what the collision check has to say: a level, a topic, and keys
 * with values, which programs rely on. */

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

/* Keeps the log from saying one thing more than once an hour. */
/* How long a pair or a line of risk is not said again, and how many are remembered:
 * the one said longest ago makes room. */
#define LVS_RATELIMIT_INTERVAL (3600 * USEC_PER_SEC)
#define LVS_RATELIMIT_MAX 4096

struct lvs_ratelimit;

struct lvs_ratelimit *lvs_ratelimit_new(void); /* NULL: out of memory */
struct lvs_ratelimit *lvs_ratelimit_free(struct lvs_ratelimit *q);
DEFINE_CLEANUP(struct lvs_ratelimit, lvs_ratelimit_free)

/* Whether PRINT may be said at NOW; it then counts as said. *RET_REPEATS: how
 * often it was kept quiet before. */
bool lvs_ratelimit_ask(struct lvs_ratelimit *q, uint64_t print, usec_t now, uint32_t *ret_repeats);

/* What is to be said, as a number that stands for it. */
uint64_t lvs_print_collision(const struct collision *c);
uint64_t lvs_print_risk(const struct risk_row *row);
uint64_t lvs_print_text(const char *text);
