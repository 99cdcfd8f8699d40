/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ipvscodec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>

#include "kernel/abi_ipvs.h"
#include "kernel/attr.h"

enum { ADDR_SIZE = 16 }; /* union nf_inet_addr, for either family */

static const char family_name[] = "IPVS";

static void ipvscodec_begin(struct attr_buf *b, uint16_t type, uint16_t flags, uint8_t cmd,
			    uint8_t version, uint32_t seq)
{
	const struct genlmsghdr genl = { .cmd = cmd, .version = version };

	message_begin(b, type, flags, seq, &genl, sizeof(genl));
}

static int ipvscodec_end(struct attr_buf *b)
{
	message_end(b, 0);
	return b->full ? -EMSGSIZE : (int)b->len;
}

int ipvscodec_find_family(void *buf, size_t size, uint32_t seq)
{
	struct attr_buf b = { .data = buf, .size = size };

	ipvscodec_begin(&b, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1, seq);
	buf_put(&b, CTRL_ATTR_FAMILY_NAME, family_name, sizeof(family_name));
	return ipvscodec_end(&b);
}

int ipvscodec_list_services(void *buf, size_t size, uint32_t seq, uint16_t family)
{
	struct attr_buf b = { .data = buf, .size = size };

	ipvscodec_begin(&b, family, NLM_F_DUMP, IPVS_CMD_GET_SERVICE, IPVS_GENL_VERSION, seq);
	return ipvscodec_end(&b);
}

int ipvscodec_list_dests(void *buf, size_t size, uint32_t seq, uint16_t family,
			 const struct ipvs_service *service)
{
	struct attr_buf b = { .data = buf, .size = size };
	uint16_t af = service->addr.family, proto = service->proto, port = htons(service->port);
	size_t nest;

	ipvscodec_begin(&b, family, NLM_F_DUMP, IPVS_CMD_GET_DEST, IPVS_GENL_VERSION, seq);
	nest = buf_nest(&b, IPVS_CMD_ATTR_SERVICE);
	buf_put(&b, IPVS_SVC_ATTR_AF, &af, sizeof(af));
	if (service->fwmark) {
		buf_put(&b, IPVS_SVC_ATTR_FWMARK, &service->fwmark, sizeof(service->fwmark));
	} else {
		buf_put(&b, IPVS_SVC_ATTR_PROTOCOL, &proto, sizeof(proto));
		buf_put(&b, IPVS_SVC_ATTR_ADDR, service->addr.bytes, ADDR_SIZE);
		buf_put(&b, IPVS_SVC_ATTR_PORT, &port, sizeof(port));
	}
	buf_nest_end(&b, nest);
	return ipvscodec_end(&b);
}

/* The attributes of an answer CMD of the family TYPE. */
static int open_message(const struct nlmsghdr *nlh, uint16_t type, uint8_t cmd,
			const struct nlattr **ret, uint16_t max)
{
	struct genlmsghdr genl;

	if (nlh->nlmsg_type != type)
		return -ENOMSG;
	if (nlh->nlmsg_len < NLMSG_SPACE(sizeof(genl)))
		return -EBADMSG;
	memcpy(&genl, NLMSG_DATA(nlh), sizeof(genl));
	if (genl.cmd != cmd)
		return -ENOMSG;
	return message_parse(nlh, sizeof(genl), ret, max) ? 0 : -EBADMSG;
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
	const struct nlattr *tb[IPVS_STATS_ATTR_CPS + 1];

	return stats && nest_parse(stats, tb, IPVS_STATS_ATTR_CPS)
		       ? attr_u32(tb[IPVS_STATS_ATTR_CPS], 0)
		       : 0;
}

