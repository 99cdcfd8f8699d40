/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/addrevents.h"

#include <errno.h>

#include <linux/rtnetlink.h>

#include "kernel/ifaddr.h"
#include "kernel/nlask.h"

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

static int addrevents_take(void *ud, const struct nlmsghdr *nlh)
{
	struct addr_taker *t = ud;
	struct ifaddr a;

	if (nlh->nlmsg_type != RTM_NEWADDR && nlh->nlmsg_type != RTM_DELADDR)
		return 0;
	if (ifaddr_decode(nlh, &a) < 0)
		return 0;
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
