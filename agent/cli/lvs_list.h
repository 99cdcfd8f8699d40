/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The findings of one lvs check: worst first, so many of each rank at most, the others counted. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "lvs/message.h"

#define LVS_LIST_MAX 50 /* of each rank */

struct lvs_list {
	struct lvs_finding *rows[LVS_RANKS]; /* owned */
	size_t n[LVS_RANKS];
	uint64_t found[LVS_RANKS];
};

void lvs_list_done(struct lvs_list *l);

/* 0 or -ENOMEM. */
int lvs_list_add(struct lvs_list *l, const struct lvs_finding *f);

/* Two lines for each finding, then what prevents the next one. Notes only if VERBOSE. */
void lvs_list_print(const struct lvs_list *l, bool verbose, FILE *out);

/* How many there are of each severity, and were left out: one line. */
void lvs_list_totals(const struct lvs_list *l, bool verbose, FILE *out);

/* The findings, and how many were left out. New references; NULL: out of memory. */
json_t *lvs_list_json(const struct lvs_list *l, const struct lvs_message *s);
json_t *lvs_list_left_out_json(const struct lvs_list *l);