static int decode_service(const struct nlattr **tb, struct ipvs_service *s)
{
	uint16_t family = read_u16(tb[IPVS_SVC_ATTR_AF]),
		 proto = read_u16(tb[IPVS_SVC_ATTR_PROTOCOL]);

	s->fwmark = attr_u32(tb[IPVS_SVC_ATTR_FWMARK], 0);
	if (s->fwmark) {
		if (family != AF_INET && family != AF_INET6)
			return -EBADMSG;
		s->addr.family = (uint8_t)family;
	} else {
		if (!ipvscodec_read_addr(tb[IPVS_SVC_ATTR_ADDR], family, &s->addr) || !proto ||
		    proto > UINT8_MAX || !ipvscodec_read_port(tb[IPVS_SVC_ATTR_PORT], &s->port))
			return -EBADMSG;
		s->proto = (uint8_t)proto;
	}
	s->flags = attr_u32(tb[IPVS_SVC_ATTR_FLAGS],
			    0); /* struct ip_vs_flags: a mask comes behind them */
	s->timeout = s->flags & IPVS_PERSISTENT ? attr_u32(tb[IPVS_SVC_ATTR_TIMEOUT], 0) : 0;
	s->netmask = attr_u32(tb[IPVS_SVC_ATTR_NETMASK], 0);
	s->conns_per_second = read_rate(tb[IPVS_SVC_ATTR_STATS]);
	read_name(tb[IPVS_SVC_ATTR_SCHED_NAME], s->sched);
	read_name(tb[IPVS_SVC_ATTR_PE_NAME], s->pe);
	return 0;
}

int ipvscodec_service(const struct nlmsghdr *nlh, uint16_t family, struct ipvs_service *ret)
{
	const struct nlattr *tb[IPVS_CMD_ATTR_DEST + 1], *svc[IPVS_SVC_ATTR_PE_NAME + 1];
	struct ipvs_service s;
	int r = open_message(nlh, family, IPVS_CMD_NEW_SERVICE, tb, IPVS_CMD_ATTR_DEST);

	if (r < 0)
		return r;
	if (!tb[IPVS_CMD_ATTR_SERVICE] ||
	    !nest_parse(tb[IPVS_CMD_ATTR_SERVICE], svc, IPVS_SVC_ATTR_PE_NAME))
		return -EBADMSG;
	memset(&s, 0, sizeof(s));
	r = decode_service(svc, &s);
	if (r == 0)
		*ret = s;
	return r;
}

static int decode_dest(const struct nlattr **tb, uint16_t family, struct ipvs_dest *d)
{
	if (tb[IPVS_DEST_ATTR_ADDR_FAMILY])
		family = read_u16(tb[IPVS_DEST_ATTR_ADDR_FAMILY]);
	if (!ipvscodec_read_addr(tb[IPVS_DEST_ATTR_ADDR], family, &d->addr) ||
	    !ipvscodec_read_port(tb[IPVS_DEST_ATTR_PORT], &d->port))
		return -EBADMSG;
	d->forward = attr_u32(tb[IPVS_DEST_ATTR_FWD_METHOD], 0) & IP_VS_CONN_F_FWD_MASK;
	if (d->forward > IPVS_BYPASS)
		return -EBADMSG;
	d->weight = attr_u32(tb[IPVS_DEST_ATTR_WEIGHT], 0);
	d->active = attr_u32(tb[IPVS_DEST_ATTR_ACTIVE_CONNS], 0);
	d->inactive = attr_u32(tb[IPVS_DEST_ATTR_INACT_CONNS], 0);
	d->persistent = attr_u32(tb[IPVS_DEST_ATTR_PERSIST_CONNS], 0);
	(void)attr_read(tb[IPVS_DEST_ATTR_TUN_TYPE], &d->tun_type, sizeof(d->tun_type));
	(void)ipvscodec_read_port(tb[IPVS_DEST_ATTR_TUN_PORT], &d->tun_port);
	d->tun_flags = read_u16(tb[IPVS_DEST_ATTR_TUN_FLAGS]);
	return 0;
}

int ipvscodec_dest(const struct nlmsghdr *nlh, uint16_t family, const struct ipvs_service *service,
		   struct ipvs_dest *ret)
{
	const struct nlattr *tb[IPVS_CMD_ATTR_DEST + 1], *dest[IPVS_DEST_ATTR_TUN_FLAGS + 1];
	struct ipvs_dest d;
	int r = open_message(nlh, family, IPVS_CMD_NEW_DEST, tb, IPVS_CMD_ATTR_DEST);

	if (r < 0)
		return r;
	if (!tb[IPVS_CMD_ATTR_DEST] ||
	    !nest_parse(tb[IPVS_CMD_ATTR_DEST], dest, IPVS_DEST_ATTR_TUN_FLAGS))
		return -EBADMSG;
	memset(&d, 0, sizeof(d));
	r = decode_dest(dest, service->addr.family, &d);
	if (r == 0)
		*ret = d;
	return r;
}
