/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/probe_world.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <linux/if.h>

#include "kernel/link.h"
#include "kernel/link_make.h"

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

/* Without neighbour discovery: packets need no answer to leave. */
static int set_up(struct nlsock *s, const char *name)
{
	struct link link;
	int err = link_get(s, name, &link);

	return err < 0 ? err : link_set_flags(s, link.ifindex, IFF_UP | IFF_NOARP);
}

static int create_links(struct nlsock *s)
{
	int err, dummy;

	err = link_make(s, "veth", PROBE_OUTSIDE, PROBE_INSIDE);
	if (err == 0)
		return 0;
	/* Loading the dummy module would make a dummy0 on the host. */
	if (access("/sys/module/dummy", F_OK) < 0)
		return err;
	dummy = link_make(s, "dummy", PROBE_OUTSIDE, NULL);
	return dummy < 0 ? dummy : link_make(s, "dummy", PROBE_INSIDE, NULL);
}

int probe_world_build(struct nlsock *s)
{
	int err;

	err = link_set_flags(s, LOOPBACK_IFINDEX, IFF_UP);
	if (err == 0)
		err = create_links(s);
	if (err == 0)
		err = set_up(s, PROBE_INSIDE);
	if (err == 0)
		err = set_up(s, PROBE_OUTSIDE);
	if (err < 0)
		return err;
	/* A node that disables IPv6 by default may still have addresses where
	 * it enabled it. These files exist in this namespace only. */
	write_file("/proc/sys/net/ipv6/conf/" PROBE_OUTSIDE "/disable_ipv6", "0");
	write_file("/proc/sys/net/ipv6/conf/" PROBE_INSIDE "/disable_ipv6", "0");
	return 0;
}
