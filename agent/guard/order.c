/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the known entries a guard works on next: what is worth most first
 * (move/worth.h). To sort them all would take long, so that each kind has a pass
 * through everything, and each source its share in it. */
#include "guard/parts.h"

#include <errno.h>
#include <string.h>

/* Shares are counted for so many entries at most: some megabytes. */
#define COUNTED_MAX (1U << 18)

enum share {
	SHARE_BOTH,   /* of the source and of the socket */
	SHARE_SOCKET, /* what is left of it beyond the share of its source */
	SHARE_NONE,   /* all that is left */
};

#define KIND(w) (1U << (w))
#define ANSWERED (KIND(WORTH_TCP) | KIND(WORTH_ASSURED) | KIND(WORTH_ANSWERED))
#define UNANSWERED KIND(WORTH_UNANSWERED)

/* A child comes after its master, which has answered long since. */
static const struct pass {
	unsigned kinds; /* of worth_of() */
	enum share share;
	bool children;
} passes[GUARD_PASSES] = {
	{ KIND(WORTH_TCP), SHARE_BOTH, false },
	{ KIND(WORTH_ASSURED), SHARE_BOTH, false },
	{ KIND(WORTH_ANSWERED), SHARE_BOTH, false },
	{ ANSWERED, SHARE_NONE, true },
	{ KIND(WORTH_TCP), SHARE_SOCKET, false },
	{ KIND(WORTH_ASSURED), SHARE_SOCKET, false },
	{ KIND(WORTH_ANSWERED), SHARE_SOCKET, false },
	{ ANSWERED, SHARE_NONE, false },
	{ UNANSWERED, SHARE_BOTH, false },
	{ UNANSWERED, SHARE_NONE, false },
	{ UNANSWERED, SHARE_NONE, true },
};

static void begin_pass(struct guard *g, struct guard_order *o)
{
	o->at = unpinned_count(g->unpinned);
	o->pace = pace_begin(o->max);
	if (passes[o->pass].share == SHARE_NONE)
		return; /* keep the first, small pace */
	o->pace.n = MIN(o->paces[o->pass] ? o->paces[o->pass] : (size_t)GUARD_STEP_FIRST, o->max);
	worth_shares_reset(o->shares);
}

int guard_order_begin(struct guard *g, struct guard_order *o, size_t max)
{
	size_t n = MIN(unpinned_count(g->unpinned), (size_t)COUNTED_MAX);

	guard_order_end(o);
	o->shares = worth_shares_new(g->env.seed, n);
	if (!o->shares)
		return -ENOMEM;
	o->open = true;
	o->max = max;
	begin_pass(g, o);
	return 0;
}

void guard_order_end(struct guard_order *o)
{
	worth_shares_free(o->shares);
	o->shares = NULL;
	o->open = false;
	o->pass = 0;
	memset(o->met, 0, sizeof(o->met));
}

/* Go to the next pass that has entries, as the first pass has counted them. */
static void end_pass(struct guard *g, struct guard_order *o)
{
	o->paces[o->pass] = o->pace.n;
	do
		o->pass++;
	while (o->pass < GUARD_PASSES &&
	       !(passes[o->pass].kinds & o->met[passes[o->pass].children]));
	if (o->pass == GUARD_PASSES)
		guard_order_end(o);
	else
		begin_pass(g, o);
}

/* Whether C, which is wanted, belongs to the pass under way. */
static bool is_of_pass(struct guard_order *o, const struct conn *c)
{
	const struct pass *p = &passes[o->pass];
	enum worth kind = worth_of(c), worth;
	uint32_t turn;

	if (o->pass == 0)
		o->met[c->has_master] |= KIND(kind);
	if (!(p->kinds & KIND(kind)) || p->children != c->has_master)
		return false;
	if (p->share == SHARE_NONE)
		return true;
	worth = worth_take(o->shares, c, &turn);
	return worth == kind || (p->share == SHARE_SOCKET && worth != WORTH_CROWDED);
}

size_t guard_order_next(struct guard *g, struct guard_order *o,
			bool (*wanted)(const struct guard *g, size_t i), struct conn_key *ret_keys)
{
	size_t n = 0, looked = 0;

	while (o->open && !n && looked < GUARD_SCAN) {
		o->at = MIN(o->at, unpinned_count(g->unpinned));
		while (o->at && n < o->pace.n && looked++ < GUARD_SCAN)
			if (wanted(g, --o->at) && is_of_pass(o, unpinned_at(g->unpinned, o->at)))
				ret_keys[n++] = unpinned_at(g->unpinned, o->at)->key;
		if (!o->at && !n)
			end_pass(g, o);
	}
	return n;
}
