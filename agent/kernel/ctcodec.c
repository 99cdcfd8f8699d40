/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dumped entry becomes a conn and, as its payload, the attributes a CREATE
 * needs beside the tuples: already in the form the kernel accepts back. */
#include "kernel/ctcodec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "kernel/abi_ct.h"
#include "kernel/attr.h"
#include "kernel/ctcodec_tuple.h"

static bool is_same_head(const struct nlattr *a, const struct nlattr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* False: it is another kind of tuple, or written otherwise. */
static bool decode_tuple4(const struct nlattr *a, struct tuple *ret, uint8_t *ret_proto)
{
	const struct tuple4 *h = &tuple4_heads;
	struct tuple4 t;

	if (attr_len(a) != sizeof(t))
		return false;
	memcpy(&t, attr_data(a), sizeof(t));
	if (!is_same_head(&t.ip, &h->ip) || !is_same_head(&t.src_head, &h->src_head) ||
	    !is_same_head(&t.dst_head, &h->dst_head) || !is_same_head(&t.l4, &h->l4) ||
	    !is_same_head(&t.num_head, &h->num_head) ||
	    !is_same_head(&t.sport_head, &h->sport_head) ||
	    !is_same_head(&t.dport_head, &h->dport_head) || !l4proto_has_ports(t.num))
		return false;
	memcpy(ret->src, t.src, sizeof(t.src));
	memcpy(ret->dst, t.dst, sizeof(t.dst));
	ret->sport = t.sport;
	ret->dport = t.dport;
	*ret_proto = t.num;
	return true;
}

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
	if (a && family == AF_INET && decode_tuple4(a, ret, ret_proto))
		return true;
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

/* The same of what is written as kernels write it: most entries are. False: it is not. */
static bool patch_usual_tcp(const struct nlattr *a, struct attr_buf *out, uint8_t *ret_state)
{
	const struct tcp_info *h = &tcp_info_heads;
	struct tcp_info t, made = *h;

	if (a->nla_len != sizeof(t))
		return false;
	memcpy(&t, a, sizeof(t));
	if (!is_same_head(&t.info, &h->info) || !is_same_head(&t.tcp, &h->tcp) ||
	    !is_same_head(&t.state_head, &h->state_head) ||
	    !is_same_head(&t.orig_scale_head, &h->orig_scale_head) ||
	    !is_same_head(&t.reply_scale_head, &h->reply_scale_head) ||
	    !is_same_head(&t.orig_head, &h->orig_head) ||
	    !is_same_head(&t.reply_head, &h->reply_head) || t.state == CONN_TCP_SYN_SENT)
		return false;
	*ret_state = made.state = t.state;
	made.orig_scale = t.orig_scale;
	made.reply_scale = t.reply_scale;
	made.orig = tcp_flags_patch(&t.orig_head, t.state);
	made.reply = tcp_flags_patch(&t.reply_head, t.state);
	buf_raw(out, &made, sizeof(made));
	return true;
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

	if (l4proto == IPPROTO_TCP && patch_usual_tcp(a, out, ret_state))
		return true;
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
	clear_bytes(ret_conn, sizeof(*ret_conn));
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
		/* nf_conntrack_netlink.c: ctnetlink_create_conntrack() of 4.19, and SYNPROXY */
		.made = tb[CTA_SYNPROXY] != NULL,
	};
	return 0;
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
