/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the log from saying one thing more than once an hour. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "lvs/collide.h"
#include "lvs/risk.h"

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
