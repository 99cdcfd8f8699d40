/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often something may happen: a burst, then one each interval. The time is
 * an argument. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vipsafe/base.h>

/* All zero: the whole burst is left. */
struct ratelimit {
	usec_t spent;	     /* when the whole burst will be left again */
	uint64_t suppressed; /* since the last ratelimit_told() */
};

/* Whether it may happen NOW: BURST (at least 1) at once, one more each EVERY.
 * What may not is counted. */
bool ratelimit_take(struct ratelimit *l, usec_t now, unsigned burst, usec_t every);

/* How many were suppressed since the last call. */
uint64_t ratelimit_told(struct ratelimit *l);
