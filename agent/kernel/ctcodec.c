/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dumped entry becomes a conn and, as its payload, the attributes a CREATE
 * needs beside the tuples: already in the form the kernel accepts back. */
#include "kernel/ctcodec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/shape.h"
#include "kernel/abi_ct.h"
#include "kernel/attr.h"
#include "kernel/nlask.h"

static bool decode_ip(const struct nlattr *a, uint8_t family, struct tuple *ret)
{
	const struct nlattr *tb[CTA_IP_MAX + 1];

	if (!a || !nest_parse(a, tb, CTA_IP_MAX))
		return false;
	if (family == AF_INET)
		return attr_read(tb[CTA_IP_V4_SRC], ret->src, 4) &&
		       attr_read(tb[CTA_IP_V4_DST], ret->dst, 4);
	return attr_read(tb[CTA_IP_V6_SRC], ret->src, 16) &&
	       attr_read(tb[CTA_IP_V6_DST], ret->dst, 16);
}

static bool decode_l4(const struct nlattr *a, struct tuple *ret, uint8_t *ret_proto)
{
	const struct nlattr *tb[CTA_PROTO_MAX + 1];
	uint8_t proto;

	if (!a || !nest_parse(a, tb, CTA_PROTO_MAX) || !attr_read(tb[CTA_PROTO_NUM], &proto, 1))
		return false;
	*ret_proto = proto;
	if (proto == IPPROTO_ICMP)
		return attr_read(tb[CTA_PROTO_ICMP_ID], &ret->icmp.id, 2) &&
		       attr_read(tb[CTA_PROTO_ICMP_TYPE], &ret->icmp.type, 1) &&
		       attr_read(tb[CTA_PROTO_ICMP_CODE], &ret->icmp.code, 1);
	if (proto == IPPROTO_ICMPV6)
		return attr_read(tb[CTA_PROTO_ICMPV6_ID], &ret->icmp.id, 2) &&
		       attr_read(tb[CTA_PROTO_ICMPV6_TYPE], &ret->icmp.type, 1) &&
		       attr_read(tb[CTA_PROTO_ICMPV6_CODE], &ret->icmp.code, 1);
	/* Of protocols that have ports, older kernels without their module
	 * know none. */
	if (!l4proto_has_ports(proto))
		return true;
	attr_read(tb[CTA_PROTO_SRC_PORT], &ret->sport, 2);
	attr_read(tb[CTA_PROTO_DST_PORT], &ret->dport, 2);
	return true;
}

/* One tuple of an entry. *RET_ZONE is left alone when the tuple has none. */
static bool decode_tuple(const struct nlattr *a, uint8_t family, struct tuple *ret,
			 uint8_t *ret_proto, uint16_t *ret_zone)
{
	const struct nlattr *tb[CTA_TUPLE_ZONE + 1];

	memset(ret, 0, sizeof(*ret));
	if (!a || !nest_parse(a, tb, CTA_TUPLE_ZONE))
		return false;
	attr_read(tb[CTA_TUPLE_ZONE], ret_zone, sizeof(*ret_zone));
	return decode_ip(tb[CTA_TUPLE_IP], family, ret) &&
	       decode_l4(tb[CTA_TUPLE_PROTO], ret, ret_proto);
}

static bool tcp_is_closing(uint8_t state)
{
	return state >= CONN_TCP_FIN_WAIT && state <= CONN_TCP_CLOSE;
}

/* What a re-created TCP entry gets: liberal window checking, since the windows
 * seen so far cannot be handed over and a strict entry would call the next
 * packet of a busy flow invalid; and of the old flags only those that stay
 * true. MAXACK_SET without the acknowledgement it refers to makes genuine
 * resets invalid (docs/kernel.md 4). Dumps carry mask 0, which would set nothing. */
static struct nf_ct_tcp_flags tcp_flags_patch(const struct nlattr *dumped, uint8_t state)
{
	struct nf_ct_tcp_flags f = { 0 };
	uint8_t keep = IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM;

