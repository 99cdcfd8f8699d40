/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs_map.h"

#include <stdbool.h>
#include <string.h>

#include "fuzz.h"

/* Of the first few: any two of them are compared. */
#define SIDES_MAX 24

static void sides_hold(const struct lvs_map *m, const struct lvs_side *sides, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++) {
			double share = lvs_share(m, &sides[i], &sides[j], (i + j) % 2);

			CLAIM(share >= 0 && share <= 1);
		}
	}
}

static void match_holds(const struct lvs_map *m, uint32_t service, const struct lvs_match *match,
			struct lvs_side *sides, size_t *n_sides)
{
	struct lvs_dest d;
	const struct lvs_service *s = lvs_map_service(m, service);
	bool visible = false;
	size_t i;

	if (!match->l4proto)
		return;
	CLAIM(memcmp(match->first.bytes, match->last.bytes, 16) <= 0);
	for (i = 0; i < s->n_reals; i++)
		visible |= lvs_real_is_visible(s, &s->reals[i]);
	CLAIM(visible == s->visible);
	if (!visible)
		return;
	CLAIM(lvs_map_lookup(m, match->l4proto, match->first.family, match->first.bytes,
			     match->port, &d));
	CLAIM(d.service != LVS_NONE);
	if (*n_sides < SIDES_MAX)
		sides[(*n_sides)++] = lvs_side_make(&d, match->l4proto, &match->first, match->port);
	for (i = 0; i < s->n_reals && *n_sides < SIDES_MAX; i++) {
		const struct lvs_real *real = &s->reals[i];
		uint16_t port = real->port ? real->port : match->port;

		d = (struct lvs_dest){ .service = LVS_NONE };
		lvs_map_lookup(m, match->l4proto, real->addr.family, real->addr.bytes, port, &d);
		sides[(*n_sides)++] = lvs_side_make(&d, match->l4proto, &real->addr, port);
	}
}

void lvs_map_holds(struct lvs_map *m)
{
	struct lvs_side sides[SIDES_MAX];
	const struct lvs_source *sources;
	struct lvs_summary summary;
	size_t n_sides = 0, used = 0, i, j;

	CLAIM(lvs_map_sources(m, &sources) == 1);
	CLAIM(sources->skipped <= sources->blocks || sources->failed);
	CLAIM(memchr(sources->bad_path, '\0', sizeof(sources->bad_path)));
	CLAIM(lvs_map_finish(m) == 0);
	summary = lvs_map_summary(m);
	for (i = 0; i < lvs_map_services(m); i++) {
		const struct lvs_service *s = lvs_map_service(m, (uint32_t)i);

		CLAIM(!s->n_matches == !s->origins);
		used += s->n_matches > 0;
		for (j = 0; j < s->n_matches; j++)
			match_holds(m, (uint32_t)i, &s->matches[j], sides, &n_sides);
	}
	CLAIM(used == summary.services && summary.visible <= used && summary.unresolved <= used);
	sides_hold(m, sides, n_sides);
}
