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
#include "kernel/attr.h"
#include "kernel/ctcodec_tuple.h"
#include "kernel/nlask.h"

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

static void put_ct_addr(struct attr_buf *b, uint8_t family, uint16_t v4, uint16_t v6,
			const uint8_t *addr)
{
	if (family == AF_INET)
		buf_put(b, v4, addr, 4);
	else
		buf_put(b, v6, addr, 16);
}

static void put_ip(struct attr_buf *b, uint8_t family, const struct tuple *t)
{
	size_t nest = buf_nest(b, CTA_TUPLE_IP);

	put_ct_addr(b, family, CTA_IP_V4_SRC, CTA_IP_V6_SRC, t->src);
	put_ct_addr(b, family, CTA_IP_V4_DST, CTA_IP_V6_DST, t->dst);
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

static void put_tuple4(struct attr_buf *b, uint16_t type, uint8_t proto, const struct tuple *t)
{
	struct tuple4 a = tuple4_heads;

	memcpy(a.src, t->src, sizeof(a.src));
	memcpy(a.dst, t->dst, sizeof(a.dst));
	a.num = proto;
	a.sport = t->sport;
	a.dport = t->dport;
	buf_put(b, type | NLA_F_NESTED, &a, sizeof(a));
}

static void put_tuple(struct attr_buf *b, uint16_t type, const struct conn_key *key,
		      const struct tuple *t, bool with_zone)
{
	uint16_t zone = htons(key->zone);
	size_t nest;

	if (key->family == AF_INET && !with_zone && l4proto_has_ports(key->l4proto)) {
		put_tuple4(b, type, key->l4proto, t);
		return;
	}
	nest = buf_nest(b, type);
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
static void put_nat4(struct attr_buf *b, uint16_t type, const uint8_t *addr, uint16_t port)
{
	struct {
		struct nlattr min_head;
		uint8_t min[4];
		struct nlattr max_head;
		uint8_t max[4];
		struct nlattr l4, port_min_head;
		uint16_t port_min, min_pad;
		struct nlattr port_max_head;
		uint16_t port_max, max_pad;
	} a = {
		.min_head = HEAD(4, CTA_NAT_V4_MINIP),
		.max_head = HEAD(4, CTA_NAT_V4_MAXIP),
		.l4 = HEAD(16, CTA_NAT_PROTO | NLA_F_NESTED),
		.port_min_head = HEAD(2, CTA_PROTONAT_PORT_MIN),
		.port_min = port,
		.port_max_head = HEAD(2, CTA_PROTONAT_PORT_MAX),
		.port_max = port,
	};

	memcpy(a.min, addr, sizeof(a.min));
	memcpy(a.max, addr, sizeof(a.max));
	buf_put(b, type | NLA_F_NESTED, &a, sizeof(a));
}

static void put_nat(struct attr_buf *b, uint16_t type, const struct conn_key *key,
		    const uint8_t *addr, uint16_t port)
{
	size_t nest, proto;

	if (key->family == AF_INET && l4proto_has_ports(key->l4proto)) {
		put_nat4(b, type, addr, port);
		return;
	}
	nest = buf_nest(b, type);
	put_ct_addr(b, key->family, CTA_NAT_V4_MINIP, CTA_NAT_V6_MINIP, addr);
	put_ct_addr(b, key->family, CTA_NAT_V4_MAXIP, CTA_NAT_V6_MAXIP, addr);
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

/* The state of its protocol: that of TCP is in C, others have it in INFO, which may be NULL. */
static void put_state(struct attr_buf *b, const struct conn *c, const struct nlattr *info)
{
	const struct nlattr *tb[CTA_PROTOINFO_MAX + 1], *state[CTA_PROTOINFO_SCTP_STATE + 1];
	uint16_t type = CTA_PROTOINFO_TCP; /* the number of the state is 1 in each */
	uint8_t value = c->tcp_state;
	size_t outer, inner;

	if (c->key.l4proto == IPPROTO_SCTP || c->key.l4proto == IPPROTO_DCCP) {
		type = c->key.l4proto == IPPROTO_SCTP ? CTA_PROTOINFO_SCTP : CTA_PROTOINFO_DCCP;
		if (!info || !nest_parse(info, tb, CTA_PROTOINFO_MAX) || !tb[type] ||
		    !nest_parse(tb[type], state, CTA_PROTOINFO_SCTP_STATE) ||
		    !attr_read(state[CTA_PROTOINFO_SCTP_STATE], &value, 1))
			return;
	} else if (c->key.l4proto != IPPROTO_TCP || c->tcp_state == CONN_TCP_NONE) {
		return;
	}
	outer = buf_nest(b, CTA_PROTOINFO);
	inner = buf_nest(b, type);
	buf_put(b, CTA_PROTOINFO_TCP_STATE, &value, 1);
	buf_nest_end(b, inner);
	buf_nest_end(b, outer);
}

/* NF_CT_HELPER_NAME_LEN (include/net/netfilter/nf_conntrack_helper.h), with the NUL. */
#define HELPER_NAME_MAX 16

static void put_helper(struct attr_buf *b, const struct nlattr *help)
{
	const struct nlattr *tb[CTA_HELP_MAX + 1];
	const char *name;
	size_t nest;

	if (!help || !nest_parse(help, tb, CTA_HELP_MAX))
		return;
	name = attr_text(tb[CTA_HELP_NAME]);
	if (!name || strlen(name) >= HELPER_NAME_MAX)
		return;
	nest = buf_nest(b, CTA_HELP);
	buf_text(b, CTA_HELP_NAME, name);
	buf_nest_end(b, nest);
}

int ctcodec_entry(void *buf, size_t size, const struct conn_record *record)
{
	const struct conn *c = record->conn;
	struct attr_buf b = ct_begin(buf, size, IPCTNL_MSG_CT_NEW, 0, 0, c->key.family);
	const struct nlattr *tb[CTA_MARK + 1];
	uint32_t mark;

	if (!attrs_parse(record->payload, record->payload_len, tb, CTA_MARK))
		memset(tb, 0, sizeof(tb));
	put_tuple(&b, CTA_TUPLE_ORIG, &c->key, &c->key.orig, zone_in(&c->key, CONN_ZONE_ORIG));
	put_tuple(&b, CTA_TUPLE_REPLY, &c->key, &c->reply, zone_in(&c->key, CONN_ZONE_REPLY));
	put_zone(&b, &c->key);
	buf_be32(&b, CTA_STATUS, c->status);
	buf_be32(&b, CTA_TIMEOUT, c->timeout);
	buf_be32(&b, CTA_ID, c->id);
	put_state(&b, c, tb[CTA_PROTOINFO]);
	put_helper(&b, tb[CTA_HELP]);
	if (attr_read(tb[CTA_MARK], &mark, sizeof(mark)))
		buf_u32(&b, CTA_MARK, mark);
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

int ctcodec_dump(void *buf, size_t size, uint32_t seq, uint8_t family, const struct tuple *to)
{
	struct attr_buf b = ct_begin(buf, size, IPCTNL_MSG_CT_GET, seq, NLM_F_DUMP, family);

	if (to) {
		size_t nest = buf_nest(&b, CTA_TUPLE_ORIG);

		put_ip(&b, family, to);
		buf_nest_end(&b, nest);
		nest = buf_nest(&b, CTA_FILTER);
		buf_u32(&b, CTA_FILTER_ORIG_FLAGS, CTA_FILTER_F_CTA_IP_DST);
		buf_nest_end(&b, nest);
	}
	return ct_end(&b);
}
