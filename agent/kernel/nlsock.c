/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nlsock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "base/os.h"

#ifndef NETLINK_CAP_ACK
#define NETLINK_CAP_ACK 10 /* Linux 4.3: error answers without the request's body */
#endif

/* Messages of other senders that are skipped in one call: they may send without end. */
#define STRAYS_MAX 10000

struct nlsock {
	struct nl_sock *sk;
	uint32_t seq;
	uint8_t in[NLSOCK_READ_SIZE] __attribute__((aligned(8)));
};

static void nlsock_enlarge(int fd, int force, int plain, int bytes)
{
	if (bytes && setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

/* libnl folds several errno values into one of its own, so the reason comes
 * from asking the kernel directly. */
static int open_error(int protocol)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : -EIO;
}

int nlsock_new(int protocol, int sndbuf, int rcvbuf, struct nlsock **ret)
{
	_cleanup_(nlsock_freep) struct nlsock *s = calloc(1, sizeof(*s));
	int fd, on = 1;

	if (!s)
		return -ENOMEM;
	s->sk = nl_socket_alloc();
	if (!s->sk)
		return -ENOMEM;
	if (nl_connect(s->sk, protocol) < 0)
		return open_error(protocol);
	fd = nl_socket_get_fd(s->sk);
	nlsock_enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF, sndbuf);
	nlsock_enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF, rcvbuf);
	/* Older kernels do not know it and send the body; the buffers allow for it. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	*ret = TAKE_PTR(s);
	return 0;
}

struct nlsock *nlsock_free(struct nlsock *s)
{
	if (s && s->sk)
		nl_socket_free(s->sk);
	free(s);
	return NULL;
}

int nlsock_join(struct nlsock *s, const int *groups, size_t n)
{
	/* libnl has codes of its own, but leaves errno set. */
	errno = 0;
	for (size_t i = 0; i < n; i++)
		if (nl_socket_add_membership(s->sk, groups[i]) < 0)
			return errno > 0 ? -errno : -EPERM;
	return 0;
}

int nlsock_fd(const struct nlsock *s)
{
	return nl_socket_get_fd(s->sk);
}

uint32_t nlsock_port(const struct nlsock *s)
{
	return nl_socket_get_local_port(s->sk);
}

uint32_t nlsock_seqs(struct nlsock *s, uint32_t n)
{
	uint32_t first = s->seq + 1;

	s->seq += n;
	return first;
}

uint32_t nlsock_seq(struct nlsock *s)
{
	return nlsock_seqs(s, 1);
}

/* By hand instead of nl_send(), which hides the exact errno. */
int nlsock_send(struct nlsock *s, const void *data, size_t len)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	ssize_t n;

	do {
		n = sendto(nlsock_fd(s), data, len, 0, (struct sockaddr *)&to, sizeof(to));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

/* Once: a silence until DEADLINE is over after it. */
static int nlsock_wait(int fd, usec_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	usec_t now;
	int r;

	do {
		now = os_now();
		if (now >= deadline)
			return -ETIMEDOUT;
		r = poll(&p, 1, (int)MIN((deadline - now) / USEC_PER_MSEC + 1, (usec_t)60000));
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

static bool is_of_kernel(const struct msghdr *msg)
{
	const struct sockaddr_nl *from = msg->msg_name;

	return msg->msg_namelen == sizeof(*from) && from->nl_pid == 0;
}

/* The next datagram, and whether it is from the kernel itself. */
static int receive_any(struct nlsock *s, bool *ret_kernels)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = s->in, .iov_len = sizeof(s->in) };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n;

	do {
		n = recvmsg(nlsock_fd(s), &msg, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_kernels = is_of_kernel(&msg);
	return *ret_kernels && msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : (int)n;
}

int nlsock_receive(struct nlsock *s, usec_t deadline, const void **ret)
{
	int strays = 0, n;
	bool kernels = false;

	*ret = s->in;
	while (strays < STRAYS_MAX) {
		n = receive_any(s, &kernels);
		if (n >= 0 && kernels)
			return n;
		if (n >= 0) {
			strays++;
			continue;
		}
		if (n != -EAGAIN)
			return n;
		n = nlsock_wait(nlsock_fd(s), deadline);
		if (n < 0)
			return n;
	}
	return -EPROTO;
}

static void burst_set(struct nlsock_burst *b)
{
	int i;

	for (i = 0; i < NLSOCK_BURST; i++) {
		b->iov[i] = (struct iovec){ .iov_base = b->in[i], .iov_len = NLSOCK_BURST_SIZE };
		b->msgs[i].msg_hdr = (struct msghdr){ .msg_name = &b->from[i],
						      .msg_namelen = sizeof(b->from[i]),
						      .msg_iov = &b->iov[i],
						      .msg_iovlen = 1 };
	}
	b->is_set = true;
}

int nlsock_receive_burst(struct nlsock *s, struct nlsock_burst *b)
{
	int i, n;

	if (!b->is_set)
		burst_set(b);
	do
		n = recvmmsg(nlsock_fd(s), b->msgs, NLSOCK_BURST, MSG_DONTWAIT, NULL);
	while (n < 0 && errno == EINTR);
	n = os_received(n);
	for (i = 0; i < n; i++) {
		struct mmsghdr *m = &b->msgs[i];

		b->torn = b->torn || m->msg_hdr.msg_flags & MSG_TRUNC;
		b->len[i] = is_of_kernel(&m->msg_hdr) ? (int)m->msg_len : 0;
		m->msg_hdr.msg_namelen = sizeof(b->from[i]); /* the kernel has written there */
	}
	return n;
}
