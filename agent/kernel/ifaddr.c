/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ifaddr.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "kernel/abi_route.h"
#include "kernel/nlask.h"

#define LIST_TRIES 10

/* Those that a request may carry; the others are the kernel's own. */
#define FLAGS_SETTABLE                                                               \
	(IFA_F_NODAD | IFA_F_OPTIMISTIC | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | \
	 IFADDR_NOPREFIXROUTE | IFA_F_MCAUTOJOIN)

/* A message has at most eight attributes of an address or less. */
#define REQUEST_SIZE 512

/* ---- reading ---------------------------------------------------------------- */

/* An address attribute of FAMILY; unset when it is absent or misshapen. */
static struct addr attr_addr(const struct nlattr *a, uint8_t family)
{
	if (!a || attr_len(a) != addr_size(family))
		return (struct addr){ 0 };
	return addr_make(family, attr_data(a));
}

static void decode_lifetimes(const struct nlattr *a, struct ifaddr *ret)
{
	struct ifa_cacheinfo info;

	ret->preferred_lft = ret->valid_lft = IFADDR_FOREVER;
	if (!attr_read(a, &info, sizeof(info)))
		return;
	ret->preferred_lft = info.ifa_prefered;
	ret->valid_lft = info.ifa_valid;
}

/* Both families give our own address in IFA_LOCAL and the peer's in
 * IFA_ADDRESS; IPv6 without a peer has only IFA_ADDRESS. */
static int decode_addresses(const struct nlattr **attrs, uint8_t family, struct ifaddr *ret)
{
	struct addr local = attr_addr(attrs[IFA_LOCAL], family);
	struct addr address = attr_addr(attrs[IFA_ADDRESS], family);

	if (!local.family && !address.family)
		return -ENODATA; /* how the kernel lists 0.0.0.0 */
	if (!local.family)
		local = address;
	else if (address.family && !addr_equal(&local, &address))
		ret->peer = address;
	ret->prefix.addr = local;
	return 0;
}

/* Read NLH, an RTM_NEWADDR or RTM_DELADDR. -ENODATA: no address we could
 * mean (another family, 0.0.0.0); -EBADMSG: it is misshapen. */
static int ifaddr_decode(const struct nlmsghdr *nlh, struct ifaddr *ret)
{
	const struct ifaddrmsg *msg = NLMSG_DATA(nlh);
	const struct nlattr *attrs[IFA_PROTO + 1], *label;
	struct ifaddr a = { 0 };
	int r;

	if (!message_parse(nlh, sizeof(*msg), attrs, IFA_PROTO))
		return -EBADMSG;
	if (!addr_size(msg->ifa_family))
		return -ENODATA; /* AF_UNSPEC lists every family the kernel has */
	if (msg->ifa_prefixlen > addr_size(msg->ifa_family) * 8)
		return -EBADMSG;
	r = decode_addresses(attrs, msg->ifa_family, &a);
	if (r < 0)
		return r;
	a.ifindex = (int)msg->ifa_index;
	a.prefix.len = msg->ifa_prefixlen;
	a.scope = msg->ifa_scope;
	a.broadcast = attr_addr(attrs[IFA_BROADCAST], msg->ifa_family);
	a.flags = attr_u32(attrs[IFA_FLAGS], msg->ifa_flags);
	a.metric = attr_u32(attrs[IFA_RT_PRIORITY], 0);
	(void)attr_read(attrs[IFA_PROTO], &a.proto, sizeof(a.proto));
	decode_lifetimes(attrs[IFA_CACHEINFO], &a);
	label = attrs[IFA_LABEL];
	if (label)
		memcpy(a.label, attr_data(label),
		       strnlen(attr_data(label), MIN(attr_len(label), (size_t)LINK_NAME_MAX - 1)));
	*ret = a;
	return 0;
}

struct listing {
	struct ifaddr *items;
	size_t count;
};

static int listing_add(void *ud, const struct nlmsghdr *nlh)
{
	struct listing *l = ud;
	struct ifaddr a, *one;
	int r;

	if (nlh->nlmsg_type != RTM_NEWADDR)
		return 0;
	r = ifaddr_decode(nlh, &a);
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	one = array_append(&l->items, &l->count, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = a;
	return 0;
}

static int listing_read(struct nlsock *s, struct listing *l)
{
	const struct ifaddrmsg msg = { .ifa_family = AF_UNSPEC };
	uint8_t data[64] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };

	message_end(&b,
		    message_begin(&b, RTM_GETADDR, NLM_F_DUMP, nlsock_seq(s), &msg, sizeof(msg)));
	l->count = 0;
	return nlask_dump(s, &b, listing_add, l);
}

int ifaddr_list(struct nlsock *s, ifaddr_sink sink, void *ud)
{
	struct listing l = { 0 };
	int err = -EINTR, tries;

	for (tries = 0; tries < LIST_TRIES && (err == -EINTR || err == -ENOBUFS); tries++)
		err = listing_read(s, &l);
	if (err == -EINTR || err == -ENOBUFS)
		err = -EAGAIN;
	for (size_t i = 0; i < l.count && err >= 0; i++)
		err = sink(ud, &l.items[i]);
	free(l.items);
	return err < 0 ? err : 0;
}

/* ---- writing ---------------------------------------------------------------- */

static void put_addr(struct attr_buf *b, uint16_t attr, const struct addr *a)
{
	buf_put(b, attr, a->bytes, addr_size(a->family));
}

