/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nfsock.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>

#include <vipsafe/base.h>

/* linux/netlink.h, Linux 4.3: error answers without the request's body. */
#define SOCK_CAP_ACK 10

/* Left out in a row: whoever may send us messages may send many. */
#define STRAYS_MAX 10000

static void nfsock_enlarge(int fd, int force, int plain, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

/* libnl folds several errno values into one of its own, so the reason comes
 * from asking the kernel directly. */
static int open_error(int protocol)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : -EIO;
}

int nfsock_connect(int protocol, struct nl_sock **ret)
{
	struct nl_sock *sk = nl_socket_alloc();

	if (!sk)
		return -ENOMEM;
	if (nl_connect(sk, protocol) < 0) {
		nl_socket_free(sk);
		return open_error(protocol);
	}
	*ret = sk;
	return 0;
}

int nfsock_open(struct nl_sock **ret, int sndbuf, int rcvbuf)
{
	struct nl_sock *sk;
	int fd, on = 1, r = nfsock_connect(NETLINK_NETFILTER, &sk);

	if (r < 0)
		return r;
	fd = nl_socket_get_fd(sk);
	nfsock_enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF, sndbuf);
	nfsock_enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF, rcvbuf);
	/* Older kernels do not know it and send the body; the buffers allow for it. */
	(void)setsockopt(fd, SOL_NETLINK, SOCK_CAP_ACK, &on, sizeof(on));
	*ret = sk;
	return 0;
}

int nfsock_send(struct nl_sock *sk, const void *data, size_t len)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	ssize_t n;

	do {
		n = sendto(nl_socket_get_fd(sk), data, len, 0, (struct sockaddr *)&to, sizeof(to));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r;

	do {
		r = poll(&p, 1, timeout_ms);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

/* The next datagram, and whether it is from the kernel itself. */
static int receive_any(int fd, void *buf, size_t size, bool *ret_kernels)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n;

	do {
		n = recvmsg(fd, &msg, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_kernels = msg.msg_namelen == sizeof(from) && from.nl_pid == 0;
	return *ret_kernels && msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : (int)n;
}

int nfsock_recv(struct nl_sock *sk, void *buf, size_t size, int timeout_ms)
{
	int fd = nl_socket_get_fd(sk), strays = 0, n;
	bool kernels = false;

	while (strays < STRAYS_MAX) {
		n = receive_any(fd, buf, size, &kernels);
		if (n >= 0 && kernels)
			return n;
		if (n >= 0) {
			strays++;
			continue;
		}
		if (n != -EAGAIN)
			return n;
		n = wait_readable(fd, timeout_ms);
		if (n < 0)
			return n;
	}
	return -EPROTO;
}
