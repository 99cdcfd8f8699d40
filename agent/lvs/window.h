/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A range of ports in which connections through a service are not met by direct ones: the ports
 * there are, those that are in use, and the choice. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/ports.h"
#include "lvs/collide.h"

/* How many connections have each port, as the real servers see them (at most 65535 count). */
struct lvs_live {
	uint16_t direct[1 << 16], via[1 << 16];
};

void lvs_live_add(struct lvs_live *l, const struct flow *f, bool via);

/* A collide_flow_sink for a struct lvs_live: F unless it has ended. */
int lvs_live_take(void *ud, const struct flow *f, const struct lvs_side *side);

/* Those from LOW to HIGH. */
uint32_t lvs_live_count(const uint16_t *ports, uint32_t low, uint32_t high);

struct lvs_window {
	uint16_t low, high;
	uint32_t taken;	 /* ports that connect() chooses from, and must no longer */
	uint32_t direct; /* direct sessions that have one of them now */
};

/* Choose a window above the ports that connect() chooses from, or, where there are too few, the
 * window among those with the fewest direct sessions. AVOID: those of L that must not meet it.
 * False: there is none. */
bool lvs_window_choose(const struct ports *p, const uint16_t *avoid, struct lvs_window *ret);

/* The same where direct connections are moved out of the window: the longest run of ports that are
 * not in use, beside those that connect() chooses from unless these leave too few. */
bool lvs_window_apart(const struct ports *p, const uint16_t *avoid, struct lvs_window *ret);