	if (tcp_is_closing(state))
		keep |= IP_CT_TCP_FLAG_CLOSE_INIT;
	attr_read(dumped, &f, sizeof(f));
	f.flags = (uint8_t)((f.flags & keep) | IP_CT_TCP_FLAG_BE_LIBERAL);
	f.mask = 0xff;
	return f;
}

static bool patch_tcp(const struct nlattr *tcp, struct attr_buf *out, uint8_t *ret_state)
{
	const struct nlattr *tb[CTA_PROTOINFO_TCP_MAX + 1];
	struct nf_ct_tcp_flags orig, reply;
	size_t info, nest;
	uint8_t state, scale;

	if (!nest_parse(tcp, tb, CTA_PROTOINFO_TCP_MAX) ||
	    !attr_read(tb[CTA_PROTOINFO_TCP_STATE], &state, 1))
		return false;
	*ret_state = state;
	info = buf_nest(out, CTA_PROTOINFO);
	nest = buf_nest(out, CTA_PROTOINFO_TCP);
	buf_put(out, CTA_PROTOINFO_TCP_STATE, &state, 1);
	if (attr_read(tb[CTA_PROTOINFO_TCP_WSCALE_ORIGINAL], &scale, 1))
		buf_put(out, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, &scale, 1);
	if (attr_read(tb[CTA_PROTOINFO_TCP_WSCALE_REPLY], &scale, 1))
		buf_put(out, CTA_PROTOINFO_TCP_WSCALE_REPLY, &scale, 1);
	orig = tcp_flags_patch(tb[CTA_PROTOINFO_TCP_FLAGS_ORIGINAL], state);
	buf_put(out, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, &orig, sizeof(orig));
	reply = tcp_flags_patch(tb[CTA_PROTOINFO_TCP_FLAGS_REPLY], state);
	/* The kernel stores scales only when both directions have one. Before
	 * the SYN/ACK only the client's is known, and it is never sent again;
	 * the SYN/ACK overwrites what is said here of the server
	 * (nlattr_to_tcp(), tcp_options()). */
	if (state == CONN_TCP_SYN_SENT)
		reply.flags |= orig.flags & IP_CT_TCP_FLAG_WINDOW_SCALE;
	buf_put(out, CTA_PROTOINFO_TCP_FLAGS_REPLY, &reply, sizeof(reply));
	buf_nest_end(out, nest);
	buf_nest_end(out, info);
	return true;
}

static bool patch_protoinfo(const struct nlattr *a, uint8_t l4proto, struct attr_buf *out,
			    uint8_t *ret_state)
{
	const struct nlattr *tb[CTA_PROTOINFO_MAX + 1];

	if (!nest_parse(a, tb, CTA_PROTOINFO_MAX))
		return false;
	if (tb[CTA_PROTOINFO_TCP] && l4proto != IPPROTO_TCP)
		return false;
	if (tb[CTA_PROTOINFO_TCP])
		return patch_tcp(tb[CTA_PROTOINFO_TCP], out, ret_state);
	buf_copy(out, a);
	return true;
}

/* The rest of what a CREATE may carry. Counters, timestamps and the security
 * mark are not in it: the kernel ignores them (docs/kernel.md 4). */
static void payload_fill(const struct nlattr *const *tb, struct attr_buf *out)
{
	static const uint16_t verbatim[] = {
		CTA_MARK,	   CTA_LABELS,	 CTA_HELP,	   CTA_SEQ_ADJ_ORIG,
		CTA_SEQ_ADJ_REPLY, CTA_SYNPROXY, CTA_TUPLE_MASTER,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbatim); i++)
		if (tb[verbatim[i]])
			buf_copy(out, tb[verbatim[i]]);
}

static void decode_zone(const struct nlattr *const *tb, uint16_t zone_orig, uint16_t zone_reply,
			struct conn_key *key)
{
	uint16_t zone = 0;

