/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/link_make.h"

#include <errno.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/veth.h>

#include "kernel/abi_route.h"
#include "kernel/link.h"
#include "kernel/nlask.h"

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
