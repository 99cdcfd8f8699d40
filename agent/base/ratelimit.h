/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits how often something happens: a burst, then one per interval. The time is an argument. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vipsafe/base.h>

/* All zero: the whole burst is available. */
struct ratelimit {
	usec_t spent;	     /* when the whole burst is available again */
	uint64_t suppressed; /* since the last ratelimit_take_suppressed() */
};

/* Whether it may happen NOW: BURST (at least 1) times at once, once more per EVERY. Refusals are
 * counted. */
bool ratelimit_take(struct ratelimit *l, usec_t now, unsigned burst, usec_t every);

/* How many were suppressed since the last call. */
uint64_t ratelimit_take_suppressed(struct ratelimit *l);
