/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What two flows with one client side are to each other (docs/lvs.md 3, 4). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/text.h"
#include "lvs/collide_table.h"
#include "lvs/evidence.h"

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

static bool is_closed(const struct record *r)
{
	return r->state == FLOW_TIME_WAIT || r->state == FLOW_CLOSED || r->origin & FLOW_HELD;
}

/* Nobody waits for an answer to it any more. */
static bool is_ending(const struct record *r)
{
	return is_closed(r) || r->state == FLOW_CLOSING;
}

static bool is_row(const struct record *r)
{
	return r->origin & FLOW_IPVS;
}

/* The RS forgets a direct flow once it has ended. A director keeps a connection for
 * a while after its end, so a flow through a service counts as long as it is held here. */
static bool counts(const struct collide *c, const struct party *p)
{
	const struct record *r = &p->record;

	if (!collide_is_via(p->side))
		return !is_closed(r);
	return !(r->origin & FLOW_HELD) || r->since > c->second;
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

static enum collide_certainty certainty_of(const struct collision *c)
{
	/* one that is open beside one that has ended may have been opened since */
	bool may_be_over = c->via.l4proto == IPPROTO_TCP && c->effect == COLLIDE_NOTHING_YET &&
			   (flow_is_over(&c->via) || flow_is_over(&c->direct));

	return c->share >= COLLIDE_ONE_SERVER && !c->toa_unknown && !c->method_unknown &&
			       !may_be_over
		       ? COLLIDE_CERTAIN
		       : COLLIDE_POSSIBLE;
}

/* A flow of which our own director tells has a method that is known. */
static bool method_is_unknown(const struct collide *c, const struct lvs_side *side)
{
	return side->service != LVS_NONE && !side->has_rs &&
	       lvs_map_method(c->map, side->service) == LVS_UNKNOWN;
}

static bool toa_is_unknown(const struct collide *c, const struct lvs_side *side)
{
	const struct lvs_service *s;

	/* where our own director has sent it, we know what it does */
	if (side->service == LVS_NONE || side->has_rs)
		return false;
	s = lvs_map_service(c->map, side->service);
	return (s->toa == LVS_TOA_UNSET || s->toa == LVS_TOA_UNKNOWN) &&
	       lvs_map_method(c->map, side->service) == LVS_FULLNAT;
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

bool collide_judge(const struct collide *c, const struct party *x, const struct party *y,
		   bool fresh, struct collision *ret)
{
	bool x_via = collide_is_via(x->side), y_via = collide_is_via(y->side);
	const struct party *direct = x_via && !y_via ? y : x, *via = direct == x ? y : x;
	bool same_view = x->record.views & y->record.views & VIEW_RS;
	uint8_t l4proto = x->side->l4proto;
	bool deaf = x_via != y_via && l4proto == IPPROTO_TCP &&
		    is_deaf(c, &direct->record, &via->record);
	bool hijack = is_hijacked(x, y);
	struct collision r = { .class = COLLIDE_A };

	if ((!x_via && !y_via) || !counts(c, x) || !counts(c, y) ||
	    (!same_view && !hijack && !deaf) ||
	    (is_ending(&x->record) && is_ending(&y->record) &&
	     (is_closed(&x->record) || is_closed(&y->record))))
		return false;
	/* one flow told twice: by conntrack and by the director's table */
	if (x->side->port == y->side->port && addr_equal(&x->side->dest, &y->side->dest))
		return false;
	r.share = lvs_share(c->map, x->side, y->side, fresh);
	if (r.share <= 0)
		return false;
	if (!same_view)
		r.class = COLLIDE_C;
	else if (x_via && y_via)
		r.class = COLLIDE_A2;
	r.direct = collide_flow(c, &direct->record, direct->side);
	r.via = collide_flow(c, &via->record, via->side);
	r.service = via->side->service;
	r.other_service = direct->side->service;
	r.toa_unknown = toa_is_unknown(c, via->side) || toa_is_unknown(c, direct->side);
	r.method_unknown = method_is_unknown(c, via->side) || method_is_unknown(c, direct->side);
	r.effect = x_via && y_via ? effect_of_both_via(&direct->record, &via->record, l4proto)
				  : effect_of(&direct->record, &via->record, l4proto);
	if (deaf)
		r.effect = COLLIDE_VIA_DEAF;
	r.certainty = certainty_of(&r);
	*ret = r;
	return true;
}

/* ---- and what their sockets say of it ---- */

/* That the one through the service is deaf says nothing about the one that hears all, and of two
 * through services either may have been first. */
static bool is_cleared(const struct collision *c, const struct lvs_evidence *e)
{
	if (c->effect == COLLIDE_VIA_DEAF || !lvs_evidence_clears(e, &c->direct, &c->via))
		return false;
	return c->class != COLLIDE_A2 || lvs_evidence_clears(e, &c->via, &c->direct);
}

bool lvs_verdict(struct collision *c, const struct lvs_evidence *e)
{
	struct flow direct = c->direct;
	const struct flow *hung;

	if (!lvs_evidence_has(e, &c->direct, &c->via, &hung))
		return !is_cleared(c, e);
	c->certainty = COLLIDE_MANIFEST;
	if (hung == &c->direct) {
		c->effect = direct.state == FLOW_OPENING ? COLLIDE_STALLS : COLLIDE_DIRECT_RESET;
	} else if (c->class == COLLIDE_A2) {
		/* DIRECT is the one that hangs */
		uint32_t service = c->service;

		c->direct = c->via;
		c->via = direct;
		c->service = c->other_service;
		c->other_service = service;
		c->effect = c->direct.state == FLOW_OPENING ? COLLIDE_STALLS : COLLIDE_DIRECT_RESET;
	} else {
		c->effect = COLLIDE_VIA_DEAF;
	}
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

enum collide_verdict collide_rule(const struct collision *c, bool entry_is_via,
				  enum on_certain on_certain)
{
	const struct flow *newcomer = entry_is_via ? &c->direct : &c->via;
	bool opened = newcomer->state == FLOW_ESTABLISHED || newcomer->state == FLOW_CLOSING;

	/* What both of them were before the flush, they are after it. */
	if (on_certain == ON_CERTAIN_RESTORE || newcomer->origin & FLOW_SAVED)
		return COLLIDE_RESTORE;
	/* Our director may mix the answers up; the RS still holds both. */
	if (c->class == COLLIDE_C || c->certainty == COLLIDE_POSSIBLE || c->toa_unknown)
		return COLLIDE_RESTORE;
	/* A direct one that could be opened: there is no such session at this
	 * RS, or the director has forgotten it. */
	if (entry_is_via)
		return COLLIDE_RESTORE;
	return opened ? COLLIDE_SKIP : COLLIDE_RESTORE;
}

/* Which addresses of an entry the real server sees, and which our director: this
 * node translates, so the real server knows only what comes out of the translation. */

struct record collide_record_make(const struct flow *f, uint64_t key, uint32_t target,
				  unsigned views)
{
	return (struct record){
		.key = key,
		.target = target,
		.since = (uint32_t)(f->since / USEC_PER_SEC),
		.state = f->state,
		.origin = f->origin,
		.backoff = f->backoff,
		.views = views & (VIEW_RS | VIEW_OUT),
	};
}

/* Whether CONN leaves as it came: most do. */
static bool collide_view_is_plain(const struct conn *conn)
{
	const struct tuple *o = &conn->key.orig, *r = &conn->reply;

	return o->sport == r->dport && o->dport == r->sport &&
	       !memcmp(o->src, r->dst, sizeof(o->src)) && !memcmp(o->dst, r->src, sizeof(o->dst));
}

/* The side of the entry before any translation. */
static struct flow before_nat(const struct conn *conn, const struct flow *f)
{
	struct flow o = *f;

	o.cport = ntohs(conn->key.orig.sport);
	o.dport = ntohs(conn->key.orig.dport);
	memcpy(o.client, conn->key.orig.src, sizeof(o.client));
	memcpy(o.dest, conn->key.orig.dst, sizeof(o.dest));
	return o;
}

/* Where CONN, seen as RET->rs, was sent to, and who our director answers. */
static void undo_translation(const struct collide *c, const struct conn *conn,
			     struct both_views *ret)
{
	const struct flow *before = &ret->before;
	struct flow *rs = &ret->rs;
	struct lvs_dest d;

	ret->before = before_nat(conn, rs);
	if (!flow_same_client(before, rs))
		rs->origin |= FLOW_TRANSLATED;
	if (!flow_same_dest(before, rs) &&
	    lvs_map_lookup(c->map, before->l4proto, before->family, before->dest, before->dport,
			   &d) &&
	    d.service != LVS_NONE) {
		/* our own director, or a translation of ours to the same effect */
		rs->has_rs = true;
		rs->rs = addr_make(rs->family, rs->dest);
		rs->rport = rs->dport;
		memcpy(rs->dest, before->dest, sizeof(before->dest));
		rs->dport = before->dport;
	} else if (c->node.director && !flow_same_client(before, rs)) {
		ret->out = *rs;
		ret->out.cport = before->cport;
		memcpy(ret->out.client, before->client, sizeof(before->client));
		ret->has_out = true;
	}
}

bool collide_views_of(const struct collide *c, const struct conn *conn, enum flow_origin origin,
		      usec_t since, struct both_views *ret)
{
	if (!lvs_map_has_port(c->map, ntohs(conn->reply.sport)) &&
	    !lvs_map_has_port(c->map, ntohs(conn->key.orig.dport)))
		return false;
	if (!flow_of_conn(conn, &ret->rs))
		return false;
	ret->rs.origin = (uint8_t)origin;
	ret->rs.since = since;
	ret->rs_views = VIEW_RS;
	ret->has_out = false;
	ret->translated = !collide_view_is_plain(conn);
	if (ret->translated)
		undo_translation(c, conn, ret);
	/* what our director has forwarded is in its own table */
	if (c->node.director && !ret->has_out && !ret->rs.has_rs)
		ret->rs_views |= VIEW_OUT;
	return true;
}
