/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/probe_world.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "kernel/link.h"

#define LOOPBACK_IFINDEX 1 /* in every network namespace */

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* Without a mapping the programs that set the rules lose their privileges. */
static int become_mapped_root(uid_t uid, gid_t gid)
{
	char map[32];
	int r;

	r = write_file("/proc/self/setgroups", "deny");
	if (r < 0 && r != -ENOENT) /* Linux 3.19 */
		return r;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
	r = write_file("/proc/self/uid_map", map);
	if (r < 0)
		return r;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
	return write_file("/proc/self/gid_map", map);
}

int probe_world_enter(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int err;

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	err = -errno;
	if (err != -EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return err;
	return become_mapped_root(uid, gid);
}

/* IFINDEX is 0 in a link that is being made. */
static int put_header(struct nl_msg *m, int ifindex, unsigned flags)
{
	struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = ifindex,
		.ifi_flags = flags,
		.ifi_change = flags,
	};

	return nlmsg_append(m, &info, sizeof(info), NLMSG_ALIGNTO);
}

static int put_peer(struct nl_msg *m, const char *name)
{
	struct nlattr *data, *peer;

	data = nla_nest_start(m, IFLA_INFO_DATA);
	peer = data ? nla_nest_start(m, VETH_INFO_PEER) : NULL;
	if (!peer || put_header(m, 0, 0) < 0 || nla_put_string(m, IFLA_IFNAME, name) < 0)
		return -ENOMEM;
	nla_nest_end(m, peer);
	nla_nest_end(m, data);
	return 0;
}

/* PEER only for a veth pair. */
static int create_link(struct rtnl *r, const char *kind, const char *name, const char *peer)
{
	_cleanup_(nl_msgp) struct nl_msg *m = rtnl_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info;

	if (!m || put_header(m, 0, 0) < 0 || nla_put_string(m, IFLA_IFNAME, name) < 0)
		return -ENOMEM;
	info = nla_nest_start(m, IFLA_LINKINFO);
	if (!info || nla_put_string(m, IFLA_INFO_KIND, kind) < 0 || (peer && put_peer(m, peer) < 0))
		return -ENOMEM;
	nla_nest_end(m, info);
	return rtnl_change(r, m);
}

static int set_flags(struct rtnl *r, int ifindex, unsigned flags)
{
	_cleanup_(nl_msgp) struct nl_msg *m = rtnl_message(RTM_NEWLINK, 0);

	if (!m || put_header(m, ifindex, flags) < 0)
		return -ENOMEM;
	return rtnl_change(r, m);
}

/* Without neighbour discovery: packets need no answer to leave. */
static int set_up(struct rtnl *r, const char *name)
{
	struct link link;
	int err = link_get(r, name, &link);

	return err < 0 ? err : set_flags(r, link.ifindex, IFF_UP | IFF_NOARP);
}

static int create_links(struct rtnl *r)
{
	int err, dummy;

	err = create_link(r, "veth", PROBE_OUTSIDE, PROBE_INSIDE);
	if (err == 0)
		return 0;
	/* Loading the dummy module would make a dummy0 on the host. */
	if (access("/sys/module/dummy", F_OK) < 0)
		return err;
	dummy = create_link(r, "dummy", PROBE_OUTSIDE, NULL);
	return dummy < 0 ? dummy : create_link(r, "dummy", PROBE_INSIDE, NULL);
}

int probe_world_build(struct rtnl *r)
{
	int err;

	err = set_flags(r, LOOPBACK_IFINDEX, IFF_UP);
	if (err == 0)
		err = create_links(r);
	if (err == 0)
		err = set_up(r, PROBE_INSIDE);
	if (err == 0)
		err = set_up(r, PROBE_OUTSIDE);
	if (err < 0)
		return err;
	/* A node that disables IPv6 by default may still have addresses where
	 * it enabled it. These files exist in this namespace only. */
	write_file("/proc/sys/net/ipv6/conf/" PROBE_OUTSIDE "/disable_ipv6", "0");
	write_file("/proc/sys/net/ipv6/conf/" PROBE_INSIDE "/disable_ipv6", "0");
	return 0;
}