/* Header, IFA_LOCAL and IFA_ADDRESS: without IFA_ADDRESS the kernel ignores
 * the prefix length of a delete and takes the first equal address, maybe the
 * node's own /24 (docs/kernel.md 8). */
static size_t put_identity(struct attr_buf *b, uint16_t type, uint16_t flags, uint32_t seq,
			   const struct ifaddr *a)
{
	const struct addr *local = &a->prefix.addr;
	const struct ifaddrmsg msg = {
		.ifa_family = local->family,
		.ifa_prefixlen = a->prefix.len,
		.ifa_flags = (uint8_t)(a->flags & FLAGS_SETTABLE),
		.ifa_scope = a->scope,
		.ifa_index = (uint32_t)a->ifindex,
	};
	size_t at = message_begin(b, type, NLM_F_ACK | flags, seq, &msg, sizeof(msg));

	put_addr(b, IFA_LOCAL, local);
	put_addr(b, IFA_ADDRESS, a->peer.family ? &a->peer : local);
	return at;
}

static void put_lifetimes(struct attr_buf *b, const struct ifaddr *a)
{
	const struct ifa_cacheinfo info = {
		.ifa_prefered = a->preferred_lft,
		.ifa_valid = a->valid_lft,
	};

	if (a->preferred_lft != IFADDR_FOREVER || a->valid_lft != IFADDR_FOREVER)
		buf_put(b, IFA_CACHEINFO, &info, sizeof(info));
}

static void put_options(struct attr_buf *b, const struct ifaddr *a)
{
	uint32_t flags = a->flags & FLAGS_SETTABLE;

	if (flags > UINT8_MAX)
		buf_u32(b, IFA_FLAGS, flags);
	if (a->broadcast.family)
		put_addr(b, IFA_BROADCAST, &a->broadcast);
	if (a->label[0])
		buf_text(b, IFA_LABEL, a->label);
	if (a->metric)
		buf_u32(b, IFA_RT_PRIORITY, a->metric);
	if (a->proto)
		buf_put(b, IFA_PROTO, &a->proto, sizeof(a->proto));
	put_lifetimes(b, a);
}

static bool is_valid(const struct ifaddr *a)
{
	uint8_t family = a->prefix.addr.family;

	return a->ifindex > 0 && addr_size(family) && a->prefix.len <= addr_size(family) * 8 &&
	       (!a->peer.family || a->peer.family == family) &&
	       memchr(a->label, '\0', sizeof(a->label)) &&
	       (!a->broadcast.family || a->broadcast.family == family) &&
	       (family == AF_INET || (!a->broadcast.family && !a->label[0]));
}

int ifaddr_add(struct nlsock *s, const struct ifaddr *a)
{
	uint8_t data[REQUEST_SIZE] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	size_t at;

	if (!is_valid(a))
		return -EINVAL;
	at = put_identity(&b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, nlsock_seq(s), a);
	put_options(&b, a);
	message_end(&b, at);
	return nlask_change_one(s, &b);
}

int ifaddr_del(struct nlsock *s, const struct ifaddr *a)
{
	uint8_t data[REQUEST_SIZE] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };

	if (!is_valid(a))
		return -EINVAL;
	message_end(&b, put_identity(&b, RTM_DELADDR, 0, nlsock_seq(s), a));
	return nlask_change_one(s, &b);
}

/* Thousands of addresses flushed at once. */
#define EVENTS_RCVBUF (4 << 20)

/* Datagrams per call: the caller has other descriptors as well. */
#define READS_MAX 4096

/* Who is called, and what it has returned. */
struct addr_taker {
	addrevents_sink sink;
	void *ud;
	int result;
};

int addrevents_new(struct nlsock **ret)
{
	static const int groups[] = { RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_LINK };
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	int r = nlsock_new(NETLINK_ROUTE, 0, EVENTS_RCVBUF, &s);

	if (r == 0)
		r = nlsock_join(s, groups, ARRAY_SIZE(groups));
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

/* A device that is up, or is not any more: an ifaddr without an address. */
static int take_link(const struct addr_taker *t, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *i = NLMSG_DATA(nlh);
	struct ifaddr a = { .ifindex = 0 };

	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*i)))
		return 0;
	a.ifindex = i->ifi_index;
	return t->sink(t->ud, &a, !(i->ifi_flags & IFF_UP));
}

static int addrevents_take(void *ud, const struct nlmsghdr *nlh)
{
	struct addr_taker *t = ud;
	struct ifaddr a;

	if (nlh->nlmsg_type == RTM_NEWLINK) {
		t->result = take_link(t, nlh);
		return t->result;
	}
	if (nlh->nlmsg_type != RTM_NEWADDR && nlh->nlmsg_type != RTM_DELADDR)
		return 0;
	if (ifaddr_decode(nlh, &a) < 0)
		return 0;
	a.by = nlh->nlmsg_pid;
	t->result = t->sink(t->ud, &a, nlh->nlmsg_type == RTM_DELADDR);
	return t->result;
}

int addrevents_read(struct nlsock *s, addrevents_sink sink, void *ud)
{
	struct addr_taker t = { .sink = sink, .ud = ud };
	bool lost = false;

	for (int n = 0; n < READS_MAX; n++) {
		int r = nlask_read(s, 0, addrevents_take, &t);

		if (t.result < 0)
			return t.result;
		if (r == -ETIMEDOUT)
			break;
		if (r < 0 && r != -ENOBUFS && r != -EMSGSIZE)
			return r;
		lost = lost || r < 0;
	}
	return lost ? -ENOBUFS : 0;
}
