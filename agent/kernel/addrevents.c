/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/addrevents.h"

#include <errno.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "kernel/ifaddr.h"
#include "kernel/nfsock.h"

/* A device event with all its attributes is the largest that comes. */
#define READ_SIZE (64U * 1024)

/* Thousands of addresses flushed at once. */
#define EVENTS_RCVBUF (4 << 20)

/* Datagrams per call: the caller has other descriptors as well. */
#define READS_MAX 4096

struct addrevents {
	struct nl_sock *sk;
	uint8_t in[READ_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static void addrevents_enlarge(int fd)
{
	int bytes = EVENTS_RCVBUF;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

int addrevents_new(struct addrevents **ret)
{
	static const int groups[] = { RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_LINK };
	struct addrevents *e = calloc(1, sizeof(*e));
	size_t i;
	int r = 0;

	if (!e)
		return -ENOMEM;
	e->sk = nl_socket_alloc();
	if (!e->sk) {
		free(e);
		return -ENOMEM;
	}
	/* libnl folds errno into codes of its own, but leaves it set. */
	errno = 0;
	if (nl_connect(e->sk, NETLINK_ROUTE) < 0)
		r = errno > 0 ? -errno : -EIO;
	else
		addrevents_enlarge(nl_socket_get_fd(e->sk));
	for (i = 0; r == 0 && i < ARRAY_SIZE(groups); i++)
		if (nl_socket_add_membership(e->sk, groups[i]) < 0)
			r = errno > 0 ? -errno : -EPERM;
	if (r < 0) {
		addrevents_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

struct addrevents *addrevents_free(struct addrevents *e)
{
	if (e && e->sk)
		nl_socket_free(e->sk);
	free(e);
	return NULL;
}

int addrevents_fd(const struct addrevents *e)
{
	return nl_socket_get_fd(e->sk);
}

static int addrevents_take(struct nlmsghdr *h, addrevents_sink sink, void *ud)
{
	struct ifaddr a;

	if (h->nlmsg_type != RTM_NEWADDR && h->nlmsg_type != RTM_DELADDR)
		return 0;
	if (ifaddr_decode(h, &a) < 0)
		return 0;
	return sink(ud, &a, h->nlmsg_type == RTM_DELADDR);
}

int addrevents_read(struct addrevents *e, addrevents_sink sink, void *ud)
{
	bool lost = false;
	int n, r = 0;

	for (n = 0; r == 0 && n < READS_MAX; n++) {
		struct nlmsghdr *h = (struct nlmsghdr *)e->in;
		int left = nfsock_recv(e->sk, e->in, sizeof(e->in), 0);

		if (left == -ETIMEDOUT)
			break;
		if (left == -ENOBUFS || left == -EMSGSIZE) {
			lost = true;
			continue;
		}
		if (left < 0)
			return left;
		for (; r == 0 && nlmsg_ok(h, left); h = nlmsg_next(h, &left))
			r = addrevents_take(h, sink, ud);
	}
	return r < 0 ? r : lost ? -ENOBUFS : 0;
}
