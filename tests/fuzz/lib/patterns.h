/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds for every pattern that was understood. */
#pragma once

#include "fuzz.h"

#include <string.h>
#include <sys/socket.h>

#include "base/pattern.h"

static inline void pattern_holds(const struct pattern *p)
{
	const struct prefix *const ends[] = { &p->src, &p->dst };
	struct conn c;

	CLAIM(p->parts < 2 * PATTERN_ZONE);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (p->parts & (i ? PATTERN_DST : PATTERN_SRC))
			CLAIM(addr_size(ends[i]->addr.family) &&
			      ends[i]->len <= 8 * addr_size(ends[i]->addr.family));
	CLAIM(p->sport.first <= p->sport.last && p->dport.first <= p->dport.last);
	memset(&c, 0, sizeof(c));
	c.key.family = AF_INET;
	c.key.l4proto = p->l4proto;
	(void)pattern_matches(p, &c, p->mark);
	c.key.family = AF_INET6;
	(void)pattern_matches(p, &c, p->mark);
}
