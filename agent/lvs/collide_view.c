/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses of an entry the real server sees, and which our director: this
 * node translates, so the real server knows only what comes out of the translation. */
#include <arpa/inet.h>
#include <string.h>

#include "lvs/collide_table.h"

struct record collide_record_make(const struct flow *f, uint32_t target, unsigned views)
{
	return (struct record){
		.target = target,
		.since = (uint32_t)(f->since / USEC_PER_SEC),
		.state = f->state,
		.origin = f->origin,
		.backoff = f->backoff,
		.views = (uint8_t)views,
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

static bool same_dest(const struct flow *a, const struct flow *b)
{
	return a->dport == b->dport && !memcmp(a->dest, b->dest, sizeof(a->dest));
}

static bool same_client(const struct flow *a, const struct flow *b)
{
	return a->cport == b->cport && !memcmp(a->client, b->client, sizeof(a->client));
}

/* Where CONN, seen as RET->rs, was sent to, and who our director answers. */
static void undo_translation(const struct collide *c, const struct conn *conn,
			     struct both_views *ret)
{
	const struct flow *before = &ret->before;
	struct flow *rs = &ret->rs;
	struct lvs_dest d;

	ret->before = before_nat(conn, rs);
	if (!same_dest(before, rs) &&
	    lvs_map_lookup(c->map, before->l4proto, before->family, before->dest, before->dport,
			   &d) &&
	    d.service != LVS_NONE) {
		/* our own director, or a translation of ours to the same effect */
		rs->has_rs = true;
		rs->rs = addr_make(rs->family, rs->dest);
		rs->rport = rs->dport;
		memcpy(rs->dest, before->dest, sizeof(before->dest));
		rs->dport = before->dport;
	} else if (c->node.director && !same_client(before, rs)) {
		ret->out = *rs;
		ret->out.cport = before->cport;
		memcpy(ret->out.client, before->client, sizeof(before->client));
		ret->has_out = true;
	}
}

bool collide_views_of(const struct collide *c, const struct conn *conn, enum flow_origin origin,
		      usec_t since, struct both_views *ret)
{
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
