/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of which devices rules are to be removed: what is passed as WANTED with its UD. */
#pragma once

#include <stdbool.h>

/* The one whose index UD points to. */
static inline bool wanted_one(void *ud, int ifindex)
{
	return ifindex == *(const int *)ud;
}

/* All but those for which BUSY returns true. UD: a struct wanted_busy. */
struct wanted_busy {
	bool (*busy)(void *ud, int ifindex);
	void *ud;
};

static inline bool wanted_idle(void *ud, int ifindex)
{
	const struct wanted_busy *w = ud;

	return !w->busy(w->ud, ifindex);
}
