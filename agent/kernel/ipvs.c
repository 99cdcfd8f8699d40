/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ipvs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "kernel/abi_ipvs.h"
#include "kernel/attr.h"
#include "kernel/ipvsconn.h"
#include "kernel/nlask.h"
#include "base/os.h"

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

static int ipvscodec_list_services(void *buf, size_t size, uint32_t seq, uint16_t family)
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

/* A request is an address, a port and little else. */
#define REQUEST_SIZE 256

/* More than kube-proxy has ever been seen to configure; bounds the memory. */
#define SERVICES_MAX (1U << 20)

#define PROC_SERVICES "/proc/net/ip_vs"
#define PROC_CONNS "/proc/net/ip_vs_conn"

struct listing {
	struct nlsock *sk;
	uint16_t family;
	struct ipvs_service *services; /* owned */
	size_t n;
	/* while the real servers of one are listed */
	const struct ipvs_service *of;
	ipvs_sink sink;
	void *ud;
	uint8_t out[REQUEST_SIZE] __attribute__((aligned(8)));
};

static void listing_done(struct listing *l)
{
	nlsock_free(l->sk);
	free(l->services);
}

static int take_family(void *ud, const struct nlmsghdr *nlh)
{
	struct listing *l = ud;

	return ipvscodec_family(nlh, &l->family);
}

static int ipvs_take_service(void *ud, const struct nlmsghdr *nlh)
{
	struct ipvs_service s, *one;
	struct listing *l = ud;
	int r = ipvscodec_service(nlh, l->family, &s);

	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	if (l->n == SERVICES_MAX)
		return -E2BIG;
	one = array_append(&l->services, &l->n, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = s;
	return 0;
}

static int ipvs_take_dest(void *ud, const struct nlmsghdr *nlh)
{
	struct listing *l = ud;
	struct ipvs_dest dest;
	int r = ipvscodec_dest(nlh, l->family, l->of, &dest);

	return r == 0 ? l->sink(l->ud, l->of, &dest) : r == -ENOMSG ? 0 : r;
}

/* The LEN bytes at l->out (negative: an error), as a message to send. */
static struct attr_buf ipvs_message(struct listing *l, int len)
{
	return (struct attr_buf){ .data = l->out, .len = (size_t)MAX(len, 0), .full = len < 0 };
}

static int list_dests(struct listing *l)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		struct attr_buf b;

		l->of = &l->services[i];
		b = ipvs_message(l, ipvscodec_list_dests(l->out, sizeof(l->out), nlsock_seq(l->sk),
							 l->family, l->of));
		r = l->sink(l->ud, l->of, NULL);
		if (r == 0)
			r = nlask_dump(l->sk, &b, ipvs_take_dest, l);
	}
	return r;
}

static int kernel_ipvs_list(struct listing *l)
{
	struct attr_buf b;
	int r = nlsock_new(NETLINK_GENERIC, 0, 0, &l->sk);

	if (r < 0)
		return r;
	b = ipvs_message(l, ipvscodec_find_family(l->out, sizeof(l->out), nlsock_seq(l->sk)));
	r = nlask_object(l->sk, &b, take_family, l);
	if (r < 0)
		return r == -ENOENT ? -EOPNOTSUPP : r == -ENOMSG ? -EBADMSG : r;
	b = ipvs_message(
		l, ipvscodec_list_services(l->out, sizeof(l->out), nlsock_seq(l->sk), l->family));
	r = nlask_dump(l->sk, &b, ipvs_take_service, l);
	return r < 0 ? r : list_dests(l);
}

int ipvs_list(ipvs_sink sink, void *ud)
{
	struct listing l = { .sink = sink, .ud = ud };
	int r;

	/* To look for the family by name is to ask for the module. */
	if (access(PROC_SERVICES, F_OK) < 0)
		return -EOPNOTSUPP;
	r = kernel_ipvs_list(&l);
	listing_done(&l);
	return r;
}

int ipvs_conns(flow_sink sink, void *ud)
{
	char line[IPVSCONN_LINE_MAX];
	FILE *f = fopen(PROC_CONNS, "re");
	bool begun = true; /* with a line, not in the middle of one */
	struct flow flow;
	int r = 0;

	if (!f)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	while (r == 0 && fgets(line, sizeof(line), f)) {
		bool whole = strchr(line, '\n') != NULL;

		/* The head line is none, and data of a persistence engine may
		 * make one longer than what we read of it. */
		if (begun && ipvsconn_parse(line, &flow) == 0)
			r = sink(ud, &flow);
		begun = whole;
	}
	if (r == 0 && ferror(f))
		r = -EIO;
	fclose(f);
	return r;
}

int ipvs_tracks(void)
{
	uint32_t value;
	int r = os_read_sysctl("net/ipv4/vs/conntrack", &value);

	return r < 0 ? r : value != 0;
}
