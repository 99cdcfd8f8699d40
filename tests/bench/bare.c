/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bare.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#define BUFFER 65536
#define CAP_ACK 10 /* NETLINK_CAP_ACK */

int bare_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	int sndbuf = 4 * 32768, rcvbuf = 1 << 20, on = 1;
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &sndbuf, sizeof(sndbuf)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	(void)setsockopt(fd, SOL_NETLINK, CAP_ACK, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

static int join(int fd, const int *groups, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0)
			return -errno;
	}
	return 0;
}

/* FD, or what went wrong with it. */
static int taken(int fd, int error)
{
	if (error < 0)
		close(fd);
	return error < 0 ? error : fd;
}

int bare_listen(void)
{
	static const int groups[] = { NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE };
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &none };
	int fd = bare_open();

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return taken(fd, -errno);
	return taken(fd, join(fd, groups, sizeof(groups) / sizeof(groups[0])));
}

int bare_events(void)
{
	static const int groups[] = { NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE,
				      NFNLGRP_CONNTRACK_DESTROY };
	int fd = bare_open(), size = 32 << 20;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		return taken(fd, -errno);
	return taken(fd, join(fd, groups, sizeof(groups) / sizeof(groups[0])));
}

int bare_count(int fd, size_t *ret_count)
{
	static uint8_t in[BUFFER] __attribute__((aligned(8)));

	*ret_count = 0;
	for (;;) {
		const struct nlmsghdr *nlh = (const void *)in;
		ssize_t n = recv(fd, in, sizeof(in), MSG_DONTWAIT);
		int left = (int)n;

		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		for (; NLMSG_OK(nlh, (unsigned)left); nlh = NLMSG_NEXT(nlh, left))
			(*ret_count)++;
	}
}

int bare_route(void)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	return taken(fd, bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ? -errno : 0);
}

static int answer_error(const struct nlmsghdr *nlh)
{
	int error = 0;

	if (nlh->nlmsg_len >= NLMSG_SPACE(sizeof(error)))
		memcpy(&error, NLMSG_DATA(nlh), sizeof(error));
	return error;
}

int bare_dump(int fd, uint8_t family, size_t *ret_count)
{
	struct {
		struct nlmsghdr nlh;
		struct nfgenmsg nfg;
	} ask = {
		.nlh = { .nlmsg_len = sizeof(ask),
			 .nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.nfg = { .nfgen_family = family },
	};
	static uint8_t in[BUFFER] __attribute__((aligned(8)));
	size_t count = 0;

	if (send(fd, &ask, sizeof(ask), 0) < 0)
		return -errno;
	for (;;) {
		const struct nlmsghdr *nlh = (const void *)in;
		ssize_t n = recv(fd, in, sizeof(in), 0);
		int left = (int)n;

		if (n < 0)
			return -errno;
		for (; NLMSG_OK(nlh, (unsigned)left); nlh = NLMSG_NEXT(nlh, left)) {
			if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR) {
				*ret_count = count;
				return answer_error(nlh);
			}
			count++;
		}
	}
}

static uint32_t last_seq(const uint8_t *data, size_t len)
{
	const struct nlmsghdr *nlh = (const void *)data;
	unsigned left = (unsigned)len;
	uint32_t seq = 0;

	for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left))
		seq = nlh->nlmsg_seq;
	return seq;
}

/* Only the last message of a datagram asks for an ACK. */
static int read_answer(int fd, uint32_t seq)
{
	static uint8_t in[BUFFER] __attribute__((aligned(8)));

	for (;;) {
		const struct nlmsghdr *nlh = (const void *)in;
		ssize_t n = recv(fd, in, sizeof(in), 0);
		int left = (int)n;

		if (n < 0)
			return -errno;
		for (; NLMSG_OK(nlh, (unsigned)left); nlh = NLMSG_NEXT(nlh, left)) {
			if (answer_error(nlh) < 0)
				return answer_error(nlh);
			if (nlh->nlmsg_seq == seq)
				return 0;
		}
	}
}

int bare_replay(int fd, const struct tape *t)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	size_t i;
	int r = 0;

	for (i = 0; i < t->n && r == 0; i++) {
		size_t len;
		const uint8_t *data = tape_get(t, i, &len);
		struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
		struct msghdr msg = {
			.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1
		};

		if (sendmsg(fd, &msg, 0) < 0)
			return -errno;
		r = read_answer(fd, last_seq(data, len));
	}
	return r;
}

int bare_address(int fd, const char *device, const char *text, bool add)
{
	struct {
		struct nlmsghdr nlh;
		struct ifaddrmsg ifa;
		struct rtattr head;
		struct in_addr local;
	} ask = {
		.nlh = { .nlmsg_len = sizeof(ask),
			 .nlmsg_type = add ? RTM_NEWADDR : RTM_DELADDR,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK |
					(add ? NLM_F_CREATE | NLM_F_EXCL : 0) },
		.ifa = { .ifa_family = AF_INET, .ifa_index = if_nametoindex(device) },
		.head = { .rta_len = RTA_LENGTH(sizeof(ask.local)), .rta_type = IFA_LOCAL },
	};
	char address[INET_ADDRSTRLEN];
	uint8_t in[1024] __attribute__((aligned(8)));

	snprintf(address, sizeof(address), "%.*s", (int)strcspn(text, "/"), text);
	ask.ifa.ifa_prefixlen = (uint8_t)atoi(text + strcspn(text, "/") + 1);
	if (inet_pton(AF_INET, address, &ask.local) != 1)
		return -EINVAL;
	if (send(fd, &ask, sizeof(ask), 0) < 0 || recv(fd, in, sizeof(in), 0) < 0)
		return -errno;
	return answer_error((const void *)in);
}
