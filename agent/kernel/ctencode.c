/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages to ctnetlink. What each must and must not contain, and what fails
 * silently otherwise, is in docs/kernel.md 4. */
#include "kernel/ctcodec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/shape.h"
#include "kernel/abi_ct.h"
#include "kernel/nfmsg.h"

#define CT_MSG(type) NF_TYPE(NFNL_SUBSYS_CTNETLINK, type)

static struct attr_buf ct_begin(void *buf, size_t size, uint16_t type, uint32_t seq, uint16_t flags,
				uint8_t family)
{
	struct attr_buf b = { .data = buf, .size = size };

	nfmsg_begin(&b, CT_MSG(type), flags, family, seq);
	return b;
}

static int ct_end(struct attr_buf *b)
{
	message_end(b, 0);
	return b->full ? -EMSGSIZE : (int)b->len;
}

static void put_ip(struct attr_buf *b, uint8_t family, const struct tuple *t)
{
	size_t nest = buf_nest(b, CTA_TUPLE_IP);
	bool v4 = family == AF_INET;

	buf_put(b, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, t->src, addr_size(family));
	buf_put(b, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, t->dst, addr_size(family));
	buf_nest_end(b, nest);
}

static void put_l4(struct attr_buf *b, uint8_t proto, const struct tuple *t)
{
	size_t nest = buf_nest(b, CTA_TUPLE_PROTO);
	bool v6 = proto == IPPROTO_ICMPV6;

	buf_put(b, CTA_PROTO_NUM, &proto, 1);
	if (l4proto_is_icmp(proto)) {
		buf_put(b, v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID, &t->icmp.id, 2);
		buf_put(b, v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE, &t->icmp.type, 1);
		buf_put(b, v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE, &t->icmp.code, 1);
	} else if (l4proto_has_ports(proto)) {
		buf_put(b, CTA_PROTO_SRC_PORT, &t->sport, 2);
		buf_put(b, CTA_PROTO_DST_PORT, &t->dport, 2);
	}
	buf_nest_end(b, nest);
}

static void put_tuple(struct attr_buf *b, uint16_t type, const struct conn_key *key,
		      const struct tuple *t, bool with_zone)
{
	size_t nest = buf_nest(b, type);
	uint16_t zone = htons(key->zone);

	put_ip(b, key->family, t);
	put_l4(b, key->l4proto, t);
	if (with_zone)
		buf_put(b, CTA_TUPLE_ZONE, &zone, sizeof(zone));
	buf_nest_end(b, nest);
}

/* A zone for both directions goes beside the tuples; a directional one inside
 * its tuple. Both at once are refused (EINVAL). */
static void put_zone(struct attr_buf *b, const struct conn_key *key)
{
	uint16_t zone = htons(key->zone);

	if (key->zone && key->zone_dir == CONN_ZONE_BOTH)
		buf_put(b, CTA_ZONE, &zone, sizeof(zone));
}

static bool zone_in(const struct conn_key *key, enum conn_zone_dir dir)
{
	return key->zone && key->zone_dir == dir;
}

/* Exactly this address and port or the create fails: without the port the
 * kernel silently picks another. */
static void put_nat(struct attr_buf *b, uint16_t type, const struct conn_key *key,
		    const uint8_t *addr, uint16_t port)
{
	bool v4 = key->family == AF_INET;
	size_t nest = buf_nest(b, type), proto;

	buf_put(b, v4 ? CTA_NAT_V4_MINIP : CTA_NAT_V6_MINIP, addr, addr_size(key->family));
	buf_put(b, v4 ? CTA_NAT_V4_MAXIP : CTA_NAT_V6_MAXIP, addr, addr_size(key->family));
	if (l4proto_has_ports(key->l4proto) || l4proto_is_icmp(key->l4proto)) {
		proto = buf_nest(b, CTA_NAT_PROTO);
		buf_put(b, CTA_PROTONAT_PORT_MIN, &port, sizeof(port));
		buf_put(b, CTA_PROTONAT_PORT_MAX, &port, sizeof(port));
		buf_nest_end(b, proto);
	}
	buf_nest_end(b, nest);
}

