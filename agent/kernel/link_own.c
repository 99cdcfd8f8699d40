/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/link_own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>

#include "base/array.h"
#include "kernel/abi_route.h"
#include "kernel/nlask.h"

#define REQUEST_SIZE 512
#define LIST_TRIES 10

int link_own_open(struct nlsock **ret)
{
	return nlsock_new(NETLINK_ROUTE, 0, 0, ret);
}

/* ---- reading ---------------------------------------------------------------- */

static void copy_text(const struct nlattr *a, char *ret, size_t size)
{
	const char *text = attr_text(a);

	if (text && strlen(text) < size)
		memcpy(ret, text, strlen(text) + 1);
}

static void decode_kind(const struct nlattr *info, struct link_detail *ret)
{
	const struct nlattr *attrs[IFLA_INFO_KIND + 1];

	if (info && nest_parse(info, attrs, IFLA_INFO_KIND))
		copy_text(attrs[IFLA_INFO_KIND], ret->kind, sizeof(ret->kind));
}

static int detail_decode(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *attrs[IFLA_IFALIAS + 1];
	const struct ifinfomsg *info = NLMSG_DATA(nlh);
	struct link_detail d = { 0 };

	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    !message_parse(nlh, sizeof(*info), attrs, IFLA_IFALIAS) || info->ifi_index <= 0)
		return -EBADMSG;
	d.ifindex = info->ifi_index;
	d.up = info->ifi_flags & IFF_UP;
	d.loopback = info->ifi_flags & IFF_LOOPBACK;
	d.ethernet = info->ifi_type == ARPHRD_ETHER && !(info->ifi_flags & IFF_NOARP);
	d.mtu = attr_u32(attrs[IFLA_MTU], 0);
	d.master = (int)attr_u32(attrs[IFLA_MASTER], 0);
	copy_text(attrs[IFLA_IFNAME], d.name, sizeof(d.name));
	copy_text(attrs[IFLA_IFALIAS], d.alias, sizeof(d.alias));
	if (attrs[IFLA_ADDRESS] && attr_len(attrs[IFLA_ADDRESS]) == sizeof(d.mac))
		memcpy(d.mac, attr_data(attrs[IFLA_ADDRESS]), sizeof(d.mac));
	decode_kind(attrs[IFLA_LINKINFO], &d);
	*(struct link_detail *)ud = d;
	return 0;
}

int link_detail_get(struct nlsock *s, const char *name, int ifindex, struct link_detail *ret)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	uint8_t data[REQUEST_SIZE] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	struct link link;
	size_t at;
	int r;

	if (name) { /* it may be an alternative one */
		r = link_get(s, name, &link);
		return r < 0 ? r : link_detail_get(s, NULL, link.ifindex, ret);
	}
	at = message_begin(&b, RTM_GETLINK, 0, nlsock_seq(s), &info, sizeof(info));
	message_end(&b, at);
	return nlask_object(s, &b, detail_decode, ret);
}

struct detail_listing {
	struct link_detail *items; /* owned */
	size_t count;
};

static int detail_add(void *ud, const struct nlmsghdr *nlh)
{
	struct detail_listing *l = ud;
	struct link_detail *one = array_append(&l->items, &l->count, sizeof(*one));

	if (!one)
		return -ENOMEM;
	return detail_decode(one, nlh);
}

int link_detail_list(struct nlsock *s, int (*sink)(void *ud, const struct link_detail *d), void *ud)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct detail_listing l = { 0 };
	int r = -EINTR, tries;

	for (tries = 0; tries < LIST_TRIES && (r == -EINTR || r == -ENOBUFS); tries++) {
		uint8_t data[64] __attribute__((aligned(8)));
		struct attr_buf b = { .data = data, .size = sizeof(data) };

		message_end(&b, message_begin(&b, RTM_GETLINK, NLM_F_DUMP, nlsock_seq(s), &info,
					      sizeof(info)));
		l.count = 0;
		r = nlask_dump(s, &b, detail_add, &l);
	}
	for (size_t i = 0; i < l.count && r >= 0; i++)
		r = sink(ud, &l.items[i]);
	free(l.items);
	return r < 0 ? r : 0;
}

int link_own_voice(struct nlsock *s, const struct link *link, struct link *ret)
{
	struct link_detail d;
	const char *dev;
	char name[LINK_NAME_MAX] = "";
	size_t len;

	*ret = *link;
	if (!link->silent || !link->is_own || link_detail_get(s, NULL, link->ifindex, &d) < 0)
		return 0;
	dev = strstr(d.alias, " dev ");
	len = dev ? strcspn(dev + strlen(" dev "), " ") : 0;
	if (!len || len >= sizeof(name))
		return 0;
	memcpy(name, dev + strlen(" dev "), len);
	return link_get(s, name, ret);
}

