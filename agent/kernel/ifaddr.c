/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ifaddr.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "base/array.h"

#define LIST_TRIES 10

/* Later than the headers of RHEL 7; the values are ABI. */
enum {
	IFADDR_ATTR_FLAGS = 8,	     /* Linux 3.14 */
	IFADDR_ATTR_RT_PRIORITY = 9, /* Linux 4.18 */
	IFADDR_ATTR_PROTO = 11,	     /* Linux 5.18 */
};

/* IFA_F_… that a request may carry; the others are the kernel's own. */
enum {
	FLAG_OPTIMISTIC = 0x04,
	FLAG_HOMEADDRESS = 0x10,
	FLAG_MANAGETEMPADDR = 0x100,
	FLAG_MCAUTOJOIN = 0x400,
	FLAGS_SETTABLE = IFADDR_NODAD | FLAG_OPTIMISTIC | FLAG_HOMEADDRESS | FLAG_MANAGETEMPADDR |
			 IFADDR_NOPREFIXROUTE | FLAG_MCAUTOJOIN,
};

/* ---- reading ---------------------------------------------------------------- */

/* An address attribute of FAMILY; unset when it is absent or misshapen. */
static struct addr attr_addr(struct nlattr *a, uint8_t family)
{
	if (!a || (size_t)nla_len(a) != addr_size(family))
		return (struct addr){ 0 };
	return addr_make(family, nla_data(a));
}

static uint32_t attr_u32(struct nlattr *a, uint32_t otherwise)
{
	return a && (size_t)nla_len(a) >= sizeof(uint32_t) ? nla_get_u32(a) : otherwise;
}

static void decode_lifetimes(struct nlattr *a, struct ifaddr *ret)
{
	struct ifa_cacheinfo info;

	ret->preferred_lft = ret->valid_lft = IFADDR_FOREVER;
	if (!a || (size_t)nla_len(a) < sizeof(info))
		return;
	memcpy(&info, nla_data(a), sizeof(info));
	ret->preferred_lft = info.ifa_prefered;
	ret->valid_lft = info.ifa_valid;
}

/* Both families give our own address in IFA_LOCAL and the peer's in
 * IFA_ADDRESS; IPv6 without a peer has only IFA_ADDRESS. */
static int decode_addresses(struct nlattr **attrs, uint8_t family, struct ifaddr *ret)
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

int ifaddr_decode(struct nlmsghdr *h, struct ifaddr *ret)
{
	struct nlattr *attrs[RTNL_ATTRS_MAX], *label;
	struct ifaddr a = { 0 };
	struct ifaddrmsg *msg;
	int r;

	if (rtnl_attrs(h, sizeof(*msg), attrs) < 0)
		return -EBADMSG;
	msg = nlmsg_data(h);
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
	a.flags = attr_u32(attrs[IFADDR_ATTR_FLAGS], msg->ifa_flags);
	a.metric = attr_u32(attrs[IFADDR_ATTR_RT_PRIORITY], 0);
	if (attrs[IFADDR_ATTR_PROTO] && nla_len(attrs[IFADDR_ATTR_PROTO]) >= 1)
		a.proto = nla_get_u8(attrs[IFADDR_ATTR_PROTO]);
	decode_lifetimes(attrs[IFA_CACHEINFO], &a);
	label = attrs[IFA_LABEL];
	if (label && nla_len(label) > 0)
		memcpy(a.label, nla_data(label),
		       strnlen(nla_data(label), MIN((size_t)nla_len(label), LINK_NAME_MAX - 1)));
	*ret = a;
	return 0;
}

struct listing {
	struct ifaddr *items;
	size_t count;
};

