/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "base/request.h"

/* Linux 5.5; the headers of older systems lack it, the value is ABI. */
enum { LINK_ATTR_ALT_IFNAME = 53 };

static int decode(void *ud, struct nlmsghdr *h)
{
	struct nlattr *attrs[RTNL_ATTRS_MAX], *name, *mac;
	struct link link = { 0 };
	struct ifinfomsg *info;

	if (h->nlmsg_type != RTM_NEWLINK || rtnl_attrs(h, sizeof(*info), attrs) < 0)
		return -EBADMSG;
	info = nlmsg_data(h);
	name = attrs[IFLA_IFNAME];
	mac = attrs[IFLA_ADDRESS];
	if (info->ifi_index <= 0 || !name ||
	    strnlen(nla_data(name), (size_t)nla_len(name)) >= sizeof(link.name))
		return -EBADMSG;
	memcpy(link.name, nla_data(name), strnlen(nla_data(name), (size_t)nla_len(name)));
	link.ifindex = info->ifi_index;
	link.type = info->ifi_type;
	link.up = info->ifi_flags & IFF_UP;
	link.running = info->ifi_flags & IFF_RUNNING;
	if (mac && (size_t)nla_len(mac) <= sizeof(link.mac)) {
		link.mac_len = (size_t)nla_len(mac);
		memcpy(link.mac, nla_data(mac), link.mac_len);
	}
	*(struct link *)ud = link;
	return 0;
}

static int get_by(struct rtnl *r, int attr, const char *name, struct link *ret)
{
	_cleanup_(nl_msgp) struct nl_msg *m = rtnl_message(RTM_GETLINK, 0);
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };

	if (!m || nlmsg_append(m, &info, sizeof(info), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(m, attr, name) < 0)
		return -ENOMEM;
	return rtnl_query(r, m, decode, ret);
}

int link_get(struct rtnl *r, const char *name, struct link *ret)
{
	size_t len = strlen(name);
	int err;

	if (len == 0 || len >= DEVICE_NAME_MAX)
		return -ENODEV;
	if (len < LINK_NAME_MAX) {
		/* Since 5.5 this finds short alternative names as well. */
		err = get_by(r, IFLA_IFNAME, name, ret);
		return err == -EINVAL || err == -ERANGE ? -ENODEV : err;
	}
	err = get_by(r, LINK_ATTR_ALT_IFNAME, name, ret);
	/* Kernels before 5.5 skip the attribute and miss a name then. */
	return err == -EINVAL || err == -ERANGE || err == -EOPNOTSUPP ? -ENODEV : err;
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