/* The translation is asked for; the reply tuple must then be without it. Given
 * the translated reply tuple the kernel finds nothing left to do, and packets
 * leave untranslated although the entry lists the same. A direction that was set
 * up without changing anything is asked for with the address it has, so that the
 * done bits come back too. */
static void put_translation(struct attr_buf *b, const struct conn *c)
{
	const struct tuple before = shape_reply(c);
	bool icmp = l4proto_is_icmp(c->key.l4proto);
	uint16_t sport = c->reply.sport, dport = icmp ? c->reply.icmp.id : c->reply.dport;

	if (icmp) /* one id for both: that of the source, which is set up last */
		sport = c->status & CONN_SRC_NAT ? before.icmp.id : c->reply.icmp.id;
	put_tuple(b, CTA_TUPLE_REPLY, &c->key, &before, zone_in(&c->key, CONN_ZONE_REPLY));
	if (c->status & CONN_DST_NAT_DONE)
		put_nat(b, CTA_NAT_DST, &c->key, c->reply.src, sport);
	if (c->status & CONN_SRC_NAT_DONE)
		put_nat(b, CTA_NAT_SRC, &c->key, c->reply.dst, dport);
}

static void put_payload(struct attr_buf *b, const struct ct_create *create)
{
	const uint8_t *p = create->payload;
	size_t len = create->payload_len;
	const struct nlattr *a;

	while ((a = attr_next(&p, &len)))
		if (!create->orphan || attr_type(a) != CTA_TUPLE_MASTER)
			buf_copy(b, a);
}

int ctcodec_create(void *buf, size_t size, uint32_t seq, uint16_t flags,
		   const struct ct_create *create)
{
	const struct conn *c = create->conn;
	struct attr_buf b = ct_begin(buf, size, IPCTNL_MSG_CT_NEW, seq,
				     flags | NLM_F_CREATE | NLM_F_EXCL, c->key.family);
	/* CONFIRMED must be there and EXPECTED, DYING must not: the kernel
	 * compares with what it has just set (EBUSY). Up to 4.9 it copies any
	 * other bit as it comes, so only known ones are sent. */
	uint32_t status =
		htonl(CONN_CONFIRMED |
		      (c->status & (CONN_SEEN_REPLY | CONN_ASSURED | CONN_FIXED_TIMEOUT)));
	uint32_t timeout = htonl(create->timeout);

	put_tuple(&b, CTA_TUPLE_ORIG, &c->key, &c->key.orig, zone_in(&c->key, CONN_ZONE_ORIG));
	put_translation(&b, c);
	put_zone(&b, &c->key);
	buf_put(&b, CTA_STATUS, &status, sizeof(status));
	buf_put(&b, CTA_TIMEOUT, &timeout, sizeof(timeout));
	put_payload(&b, create);
	return ct_end(&b);
}

int ctcodec_delete(void *buf, size_t size, uint32_t seq, uint16_t flags, const struct conn_key *key,
		   uint32_t id)
{
	struct attr_buf b = ct_begin(buf, size, IPCTNL_MSG_CT_DELETE, seq, flags, key->family);
	uint32_t be_id = htonl(id);

	put_tuple(&b, CTA_TUPLE_ORIG, key, &key->orig, zone_in(key, CONN_ZONE_ORIG));
	put_zone(&b, key);
	if (id)
		buf_put(&b, CTA_ID, &be_id, sizeof(be_id));
	return ct_end(&b);
}

int ctcodec_get(void *buf, size_t size, uint32_t seq, uint16_t flags, const struct conn_key *key)
{
	struct attr_buf b = ct_begin(buf, size, IPCTNL_MSG_CT_GET, seq, flags, key->family);

	put_tuple(&b, CTA_TUPLE_ORIG, key, &key->orig, zone_in(key, CONN_ZONE_ORIG));
	put_zone(&b, key);
	return ct_end(&b);
}

int ctcodec_dump(void *buf, size_t size, uint32_t seq, uint8_t family)
{
	struct attr_buf b = ct_begin(buf, size, IPCTNL_MSG_CT_GET, seq, NLM_F_DUMP, family);

	return ct_end(&b);
}