static int listing_add(void *ud, struct nlmsghdr *h)
{
	struct listing *l = ud;
	struct ifaddr a, *one;
	int r;

	if (h->nlmsg_type != RTM_NEWADDR)
		return 0;
	r = ifaddr_decode(h, &a);
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	one = array_append(&l->items, &l->count, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = a;
	return 0;
}

static int listing_read(struct rtnl *r, struct listing *l)
{
	_cleanup_(nl_msgp) struct nl_msg *m = rtnl_message(RTM_GETADDR, 0);
	struct ifaddrmsg msg = { .ifa_family = AF_UNSPEC };

	if (!m || nlmsg_append(m, &msg, sizeof(msg), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	l->count = 0;
	return rtnl_dump(r, m, listing_add, l);
}

int ifaddr_list(struct rtnl *r, ifaddr_sink sink, void *ud)
{
	struct listing l = { 0 };
	int err = -EINTR, tries;

	for (tries = 0; tries < LIST_TRIES && (err == -EINTR || err == -ENOBUFS); tries++)
		err = listing_read(r, &l);
	if (err == -EINTR || err == -ENOBUFS)
		err = -EAGAIN;
	for (size_t i = 0; i < l.count && err >= 0; i++)
		err = sink(ud, &l.items[i]);
	free(l.items);
	return err < 0 ? err : 0;
}

/* ---- writing ---------------------------------------------------------------- */

static int put_addr(struct nl_msg *m, int attr, const struct addr *a)
{
	return nla_put(m, attr, (int)addr_size(a->family), a->bytes);
}

/* Header, IFA_LOCAL and IFA_ADDRESS: without IFA_ADDRESS the kernel ignores
 * the prefix length of a delete and takes the first equal address, maybe the
 * node's own /24 (docs/kernel.md 8). */
static int put_identity(struct nl_msg *m, const struct ifaddr *a)
{
	const struct addr *local = &a->prefix.addr;
	struct ifaddrmsg msg = {
		.ifa_family = local->family,
		.ifa_prefixlen = a->prefix.len,
		.ifa_flags = (uint8_t)(a->flags & FLAGS_SETTABLE),
		.ifa_scope = a->scope,
		.ifa_index = (uint32_t)a->ifindex,
	};

	if (nlmsg_append(m, &msg, sizeof(msg), NLMSG_ALIGNTO) < 0 ||
	    put_addr(m, IFA_LOCAL, local) < 0 ||
	    put_addr(m, IFA_ADDRESS, a->peer.family ? &a->peer : local) < 0)
		return -ENOMEM;
	return 0;
}

static int put_lifetimes(struct nl_msg *m, const struct ifaddr *a)
{
	struct ifa_cacheinfo info = {
		.ifa_prefered = a->preferred_lft,
		.ifa_valid = a->valid_lft,
	};

	if (a->preferred_lft == IFADDR_FOREVER && a->valid_lft == IFADDR_FOREVER)
		return 0;
	return nla_put(m, IFA_CACHEINFO, sizeof(info), &info);
}

static int put_options(struct nl_msg *m, const struct ifaddr *a)
{
	uint32_t flags = a->flags & FLAGS_SETTABLE;

	if (flags > UINT8_MAX && nla_put_u32(m, IFADDR_ATTR_FLAGS, flags) < 0)
		return -ENOMEM;
	if (a->broadcast.family && put_addr(m, IFA_BROADCAST, &a->broadcast) < 0)
		return -ENOMEM;
	if (a->label[0] && nla_put_string(m, IFA_LABEL, a->label) < 0)
		return -ENOMEM;
	if (a->metric && nla_put_u32(m, IFADDR_ATTR_RT_PRIORITY, a->metric) < 0)
		return -ENOMEM;
	return put_lifetimes(m, a) < 0 ? -ENOMEM : 0;
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

int ifaddr_add(struct rtnl *r, const struct ifaddr *a)
{
	_cleanup_(nl_msgp) struct nl_msg *m = rtnl_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);

	if (!is_valid(a))
		return -EINVAL;
	if (!m || put_identity(m, a) < 0 || put_options(m, a) < 0)
		return -ENOMEM;
	return rtnl_change(r, m);
}

int ifaddr_del(struct rtnl *r, const struct ifaddr *a)
{
	_cleanup_(nl_msgp) struct nl_msg *m = rtnl_message(RTM_DELADDR, 0);

	if (!is_valid(a))
		return -EINVAL;
	if (!m || put_identity(m, a) < 0)
		return -ENOMEM;
	return rtnl_change(r, m);
}
