/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What two flows with one client side are to each other (docs/lvs.md 3, 4). */
#include <netinet/in.h>

#include "lvs/collide_table.h"

#include "base/words.h"

static const char *const class_words[] = {
	[COLLIDE_A] = "A",
	[COLLIDE_A2] = "A2",
	[COLLIDE_C] = "C",
	NULL,
};

static const char *const certainty_words[] = {
	[COLLIDE_POSSIBLE] = "possible",
	[COLLIDE_CERTAIN] = "certain",
	[COLLIDE_MANIFEST] = "manifest",
	NULL,
};

#define CERTAIN 0.99

/* So many retransmissions without an answer: the peer is gone. */
#define BACKOFF_HUNG 2

static bool is_closed(const struct record *r)
{
	return r->state == FLOW_TIME_WAIT || r->state == FLOW_CLOSED || r->origin & FLOW_HELD;
}

static bool is_row(const struct record *r)
{
	return r->origin & FLOW_IPVS;
}

/* The RS forgets a direct flow once it has ended. A director keeps a connection for
 * a while after its end, so a flow through a service counts as long as it is known
 * here. */
static bool counts(const struct party *p)
{
	return collide_is_via(&p->target->side) || !is_closed(&p->record);
}

static enum collide_effect effect_of(const struct record *direct, const struct record *via,
				     uint8_t l4proto)
{
	if (l4proto != IPPROTO_TCP)
		return is_closed(direct) || is_closed(via) ? COLLIDE_NOTHING_YET : COLLIDE_CROSSES;
	if (direct->state == FLOW_OPENING)
		return via->state == FLOW_OPENING ? COLLIDE_NOTHING_YET : COLLIDE_STALLS;
	if (direct->state != FLOW_ESTABLISHED || is_closed(via))
		return COLLIDE_NOTHING_YET;
	if (via->state == FLOW_OPENING)
		return COLLIDE_DIRECT_SOON;
	/* had the other been first, this one could not have been opened */
	return via->state == FLOW_ESTABLISHED ? COLLIDE_DIRECT_RESET : COLLIDE_NOTHING_YET;
}

/* Of two through services either may be the one that is reset. */
static enum collide_effect effect_of_both_via(const struct record *a, const struct record *b,
					      uint8_t l4proto)
{
	if (a->state == FLOW_OPENING && b->state != FLOW_OPENING)
		return effect_of(b, a, l4proto) == COLLIDE_DIRECT_SOON ? COLLIDE_DIRECT_SOON
								       : COLLIDE_STALLS;
	return effect_of(a, b, l4proto);
}

static enum collide_certainty certainty_of(const struct collision *c, bool unsure)
{
	bool certain = c->share >= CERTAIN && !unsure && !c->toa_unknown;

	if (c->direct.backoff >= BACKOFF_HUNG)
		return COLLIDE_MANIFEST;
	if (!certain)
		return COLLIDE_POSSIBLE;
	if (c->effect == COLLIDE_DIRECT_RESET || c->effect == COLLIDE_VIA_DEAF ||
	    (c->effect == COLLIDE_STALLS &&
	     !is_closed(&(struct record){ .state = c->via.state, .origin = c->via.origin })))
		return COLLIDE_MANIFEST;
	return COLLIDE_CERTAIN;
}

static bool toa_is_unknown(const struct collide *c, const struct lvs_side *side)
{
	const struct lvs_service *s;

	/* where our own director has sent it, we know what it does */
	if (side->service == LVS_NONE || side->has_rs)
		return false;
	s = lvs_map_service(c->map, side->service);
	return (s->toa == LVS_TOA_UNSET || s->toa == LVS_TOA_UNKNOWN) &&
	       lvs_map_is_fullnat(c->map, side->service);
}

/* Whether our director would take answers to one for the other's: it finds the
 * newest of its connections with this client and RS. */
static bool is_hijacked(const struct party *x, const struct party *y)
{
	if (!(x->record.views & y->record.views & VIEW_OUT))
		return false;
	if (!is_row(&x->record) && !is_row(&y->record))
		return false;
	/* the answers to our own sockets are theirs before IPVS is asked */
	return !((x->record.origin | y->record.origin) & FLOW_SOCKET);
}

/* Both are our own sockets, and we are the director: answers to either are the
 * direct one's before IPVS is asked, whichever was first (early demux). */
static bool is_deaf(const struct collide *c, const struct record *direct, const struct record *via)
{
	return c->node.director && direct->origin & via->origin & FLOW_SOCKET && is_row(via) &&
	       direct->state == FLOW_ESTABLISHED && !is_closed(via);
}

bool collide_judge(const struct collide *c, uint64_t key, const struct party *x,
		   const struct party *y, bool fresh, struct collision *ret)
{
	bool x_via = collide_is_via(&x->target->side), y_via = collide_is_via(&y->target->side);
	const struct party *direct = x_via && !y_via ? y : x, *via = direct == x ? y : x;
	bool same_view = x->record.views & y->record.views & VIEW_RS;
	bool hijack = is_hijacked(x, y), unsure;
	uint8_t l4proto = (uint8_t)(key >> 8);
	struct collision r = { .class = COLLIDE_A };

	if ((!x_via && !y_via) || !counts(x) || !counts(y) || (!same_view && !hijack) ||
	    (is_closed(&x->record) && is_closed(&y->record)))
		return false;
	/* one flow told twice: by conntrack and by the director's table */
	if (x->target->side.port == y->target->side.port &&
	    addr_equal(&x->target->side.dest, &y->target->side.dest))
		return false;
	r.share = lvs_share(c->map, &x->target->side, &y->target->side, fresh, &unsure);
	if (r.share <= 0)
		return false;
	r.hijack = hijack && same_view;
	if (!same_view)
		r.class = COLLIDE_C;
	else if (x_via && y_via)
		r.class = COLLIDE_A2;
	r.direct = collide_flow(c, key, &direct->record, direct->target);
	r.via = collide_flow(c, key, &via->record, via->target);
	r.service = via->target->side.service;
	r.other_service = direct->target->side.service;
	r.toa_unknown =
		toa_is_unknown(c, &via->target->side) || toa_is_unknown(c, &direct->target->side);
	r.effect = x_via && y_via ? effect_of_both_via(&direct->record, &via->record, l4proto)
				  : effect_of(&direct->record, &via->record, l4proto);
	if (!(x_via && y_via) && l4proto == IPPROTO_TCP &&
	    is_deaf(c, &direct->record, &via->record))
		r.effect = COLLIDE_VIA_DEAF;
	r.certainty = certainty_of(&r, unsure);
	*ret = r;
	return true;
}

const char *collide_class_name(enum collide_class class)
{
	return word_of(class_words, class);
}

const char *collide_certainty_name(enum collide_certainty certainty)
{
	return word_of(certainty_words, certainty);
}
