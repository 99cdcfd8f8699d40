/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Continuous pin: once a second, everything that has become established. */
#include "steps/guard_parts.h"

#include <errno.h>
#include <netinet/in.h>

/* What could not be pinned (an entry in a flow table, say) is left for so long. */
#define FAILED_PAUSE (10 * USEC_PER_SEC)

/* How long one step may hold packets back before the next is made smaller, and how
 * short it has to be for the next to be larger. */
#define HELD_LONG (4 * USEC_PER_MSEC)
#define HELD_SHORT (1500)

void guard_begin_pins(struct guard *g)
{
	g->pin_at = young_count(g->young);
}

/* This kernel has made something else of one of its shape. */
static bool is_refused(const struct guard *g, const struct conn *c)
{
	return g->shapes.any_refused && shapes_get(&g->shapes, conn_shape(c)) == SHAPE_REFUSED;
}

/* TCP once the peer takes part for sure; others when they have lasted. A helper
 * that would be lost is worth more than the pin. */
static bool is_due(const struct guard *g, size_t i, usec_t t)
{
	const struct conn *c = young_at(g->young, i);

	if (!young_is_due(g->young, i, t) || (c->has_helper && g->helpers == HELPERS_FORGOTTEN))
		return false;
	if (conn_alteration(c) == ALTERATION_OTHER || is_refused(g, c))
		return false;
	return c->key.l4proto != IPPROTO_TCP ||
	       (c->status & CONN_ASSURED && c->tcp_state != CONN_TCP_TIME_WAIT &&
		c->tcp_state != CONN_TCP_CLOSE);
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
		young_postpone(g->young, &c->key, guard_now(g) + FAILED_PAUSE);
		break;
	case FATE_SPARED:
		if (g->helpers == HELPERS_FORGOTTEN)
			young_postpone(g->young, &c->key, USEC_NEVER);
		break;
	case FATE_ENDED:
		young_remove(g->young, &c->key);
		break;
	case FATE_LOST: /* events tell what came in its place, if anything did */
		guard_note_lost(g, c);
		young_remove(g->young, &c->key);
		break;
	case FATE_ALTERED:
		young_set_altered(g->young, &c->key);
		young_postpone(g->young, &c->key, guard_now(g) + FAILED_PAUSE);
		break;
	case FATE_REFUSED:
		young_postpone(g->young, &c->key, guard_now(g) + FAILED_PAUSE);
		break;
	case FATE_AGAIN: /* it was we who took it away: put back as after a flush */
		young_flush(g->young, &c->key);
		guard_begin_repair(g, false);
		break;
	case FATE_THERE:
	case FATE_OTHER:
		break;
	}
	return 0;
}

static size_t collect(struct guard *g, struct conn_key *keys)
{
	size_t n = 0, looked = 0;
	usec_t t = guard_now(g);

	g->pin_at = MIN(g->pin_at, young_count(g->young));
	while (g->pin_at && n < g->pin_step && looked++ < GUARD_SCAN) {
		const struct conn *c = young_at(g->young, --g->pin_at);

		if (is_due(g, g->pin_at, t))
			keys[n++] = c->key;
		else if (is_refused(g, c) && conn_alteration(c) != ALTERATION_NONE)
			young_set_altered(g->young, &c->key);
	}
	return n;
}

/* As many at a time as do not hold packets back for long: what they cost is the
 * machine's and its load's. */
static void adapt(struct guard *g, size_t n, usec_t held)
{
	if (held > HELD_LONG)
		g->pin_step = MAX(g->pin_step / 2, (size_t)GUARD_STEP_MIN);
	else if (held < HELD_SHORT && n == g->pin_step)
		g->pin_step = MIN(g->pin_step * 2, (size_t)GUARD_STEP);
}

int guard_pin_step(struct guard *g)
{
	usec_t before = g->status.held_usec;
	_cleanup_free_ struct conn_key *keys = malloc(GUARD_STEP * sizeof(*keys));
	size_t n = keys ? collect(g, keys) : 0;
	int r = keys ? 0 : -ENOMEM;

	if (n)
		r = guard_pin(g, keys, n, on_pinned, g);
	adapt(g, n, g->status.held_usec - before);
	g->no_room = n ? r == -ENOSPC : g->no_room;
	if (r == -ENOSPC) { /* nor will there be for the rest */
		g->pin_at = 0;
		r = 0;
	}
	return r == 0 && g->pin_at ? -EAGAIN : r;
}