	if (attr_read(tb[CTA_ZONE], &zone, sizeof(zone)))
		key->zone_dir = CONN_ZONE_BOTH;
	else if (zone_orig)
		key->zone_dir = CONN_ZONE_ORIG, zone = zone_orig;
	else if (zone_reply)
		key->zone_dir = CONN_ZONE_REPLY, zone = zone_reply;
	key->zone = ntohs(zone);
}

static uint32_t read_be32(const struct nlattr *a)
{
	uint32_t v = 0;

	attr_read(a, &v, sizeof(v));
	return ntohl(v);
}

static int decode_attrs(const struct nlattr *const *tb, uint8_t family, struct conn *c,
			struct conn_key *master, struct attr_buf *out)
{
	uint16_t zone_orig = 0, zone_reply = 0, ignored;
	struct tuple orig, of_master;
	uint8_t proto, reply_proto;

	if (!decode_tuple(tb[CTA_TUPLE_ORIG], family, &orig, &proto, &zone_orig) ||
	    !decode_tuple(tb[CTA_TUPLE_REPLY], family, &c->reply, &reply_proto, &zone_reply) ||
	    proto != reply_proto)
		return -EBADMSG;
	c->key = conn_key_make(family, proto, &orig, 0, CONN_ZONE_BOTH);
	decode_zone(tb, zone_orig, zone_reply, &c->key);
	c->status = read_be32(tb[CTA_STATUS]);
	c->timeout = read_be32(tb[CTA_TIMEOUT]);
	c->id = read_be32(tb[CTA_ID]);
	c->has_helper = tb[CTA_HELP] != NULL;
	if (tb[CTA_PROTOINFO] &&
	    !patch_protoinfo(tb[CTA_PROTOINFO], c->key.l4proto, out, &c->tcp_state))
		return -EBADMSG;
	payload_fill(tb, out);
	if (!tb[CTA_TUPLE_MASTER])
		return 0;
	if (!decode_tuple(tb[CTA_TUPLE_MASTER], family, &of_master, &proto, &ignored))
		return -EBADMSG;
	c->has_master = true;
	*master = conn_key_make(family, proto, &of_master, c->key.zone,
				(enum conn_zone_dir)c->key.zone_dir);
	return 0;
}

int ctcodec_decode(const struct nlmsghdr *nlh, struct conn *ret_conn, struct conn_key *ret_master,
		   uint8_t payload[CT_PAYLOAD_MAX], struct conn_record *ret_record)
{
	const struct nlattr *tb[CTA_SYNPROXY + 1];
	struct attr_buf out = { .data = payload, .size = CT_PAYLOAD_MAX };
	const struct nfgenmsg *nfg = NLMSG_DATA(nlh);
	int r;

	if (nlh->nlmsg_len < NLMSG_SPACE(sizeof(*nfg)))
		return -EBADMSG;
	if (nfg->nfgen_family != AF_INET && nfg->nfgen_family != AF_INET6)
		return -EOPNOTSUPP;
	if (!message_parse(nlh, sizeof(*nfg), tb, CTA_SYNPROXY))
		return -EBADMSG;
	memset(ret_conn, 0, sizeof(*ret_conn));
	r = decode_attrs(tb, nfg->nfgen_family, ret_conn, ret_master, &out);
	if (r < 0)
		return r;
	if (out.full)
		return -EBADMSG;
	*ret_record = (struct conn_record){
		.conn = ret_conn,
		.master = ret_conn->has_master ? ret_master : NULL,
		.payload = payload,
		.payload_len = out.len,
	};
	return 0;
}

/* Messages to ctnetlink. What each must and must not contain, and what fails
 * silently otherwise, is in docs/kernel.md 4. */

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

bool ctcodec_mark(const struct conn_record *record, uint32_t *ret)
{
	const struct nlattr *tb[CTA_MARK + 1];
	uint32_t mark;

	if (!attrs_parse(record->payload, record->payload_len, tb, CTA_MARK) ||
	    !attr_read(tb[CTA_MARK], &mark, sizeof(mark)))
		return false;
	*ret = ntohl(mark);
	return true;
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
