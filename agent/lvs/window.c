/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/window.h"

#include <vipsafe/base.h>

#include "base/array.h"

/* Fewer ports are too few for a service; where more are free, so many are enough. */
#define WINDOW_MIN 1000
#define WINDOW_MAX 16384

/* What is taken from connect(): so many ports, and none of those that programs listen on. */
#define WINDOW_TAKEN 4096
#define WINDOW_STEP 1024
#define WINDOW_LOWEST 16384

/* Where direct connections are moved out of the window it may be as large as there is room: each
 * connection needs its port for the 2 min that conntrack remembers it. */
#define WINDOW_APART_LOWEST 1024
#define WINDOW_APART_ENOUGH 4096

void lvs_live_add(struct lvs_live *l, const struct flow *f, bool via)
{
	uint16_t *n = via ? &l->via[f->cport] : &l->direct[f->cport];

	*n = (uint16_t)MIN(*n + 1, UINT16_MAX);
}

int lvs_live_take(void *ud, const struct flow *f, const struct lvs_side *side)
{
	if (!flow_is_over(f))
		lvs_live_add(ud, f, collide_is_via(side));
	return 0;
}

uint32_t lvs_live_count(const uint16_t *ports, uint32_t low, uint32_t high)
{
	uint32_t n = 0, port;

	for (port = low; port <= high; port++)
		n += ports[port];
	return n;
}

/* The highest run of free ports above those that connect() chooses from. */
static bool window_above(const struct ports *p, const uint16_t *avoid, struct lvs_window *ret)
{
	uint32_t port, n = 0, least = MAX(p->high + 1U, 1024U);

	for (port = UINT16_MAX; port >= least; port--) {
		n = avoid[port] ? 0 : n + 1;
		/* no longer, or not longer than is enough */
		if (n == WINDOW_MAX || (n >= WINDOW_MIN && (port == least || avoid[port - 1]))) {
			*ret = (struct lvs_window){ (uint16_t)port, (uint16_t)(port + n - 1), 0,
						    0 };
			return true;
		}
	}
	return false;
}

/* Ports that somebody has reserved may have a purpose; but the whole window may be reserved, for
 * this one. */
static bool window_among(const struct ports *p, const uint16_t *avoid, struct lvs_window *ret)
{
	uint32_t low, port, taken, reserved, direct;
	bool found = false;

	for (low = 65536 - WINDOW_TAKEN; low >= WINDOW_LOWEST; low -= WINDOW_STEP) {
		taken = reserved = 0;
		for (port = low; port < low + WINDOW_TAKEN; port++) {
			taken += ports_has(p, (uint16_t)port);
			reserved += ports_is_reserved(p, (uint16_t)port);
		}
		direct = lvs_live_count(avoid, low, low + WINDOW_TAKEN - 1);
		if ((reserved && reserved < WINDOW_TAKEN) || (found && direct >= ret->direct))
			continue;
		found = true;
		*ret = (struct lvs_window){ (uint16_t)low, (uint16_t)(low + WINDOW_TAKEN - 1),
					    taken, direct };
	}
	return found;
}

bool lvs_window_choose(const struct ports *p, const uint16_t *avoid, struct lvs_window *ret)
{
	return p->high && (window_above(p, avoid, ret) || window_among(p, avoid, ret));
}

/* The longest run of ports that no direct connection has and nobody has reserved; BESIDE: of those
 * that connect() does not choose from. */
static bool window_longest(const struct ports *p, const uint16_t *avoid, bool beside,
			   struct lvs_window *ret)
{
	uint32_t port, n = 0;

	*ret = (struct lvs_window){ .low = 1 }; /* empty */
	for (port = WINDOW_APART_LOWEST; port <= UINT16_MAX; port++) {
		bool free = !avoid[port] && !ports_is_reserved(p, (uint16_t)port) &&
			    !(beside && port >= p->low && port <= p->high);

		n = free ? n + 1 : 0;
		if (n > ret->high - ret->low + 1U)
			*ret = (struct lvs_window){ (uint16_t)(port - n + 1), (uint16_t)port, 0,
						    0 };
	}
	return ret->high >= ret->low;
}

bool lvs_window_apart(const struct ports *p, const uint16_t *avoid, struct lvs_window *ret)
{
	struct lvs_window among;

	if (window_longest(p, avoid, true, ret) && ret->high - ret->low >= WINDOW_APART_ENOUGH - 1)
		return true;
	if (window_longest(p, avoid, false, &among) && among.high - among.low >= WINDOW_MIN - 1) {
		/* the direct ones need ports as well */
		among.low = (uint16_t)MAX(among.low + 0U, among.high - (WINDOW_MAX - 1U));
		*ret = among;
		return true;
	}
	return window_among(p, avoid, ret);
}
