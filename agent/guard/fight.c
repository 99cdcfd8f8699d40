/* SPDX-License-Identifier: GPL-2.0-or-later */
/* If somebody deletes an address again and again, and it comes back in between, its deletes
 * begin no repair for a while, and what they flush is counted as lost. Many addresses that
 * go at once do not count as such. */
#include "guard/parts.h"

/* An address that comes and goes this often in this time, and breaks something. */
#define FIGHT_TIMES 10
#define FIGHT_WINDOW (60 * USEC_PER_SEC)

/* How long its deletes are not repaired then. */
#define FIGHT_PAUSE (60 * USEC_PER_SEC)

static struct guard_fighter *guard_fight_find(struct guard *g, const struct prefix *p)
{
	size_t i;

	for (i = 0; i < g->n_fighters; i++)
		if (prefix_equal(&g->fighters[i].prefix, p))
			return &g->fighters[i];
	return NULL;
}

/* A new one; if the list is full it replaces the one whose delete is longest ago. */
static struct guard_fighter *guard_fight_make(struct guard *g, const struct prefix *p)
{
	struct guard_fighter *f = g->fighters;
	size_t i;

	if (g->n_fighters < GUARD_FIGHTERS_MAX)
		f = &g->fighters[g->n_fighters++];
	else
		for (i = 1; i < g->n_fighters; i++)
			if (g->fighters[i].went < f->went)
				f = &g->fighters[i];
	*f = (struct guard_fighter){ .prefix = *p };
	return f;
}

void guard_note_arrival(struct guard *g, const struct prefix *p)
{
	struct guard_fighter *f = guard_fight_find(g, p);

	if (f)
		f->came = true;
}

bool guard_note_departure(struct guard *g, const struct prefix *p)
{
	struct guard_fighter *f = guard_fight_find(g, p);
	usec_t t = guard_now(g);

	if (!f)
		f = guard_fight_make(g, p);
	if (f->came && t - f->counted >= GUARD_ONE_REPAIR)
		f->accused = true;
	f->came = false;
	f->went = t;
	return t < f->pause_until;
}

void guard_count_fights(struct guard *g)
{
	usec_t t = guard_now(g);
	size_t i;

	for (i = 0; i < g->n_fighters; i++) {
		struct guard_fighter *f = &g->fighters[i];

		if (!f->accused)
			continue;
		f->accused = false;
		if (t - f->since > FIGHT_WINDOW) {
			f->since = t;
			f->times = 0;
		}
		f->counted = t;
		if (++f->times < FIGHT_TIMES)
			continue;
		f->since = f->times = 0;
		f->pause_until = t + FIGHT_PAUSE;
		g->status.quarantined = true;
	}
}

void guard_end_fights(struct guard *g)
{
	usec_t t = guard_now(g);
	bool any = false;
	size_t i;

	for (i = 0; i < g->n_fighters; i++)
		any = any || t < g->fighters[i].pause_until;
	g->status.quarantined = any;
}
