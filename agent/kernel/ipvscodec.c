/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ipvscodec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>

#include "kernel/ctattr.h"

/* linux/ip_vs.h, of which older headers lack the later ones: the values are ABI. */
enum {
	GENL_VERSION = 1, /* IPVS_GENL_VERSION */

	CMD_NEW_SERVICE = 1, /* what the answers are called, too */
	CMD_GET_SERVICE = 4,
	CMD_NEW_DEST = 5,
	CMD_GET_DEST = 8,

	ATTR_SERVICE = 1,
	ATTR_DEST = 2,
	ATTR_MAX = 2,

	SVC_AF = 1,
	SVC_PROTOCOL = 2,
	SVC_ADDR = 3,
	SVC_PORT = 4,
	SVC_FWMARK = 5,
	SVC_SCHED = 6,
	SVC_FLAGS = 7,
	SVC_TIMEOUT = 8,
	SVC_NETMASK = 9,
	SVC_STATS = 10,
	SVC_PE = 11,
	SVC_MAX = 11,

	DEST_ADDR = 1,
	DEST_PORT = 2,
	DEST_FORWARD = 3,
	DEST_WEIGHT = 4,
	DEST_ACTIVE = 7,
	DEST_INACTIVE = 8,
	DEST_PERSISTENT = 9,
	DEST_FAMILY = 11,   /* Linux 3.18 */
	DEST_TUN_TYPE = 13, /* 5.2, and what follows 5.3 */
	DEST_TUN_PORT = 14,
	DEST_TUN_FLAGS = 15,
	DEST_MAX = 15,

	STATS_CPS = 6,
	STATS_MAX = 6,

	FORWARD_MASK = 7, /* IP_VS_CONN_F_FWD_MASK */
	ADDR_SIZE = 16,	  /* union nf_inet_addr, for either family */
};

static const char family_name[] = "IPVS";

static size_t ipvscodec_begin(struct attr_buf *b, uint16_t type, uint16_t flags, uint8_t cmd,
			      uint8_t version, uint32_t seq)
{
	size_t at = b->len;
	struct nlmsghdr *nlh = buf_reserve(b, NLMSG_HDRLEN);
	struct genlmsghdr *genl = buf_reserve(b, sizeof(*genl));

	if (!nlh || !genl)
		return at;
	*nlh = (struct nlmsghdr){
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
		.nlmsg_seq = seq,
	};
	*genl = (struct genlmsghdr){ .cmd = cmd, .version = version };
	return at;
}

static int ipvscodec_end(struct attr_buf *b)
{
	if (b->full)
		return -EMSGSIZE;
	((struct nlmsghdr *)(void *)b->data)->nlmsg_len = (uint32_t)b->len;
	return (int)b->len;
}

int ipvscodec_find_family(void *buf, size_t size, uint32_t seq)
{
	struct attr_buf b = { .data = buf, .size = size };

	ipvscodec_begin(&b, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY, 1, seq);
	buf_put(&b, CTRL_ATTR_FAMILY_NAME, family_name, sizeof(family_name));
	return ipvscodec_end(&b);
}

int ipvscodec_list_services(void *buf, size_t size, uint32_t seq, uint16_t family)
{
	struct attr_buf b = { .data = buf, .size = size };

	ipvscodec_begin(&b, family, NLM_F_DUMP, CMD_GET_SERVICE, GENL_VERSION, seq);
	return ipvscodec_end(&b);
}

int ipvscodec_list_dests(void *buf, size_t size, uint32_t seq, uint16_t family,
			 const struct ipvs_service *service)
{
	struct attr_buf b = { .data = buf, .size = size };
	uint16_t af = service->addr.family, proto = service->proto, port = htons(service->port);
	size_t nest;

	ipvscodec_begin(&b, family, NLM_F_DUMP, CMD_GET_DEST, GENL_VERSION, seq);
	nest = buf_nest(&b, ATTR_SERVICE);
	buf_put(&b, SVC_AF, &af, sizeof(af));
	if (service->fwmark) {
		buf_put(&b, SVC_FWMARK, &service->fwmark, sizeof(service->fwmark));
	} else {
		buf_put(&b, SVC_PROTOCOL, &proto, sizeof(proto));
		buf_put(&b, SVC_ADDR, service->addr.bytes, ADDR_SIZE);
		buf_put(&b, SVC_PORT, &port, sizeof(port));
	}
	buf_nest_end(&b, nest);
	return ipvscodec_end(&b);
}

/* The attributes of an answer CMD of the family TYPE. */
static int open_message(const struct nlmsghdr *nlh, uint16_t type, uint8_t cmd,
			const struct nlattr **ret, uint16_t max)
{
	const size_t head = NLMSG_SPACE(sizeof(struct genlmsghdr));
	struct genlmsghdr genl;

	if (nlh->nlmsg_type != type)
		return -ENOMSG;
	if (nlh->nlmsg_len < head)
		return -EBADMSG;
	memcpy(&genl, NLMSG_DATA(nlh), sizeof(genl));
	if (genl.cmd != cmd)
		return -ENOMSG;
	return attrs_parse((const uint8_t *)nlh + head, nlh->nlmsg_len - head, ret, max) ? 0
											 : -EBADMSG;
}

int ipvscodec_family(const struct nlmsghdr *nlh, uint16_t *ret)
{
	const struct nlattr *tb[CTRL_ATTR_FAMILY_NAME + 1];
	uint16_t id;
	int r = open_message(nlh, GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, tb, CTRL_ATTR_FAMILY_NAME);

	if (r < 0)
		return r;
	if (!attr_read(tb[CTRL_ATTR_FAMILY_ID], &id, sizeof(id)) || id < NLMSG_MIN_TYPE)
		return -EBADMSG;
	*ret = id;
	return 0;
}

