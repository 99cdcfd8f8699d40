/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many entries are worked on at a time, so that none takes long: the cost of
 * one differs a hundredfold (worth.h) and shows only when it is paid. */
#pragma once

#include <stddef.h>

#include <vipsafe/base.h>

/* What a piece of work is meant to take. */
#define PACE_STEP (2 * USEC_PER_MSEC)

struct pace {
	size_t n, max;
};

/* The cost of one is unknown yet: begin small. At most MAX at a time. */
static inline struct pace pace_begin(size_t max)
{
	return (struct pace){ .n = MIN((size_t)4, max), .max = max };
}

/* N entries took TOOK: set how many are done next, at most four times as many. */
static inline void pace_note(struct pace *p, size_t n, usec_t took)
{
	size_t fit = took ? (size_t)(n * PACE_STEP / took) : p->max;

	p->n = MAX(MIN(MIN(fit, p->n * 4), p->max), (size_t)1);
}