/* ---- writing ---------------------------------------------------------------- */

static int make_macvlan(struct nlsock *s, const char *name, int lower, const uint8_t *mac)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	uint8_t data[REQUEST_SIZE] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	size_t at, nest, inner;

	at = message_begin(&b, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, nlsock_seq(s),
			   &info, sizeof(info));
	buf_text(&b, IFLA_IFNAME, name);
	buf_u32(&b, IFLA_LINK, (uint32_t)lower);
	buf_put(&b, IFLA_ADDRESS, mac, LINK_OWN_MAC);
	nest = buf_nest(&b, IFLA_LINKINFO);
	buf_text(&b, IFLA_INFO_KIND, "macvlan");
	inner = buf_nest(&b, IFLA_INFO_DATA);
	/* not private: keepalived takes such a one for its own (use_vmac) */
	buf_u32(&b, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	buf_nest_end(&b, inner);
	buf_nest_end(&b, nest);
	message_end(&b, at);
	return nlask_change_one(s, &b);
}

/* Set one text or number of the device IFINDEX. */
static int link_own_set(struct nlsock *s, int ifindex, uint16_t attr, const void *value, size_t len)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	uint8_t data[REQUEST_SIZE] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	size_t at = message_begin(&b, RTM_NEWLINK, NLM_F_ACK, nlsock_seq(s), &info, sizeof(info));

	buf_put(&b, attr, value, len);
	message_end(&b, at);
	return nlask_change_one(s, &b);
}

/* Where there is no dummy a bridge without ports serves as well: neither answers. */
static int make_dummy(struct nlsock *s, const char *name, uint32_t mtu)
{
	struct link_detail d;
	int r = link_make(s, "dummy", name, NULL);

	if (r == -EOPNOTSUPP)
		r = link_make(s, "bridge", name, NULL);
	if (r == 0)
		r = link_detail_get(s, name, 0, &d);
	if (r == 0)
		r = link_set_flags(s, d.ifindex, IFF_NOARP);
	if (r == 0 && mtu)
		(void)link_own_set(s, d.ifindex, IFLA_MTU, &mtu, sizeof(mtu));
	return r;
}

int link_own_make(struct nlsock *s, const char *name, int lower, const uint8_t *mac, uint32_t mtu)
{
	return lower ? make_macvlan(s, name, lower, mac) : make_dummy(s, name, mtu);
}

int link_own_rename(struct nlsock *s, int ifindex, const char *name)
{
	return link_own_set(s, ifindex, IFLA_IFNAME, name, strlen(name) + 1);
}

int link_own_mark(struct nlsock *s, int ifindex, const char *alias)
{
	return link_own_set(s, ifindex, IFLA_IFALIAS, alias, strlen(alias) + 1);
}

int link_own_up(struct nlsock *s, int ifindex)
{
	return link_set_flags(s, ifindex, IFF_UP);
}

int link_own_delete(struct nlsock *s, int ifindex)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	uint8_t data[64] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };

	message_end(&b,
		    message_begin(&b, RTM_DELLINK, NLM_F_ACK, nlsock_seq(s), &info, sizeof(info)));
	return nlask_change_one(s, &b);
}

int link_own_configure(const char *device, const char *family, const char *key, const char *value)
{
	_cleanup_close_ int fd = -1;
	char path[128];
	int n;

	n = snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, device, key);
	if (n < 0 || (size_t)n >= sizeof(path) || strchr(device, '/') || !strcmp(device, "all") ||
	    !strcmp(device, "default"))
		return -EINVAL;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

int link_own_tell_bridge(struct nlsock *s, int lower, const uint8_t *mac, bool add)
{
	const struct ndmsg msg = {
		.ndm_family = AF_BRIDGE,
		.ndm_ifindex = lower,
		.ndm_state = NUD_PERMANENT,
		.ndm_flags = NTF_SELF,
	};
	uint8_t data[64] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	uint16_t flags = NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	size_t at = message_begin(&b, add ? RTM_NEWNEIGH : RTM_DELNEIGH, flags, nlsock_seq(s), &msg,
				  sizeof(msg));

	buf_put(&b, NDA_LLADDR, mac, LINK_OWN_MAC);
	message_end(&b, at);
	return nlask_change_one(s, &b);
}
