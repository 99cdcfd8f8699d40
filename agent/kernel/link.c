/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_arp.h>
#include <linux/if_ether.h>

#include "base/request.h"
#include "kernel/abi_route.h"
#include "kernel/nlask.h"

static int link_decode(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *attrs[IFLA_IFALIAS + 1], *name, *mac;
	const struct ifinfomsg *info = NLMSG_DATA(nlh);
	struct link link = { 0 };
	const char *alias;
	size_t len;

	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    !message_parse(nlh, sizeof(*info), attrs, IFLA_IFALIAS))
		return -EBADMSG;
	name = attrs[IFLA_IFNAME];
	mac = attrs[IFLA_ADDRESS];
	len = name ? strnlen(attr_data(name), attr_len(name)) : sizeof(link.name);
	if (info->ifi_index <= 0 || len >= sizeof(link.name))
		return -EBADMSG;
	memcpy(link.name, attr_data(name), len);
	link.ifindex = info->ifi_index;
	link.type = info->ifi_type;
	link.up = info->ifi_flags & IFF_UP;
	link.running = info->ifi_flags & IFF_RUNNING;
	alias = attr_text(attrs[IFLA_IFALIAS]);
	link.is_own = alias && !strncmp(alias, LINK_OWN_MARK, strlen(LINK_OWN_MARK));
	link.silent = info->ifi_flags & IFF_NOARP;
	if (mac && attr_len(mac) <= sizeof(link.mac)) {
		link.mac_len = attr_len(mac);
		memcpy(link.mac, attr_data(mac), link.mac_len);
	}
	*(struct link *)ud = link;
	return 0;
}

static int get_by(struct nlsock *s, uint16_t attr, const char *name, struct link *ret)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	uint8_t data[NLMSG_SPACE(sizeof(info)) + NLA_HDRLEN + DEVICE_NAME_MAX]
		__attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	size_t at = message_begin(&b, RTM_GETLINK, 0, nlsock_seq(s), &info, sizeof(info));

	buf_text(&b, attr, name);
	message_end(&b, at);
	return nlask_object(s, &b, link_decode, ret);
}

int link_get(struct nlsock *s, const char *name, struct link *ret)
{
	size_t len = strlen(name);
	int err;

	if (len == 0 || len >= DEVICE_NAME_MAX)
		return -ENODEV;
	if (len < LINK_NAME_MAX) {
		/* Since 5.5 this finds short alternative names as well. */
		err = get_by(s, IFLA_IFNAME, name, ret);
		return err == -EINVAL || err == -ERANGE ? -ENODEV : err;
	}
	err = get_by(s, IFLA_ALT_IFNAME, name, ret);
	/* Kernels before 5.5 skip the attribute and miss a name then. */
	return err == -EINVAL ? -EOPNOTSUPP : err == -ERANGE ? -ENODEV : err;
}

/* Read the number in a file of one line. */
static int read_number(const char *path, long *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[32], *end;
	ssize_t n;
	long v;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	errno = 0;
	v = strtol(buf, &end, 10);
	if (end == buf || errno)
		return -EBADMSG;
	*ret = v;
	return 0;
}

/* SCOPE is a device name ("/" cannot be in one) or "all". */
static int conf_number(const char *family, const char *scope, const char *key, long *ret)
{
	char path[128];
	int n;

	n = snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, scope, key);
	if (n < 0 || (size_t)n >= sizeof(path) || strchr(scope, '/'))
		return -EINVAL;
	return read_number(path, ret);
}

bool link_is_ethernet(const struct link *link)
{
	return (link->type == ARPHRD_ETHER || link->type == ARPHRD_IEEE802) &&
	       link->mac_len == ETH_ALEN;
}

int link_promotes_secondaries(const struct link *link)
{
	long all, own;
	int r;

	r = conf_number("ipv4", "all", "promote_secondaries", &all);
	if (r < 0)
		return r;
	r = conf_number("ipv4", link->name, "promote_secondaries", &own);
	if (r < 0)
		return r;
	return all || own;
}

bool link_is_router(const struct link *link)
{
	long forwarding;

	return conf_number("ipv6", link->name, "forwarding", &forwarding) == 0 && forwarding != 0;
}

#define REQUEST_SIZE 256

static void put_peer(struct attr_buf *b, const char *name)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	size_t data = buf_nest(b, IFLA_INFO_DATA), peer = buf_nest(b, VETH_INFO_PEER);

	buf_raw(b, &info, sizeof(info));
	buf_text(b, IFLA_IFNAME, name);
	buf_nest_end(b, peer);
	buf_nest_end(b, data);
}

int link_make(struct nlsock *s, const char *kind, const char *name, const char *peer)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	uint8_t data[REQUEST_SIZE] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	size_t at, nest;

	at = message_begin(&b, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, nlsock_seq(s),
			   &info, sizeof(info));
	buf_text(&b, IFLA_IFNAME, name);
	nest = buf_nest(&b, IFLA_LINKINFO);
	buf_text(&b, IFLA_INFO_KIND, kind);
	if (peer)
		put_peer(&b, peer);
	buf_nest_end(&b, nest);
	message_end(&b, at);
	return nlask_change_one(s, &b);
}

int link_set_flags(struct nlsock *s, int ifindex, unsigned flags)
{
	const struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = ifindex,
		.ifi_flags = flags,
		.ifi_change = flags,
	};
	uint8_t data[REQUEST_SIZE] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };

	message_end(&b,
		    message_begin(&b, RTM_NEWLINK, NLM_F_ACK, nlsock_seq(s), &info, sizeof(info)));
	return nlask_change_one(s, &b);
}

int link_make_lonely(struct nlsock *s, const char *name)
{
	/* a bridge without ports serves as well where there is no dummy */
	static const char *const kinds[] = { "dummy", "bridge" };
	struct link link;
	int err = link_get(s, name, &link);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds) && err == -ENODEV; i++) {
		err = link_make(s, kinds[i], name, NULL);
		if (err == 0 || err == -EEXIST)
			err = link_get(s, name, &link);
		else if (err == -EOPNOTSUPP && i + 1 < ARRAY_SIZE(kinds))
			err = -ENODEV;
	}
	if (err < 0 || link.up)
		return err;
	return link_set_flags(s, link.ifindex, IFF_UP);
}

int wanted_tell(struct wanted_busy *w, int r, const char *name)
{
	char rule[64];
	size_t i;

	for (i = 0; i < w->n && r > 0 && w->c->removed; i++) {
		snprintf(rule, sizeof(rule), "%s%d", name, w->found[i]);
		w->c->removed(w->c->ud, rule);
	}
	w->n = 0;
	return r;
}
