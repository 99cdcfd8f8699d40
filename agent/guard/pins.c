/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the known entries a guard works on next: what is worth most first
 * (move/worth.h). To sort them all would take long, so that each kind has a pass
 * through everything, and each source its share in it. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "guard/parts.h"

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
		while (o->at && n < o->pace.n && looked++ < GUARD_SCAN) {
			struct conn c;

			if (!wanted(g, --o->at))
				continue;
			c = unpinned_at(g->unpinned, o->at);
			if (is_of_pass(o, &c))
				ret_keys[n++] = c.key;
		}
		if (!o->at && !n)
			end_pass(g, o);
	}
	return n;
}

/* Continuous pin: once a second, pin what has become established. */

/* What could not be pinned (an entry in a flow table, say) is left for so long. */
#define FAILED_PAUSE (10 * USEC_PER_SEC)

/* Pins hold packets back for at most one part in so many of the time, since new connections
 * are delayed meanwhile; for more while the guard pins what was there before it. Holds of
 * repairs are not included. */
#define HOLD_SHARE 110
#define HOLD_SHARE_AT_FIRST 5

/* A machine that was slow for once must not leave new connections unpinned. */
#define HOLD_PAUSE_MAX (3 * USEC_PER_SEC)

/* What a step is meant to take. In longer steps the time for arming the hold, and for other
 * processes that run meanwhile, counts less. */
#define STEP (3 * USEC_PER_MSEC)

void guard_begin_pins(struct guard *g)
{
	if (g->device.pin == PIN_CONTINUOUS && unpinned_count(g->unpinned))
		(void)guard_order_begin(g, &g->pins, GUARD_STEP);
}

/* Whether this kernel has created something else for an entry of that shape. */
static bool is_refused(const struct guard *g, const struct conn *c)
{
	return g->shapes.any_refused && shapes_get(&g->shapes, conn_shape(c)) == SHAPE_REFUSED;
}

/* TCP once the peer takes part for sure; others when they have lasted and somebody
 * has answered: anybody can send where nobody listens. A helper that would be lost
 * is worth more than the pin. */
static bool is_due(const struct guard *g, size_t i)
{
	struct conn c;

	if (unpinned_is_left_out(g->unpinned, i))
		return false;
	c = unpinned_at(g->unpinned, i);
	if (is_refused(g, &c)) {
		if (conn_alteration(&c) != ALTERATION_NONE)
			unpinned_set_altered(g->unpinned, &c.key);
		return false;
	}
	if (!unpinned_is_due(g->unpinned, i, g->step_at) || worth_of(&c) == WORTH_UNANSWERED ||
	    (c.has_helper && g->helpers == HELPERS_FORGOTTEN) ||
	    conn_alteration(&c) == ALTERATION_OTHER)
		return false;
	return c.key.l4proto != IPPROTO_TCP ||
	       (c.status & CONN_ASSURED && c.tcp_state != CONN_TCP_TIME_WAIT &&
		c.tcp_state != CONN_TCP_CLOSE);
}

void guard_postpone_all(struct guard *g)
{
	usec_t due = guard_now(g) + g->device.pin_after;
	size_t i;

	for (i = 0; i < unpinned_count(g->unpinned); i++) {
		const struct conn c = unpinned_at(g->unpinned, i);

		if (c.key.l4proto != IPPROTO_TCP)
			unpinned_postpone(g->unpinned, &c.key, due);
	}
}

static int on_pinned(void *ud, const struct conn *c, enum guard_fate fate)
{
	struct guard *g = ud;

	switch (fate) {
	case FATE_OURS:
		g->status.pins++;
		return guard_note_pinned(g, c);
	case FATE_FAILED:
		g->status.pin_failures++;
		unpinned_postpone(g->unpinned, &c->key, guard_now(g) + FAILED_PAUSE);
		break;
	case FATE_SPARED:
		if (g->helpers == HELPERS_FORGOTTEN)
			unpinned_postpone(g->unpinned, &c->key, USEC_NEVER);
		break;
	case FATE_ENDED:
		unpinned_remove(g->unpinned, &c->key);
		break;
	case FATE_LOST: /* events tell what came in its place, if anything did */
		guard_end_ours(g, c, END_LOST, 0);
		guard_note_lost(g, c);
		unpinned_remove(g->unpinned, &c->key);
		break;
	case FATE_ALTERED:
		unpinned_set_altered(g->unpinned, &c->key);
		unpinned_postpone(g->unpinned, &c->key, guard_now(g) + FAILED_PAUSE);
		break;
	case FATE_REFUSED:
		unpinned_postpone(g->unpinned, &c->key, guard_now(g) + FAILED_PAUSE);
		break;
	case FATE_AGAIN: /* we have deleted it: put it back as after a flush */
		unpinned_flush(g->unpinned, &c->key);
		guard_begin_repair(g, false);
		break;
	case FATE_THERE:
	case FATE_OTHER:
		break;
	}
	return 0;
}

static void pin_pause(struct guard *g, usec_t held)
{
	usec_t pause = held * (g->first_pins ? HOLD_SHARE_AT_FIRST : HOLD_SHARE);

	g->pin_next = guard_now(g) + MIN(pause, HOLD_PAUSE_MAX);
}

int guard_pin_step(struct guard *g)
{
	_cleanup_free_ struct conn_key *keys = malloc(GUARD_STEP * sizeof(*keys));
	usec_t held = g->status.held_usec, arming = g->arming, took;
	size_t n;
	int r = keys ? 0 : -ENOMEM;

	g->step_at = guard_now(g);
	n = keys ? guard_order_next(g, &g->pins, is_due, keys) : 0;
	if (n) {
		r = guard_pin(g, keys, n, on_pinned, g);
		/* without arming, whose cost does not depend on N */
		took = guard_now(g) - g->step_at;
		took -= MIN(took, g->arming - arming);
		pace_note(&g->pins.pace, n, took * PACE_STEP / STEP);
		pin_pause(g, g->status.held_usec - held);
	}
	g->no_room = n ? r == -ENOSPC : g->no_room;
	if (r == -ENOSPC) { /* no room for the rest either */
		guard_order_end(&g->pins);
		r = 0;
	}
	return r == 0 && g->pins.open ? -EAGAIN : r;
}
