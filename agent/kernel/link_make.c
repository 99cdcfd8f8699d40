/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/link_make.h"

#include <errno.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "kernel/link.h"

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

int link_make(struct rtnl *r, const char *kind, const char *name, const char *peer)
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

int link_set_flags(struct rtnl *r, int ifindex, unsigned flags)
{
	_cleanup_(nl_msgp) struct nl_msg *m = rtnl_message(RTM_NEWLINK, 0);

	if (!m || put_header(m, ifindex, flags) < 0)
		return -ENOMEM;
	return rtnl_change(r, m);
}

int link_make_lonely(struct rtnl *r, const char *name)
{
	/* a bridge without ports serves as well where there is no dummy */
	static const char *const kinds[] = { "dummy", "bridge" };
	struct link link;
	int err = link_get(r, name, &link);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds) && err == -ENODEV; i++) {
		err = link_make(r, kinds[i], name, NULL);
		if (err == 0 || err == -EEXIST)
			err = link_get(r, name, &link);
		else if (err == -EOPNOTSUPP && i + 1 < ARRAY_SIZE(kinds))
			err = -ENODEV;
	}
	if (err < 0 || link.up)
		return err;
	return link_set_flags(r, link.ifindex, IFF_UP);
}
