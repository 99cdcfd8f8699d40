/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/shape.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

/* Where a reply tuple differs from the inverse of the original one. */
enum differing {
	DIFFERS_SRC = 1 << 0,
	DIFFERS_SPORT = 1 << 1,
	DIFFERS_DST = 1 << 2,
	DIFFERS_DPORT = 1 << 3,
	DIFFERS_ID = 1 << 4,   /* the id of an ICMP query */
	DIFFERS_KIND = 1 << 5, /* an ICMP type that is not the reply to the query */
};

static unsigned shape_differing(const struct conn *c)
{
	const struct tuple *orig = &c->key.orig, *reply = &c->reply;
	unsigned d = 0;

	d |= memcmp(reply->src, orig->dst, sizeof(orig->dst)) ? DIFFERS_SRC : 0;
	d |= memcmp(reply->dst, orig->src, sizeof(orig->src)) ? DIFFERS_DST : 0;
	if (l4proto_is_icmp(c->key.l4proto)) {
		const struct tuple plain = tuple_invert(orig, c->key.l4proto);

		d |= reply->icmp.id != plain.icmp.id ? DIFFERS_ID : 0;
		d |= reply->icmp.type != plain.icmp.type || reply->icmp.code != plain.icmp.code
			     ? DIFFERS_KIND
			     : 0;
	} else {
		d |= reply->sport != orig->dport ? DIFFERS_SPORT : 0;
		d |= reply->dport != orig->sport ? DIFFERS_DPORT : 0;
	}
	return d;
}

/* Whether IPVS balances the protocol and updates its conntrack entries, with a port. */
static bool is_balanced(uint8_t l4proto)
{
	return l4proto == IPPROTO_TCP || l4proto == IPPROTO_UDP || l4proto == IPPROTO_SCTP;
}

enum alteration conn_alteration(const struct conn *c)
{
	const uint32_t s = c->status;
	const bool snat = s & CONN_SRC_NAT, dnat = s & CONN_DST_NAT;
	unsigned d = shape_differing(c);
	bool server = d & (DIFFERS_SRC | DIFFERS_SPORT), client = d & (DIFFERS_DST | DIFFERS_DPORT);

	/* The NAT core sets SRC_NAT or DST_NAT with the tuple, and the DONE bit after that. */
	if ((snat && !(s & CONN_SRC_NAT_DONE)) || (dnat && !(s & CONN_DST_NAT_DONE)))
		return ALTERATION_OTHER;
	/* An ICMP id is translated by whichever NAT found it in use. */
	if (d & DIFFERS_ID && !snat && !dnat)
		return ALTERATION_OTHER;
	client = client || (d & DIFFERS_ID && snat);
	server = server || (d & DIFFERS_ID && dnat && !snat);
	if (d & DIFFERS_KIND || client != snat || (dnat && !server))
		return ALTERATION_OTHER;
	if (server == dnat)
		return ALTERATION_NONE;
	return is_balanced(c->key.l4proto) ? ALTERATION_SERVER : ALTERATION_OTHER;
}

struct tuple shape_reply(const struct conn *c)
{
	const struct tuple plain = tuple_invert(&c->key.orig, c->key.l4proto);
	const bool snat = c->status & CONN_SRC_NAT, dnat = c->status & CONN_DST_NAT;
	struct tuple reply = c->reply;

	if (snat)
		memcpy(reply.dst, plain.dst, sizeof(reply.dst));
	if (dnat)
		memcpy(reply.src, plain.src, sizeof(reply.src));
	if (l4proto_is_icmp(c->key.l4proto)) {
		if (snat || dnat)
			reply.icmp.id = plain.icmp.id;
		return reply;
	}
	if (snat)
		reply.dport = plain.dport;
	if (dnat)
		reply.sport = plain.sport;
	return reply;
}

static unsigned shape_protocol(uint8_t l4proto)
{
	switch (l4proto) {
	case IPPROTO_TCP:
		return 0;
	case IPPROTO_UDP:
		return 1;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	case IPPROTO_SCTP:
		return 3;
	case IPPROTO_GRE:
		return 4;
	}
	return l4proto_has_ports(l4proto) ? 5 : 6;
}

uint32_t conn_shape(const struct conn *c)
{
	const uint32_t deciding = CONN_SRC_NAT | CONN_DST_NAT | CONN_SEQ_ADJUST |
				  CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE;
	uint32_t s = shape_differing(c);

	s |= (c->status & deciding) << 6; /* bits 10 to 14 */
	s |= shape_protocol(c->key.l4proto) << 16;
	s |= (uint32_t)(c->key.zone ? 1 + c->key.zone_dir : 0) << 20;
	s |= (uint32_t)(c->key.family == AF_INET6) << 24;
	s |= (uint32_t)c->has_master << 25;
	s |= (uint32_t)c->has_helper << 26;
	return s;
}

static size_t shapes_find(const struct shapes *s, uint32_t shape)
{
	size_t i;

	for (i = 0; i < s->n && s->items[i].shape != shape; i++)
		;
	return i;
}

enum shape_trust shapes_get(const struct shapes *s, uint32_t shape)
{
	size_t i = shapes_find(s, shape);

	return i < s->n ? (enum shape_trust)s->items[i].trust : SHAPE_UNTRIED;
}

void shapes_set(struct shapes *s, uint32_t shape, enum shape_trust trust)
{
	size_t i = shapes_find(s, shape);

	if (i == s->n) {
		i = s->next;
		s->next = (s->next + 1) % SHAPES_MAX;
		s->n = MAX(s->n, i + 1);
	}
	s->items[i].shape = shape;
	s->items[i].trust = (uint8_t)trust;
	s->any_refused = s->any_refused || trust == SHAPE_REFUSED;
}
