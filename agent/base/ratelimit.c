/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/ratelimit.h"

bool ratelimit_take(struct ratelimit *l, usec_t now, unsigned burst, usec_t every)
{
	usec_t spent = MAX(l->spent, now);

	if (spent + every > now + burst * every) {
		l->suppressed++;
		return false;
	}
	l->spent = spent + every;
	return true;
}

uint64_t ratelimit_take_suppressed(struct ratelimit *l)
{
	uint64_t n = l->suppressed;

	l->suppressed = 0;
	return n;
}
