/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the log from saying one thing more than once an hour. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "lvs/message.h"

/* How long what was said is not said again, and how many are remembered:
 * the one said longest ago makes room. */
#define LVS_SAID_INTERVAL (3600 * USEC_PER_SEC)
#define LVS_SAID_MAX 4096

struct lvs_said;

struct lvs_said *lvs_said_new(void); /* NULL: out of memory */
struct lvs_said *lvs_said_free(struct lvs_said *q);
DEFINE_CLEANUP(struct lvs_said, lvs_said_free)

/* Whether PRINT may be said at NOW; it then counts as said. *RET_REPEATS: how
 * often it was kept quiet before. */
bool lvs_said_ask(struct lvs_said *q, uint64_t print, usec_t now, uint32_t *ret_repeats);

/* What is to be said, as a number that stands for it. */
uint64_t lvs_print_collision(const struct collision *c);
uint64_t lvs_print_finding(const struct lvs_finding *f);