static uint16_t read_u16(const struct nlattr *a)
{
	uint16_t v = 0;

	(void)attr_read(a, &v, sizeof(v));
	return v;
}

static bool ipvscodec_read_port(const struct nlattr *a, uint16_t *ret)
{
	uint16_t port;

	if (!attr_read(a, &port, sizeof(port)))
		return false;
	*ret = ntohs(port);
	return true;
}

static uint32_t read_u32(const struct nlattr *a)
{
	uint32_t v = 0;

	(void)attr_read(a, &v, sizeof(v));
	return v;
}

/* A name as long as the field would be no name the kernel knows. */
static void read_name(const struct nlattr *a, char ret[IPVS_NAME_MAX])
{
	size_t n = a ? strnlen(attr_data(a), attr_len(a)) : 0;

	memset(ret, 0, IPVS_NAME_MAX);
	if (n < IPVS_NAME_MAX && n > 0)
		memcpy(ret, attr_data(a), n);
}

static bool ipvscodec_read_addr(const struct nlattr *a, uint16_t family, struct addr *ret)
{
	uint8_t bytes[ADDR_SIZE];

	if ((family != AF_INET && family != AF_INET6) ||
	    !attr_read(a, bytes, addr_size((uint8_t)family)))
		return false;
	*ret = addr_make((uint8_t)family, bytes);
	return true;
}

/* Connections per second. */
static uint32_t read_rate(const struct nlattr *stats)
{
	const struct nlattr *tb[STATS_MAX + 1];

	return stats && nest_parse(stats, tb, STATS_MAX) ? read_u32(tb[STATS_CPS]) : 0;
}

static int decode_service(const struct nlattr **tb, struct ipvs_service *s)
{
	uint16_t family = read_u16(tb[SVC_AF]), proto = read_u16(tb[SVC_PROTOCOL]);

	s->fwmark = read_u32(tb[SVC_FWMARK]);
	if (s->fwmark) {
		if (family != AF_INET && family != AF_INET6)
			return -EBADMSG;
		s->addr.family = (uint8_t)family;
	} else {
		if (!ipvscodec_read_addr(tb[SVC_ADDR], family, &s->addr) || !proto ||
		    proto > UINT8_MAX || !ipvscodec_read_port(tb[SVC_PORT], &s->port))
			return -EBADMSG;
		s->proto = (uint8_t)proto;
	}
	s->flags = read_u32(tb[SVC_FLAGS]); /* struct ip_vs_flags: a mask comes behind them */
	s->timeout = s->flags & IPVS_PERSISTENT ? read_u32(tb[SVC_TIMEOUT]) : 0;
	s->netmask = read_u32(tb[SVC_NETMASK]);
	s->conns_per_second = read_rate(tb[SVC_STATS]);
	read_name(tb[SVC_SCHED], s->sched);
	read_name(tb[SVC_PE], s->pe);
	return 0;
}

int ipvscodec_service(const struct nlmsghdr *nlh, uint16_t family, struct ipvs_service *ret)
{
	const struct nlattr *tb[ATTR_MAX + 1], *svc[SVC_MAX + 1];
	struct ipvs_service s;
	int r = open_message(nlh, family, CMD_NEW_SERVICE, tb, ATTR_MAX);

	if (r < 0)
		return r;
	if (!tb[ATTR_SERVICE] || !nest_parse(tb[ATTR_SERVICE], svc, SVC_MAX))
		return -EBADMSG;
	memset(&s, 0, sizeof(s));
	r = decode_service(svc, &s);
	if (r == 0)
		*ret = s;
	return r;
}

static int decode_dest(const struct nlattr **tb, uint16_t family, struct ipvs_dest *d)
{
	if (tb[DEST_FAMILY])
		family = read_u16(tb[DEST_FAMILY]);
	if (!ipvscodec_read_addr(tb[DEST_ADDR], family, &d->addr) ||
	    !ipvscodec_read_port(tb[DEST_PORT], &d->port))
		return -EBADMSG;
	d->forward = read_u32(tb[DEST_FORWARD]) & FORWARD_MASK;
	if (d->forward > IPVS_BYPASS)
		return -EBADMSG;
	d->weight = read_u32(tb[DEST_WEIGHT]);
	d->active = read_u32(tb[DEST_ACTIVE]);
	d->inactive = read_u32(tb[DEST_INACTIVE]);
	d->persistent = read_u32(tb[DEST_PERSISTENT]);
	(void)attr_read(tb[DEST_TUN_TYPE], &d->tun_type, sizeof(d->tun_type));
	(void)ipvscodec_read_port(tb[DEST_TUN_PORT], &d->tun_port);
	d->tun_flags = read_u16(tb[DEST_TUN_FLAGS]);
	return 0;
}

int ipvscodec_dest(const struct nlmsghdr *nlh, uint16_t family, const struct ipvs_service *service,
		   struct ipvs_dest *ret)
{
	const struct nlattr *tb[ATTR_MAX + 1], *dest[DEST_MAX + 1];
	struct ipvs_dest d;
	int r = open_message(nlh, family, CMD_NEW_DEST, tb, ATTR_MAX);

	if (r < 0)
		return r;
	if (!tb[ATTR_DEST] || !nest_parse(tb[ATTR_DEST], dest, DEST_MAX))
		return -EBADMSG;
	memset(&d, 0, sizeof(d));
	r = decode_dest(dest, service->addr.family, &d);
	if (r == 0)
		*ret = d;
	return r;
}
