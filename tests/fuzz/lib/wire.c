/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <vipsafe/base.h>

#include "fuzz.h"

int __wrap_nl_connect(struct nl_sock *sk, int protocol);
int __wrap_nl_socket_add_membership(struct nl_sock *sk, int group);
int __wrap_os_read_sysctl(const char *name, uint32_t *ret);
int __wrap_access(const char *path, int mode);
int __real_access(const char *path, int mode);
int __wrap_nanosleep(const struct timespec *t, struct timespec *left);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
int __wrap_recvmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags, struct timespec *timeout);
ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
		      socklen_t to_len);

static struct input answers;

void wire_load(const uint8_t *data, size_t size)
{
	answers = (struct input){ data, size };
}

static unsigned next_length(void)
{
	struct input look = answers;

	return look.left ? input_u16(&look) : WIRE_SILENCE;
}

int __wrap_nl_connect(struct nl_sock *sk _unused_, int protocol _unused_)
{
	return 0;
}

int __wrap_nl_socket_add_membership(struct nl_sock *sk _unused_, int group _unused_)
{
	return 0;
}

int __wrap_os_read_sysctl(const char *name _unused_, uint32_t *ret _unused_)
{
	return -ENOENT;
}

/* Every module is loaded, and IPVS is there. */
int __wrap_access(const char *path, int mode)
{
	static const char modules[] = "/sys/module/", ipvs[] = "/proc/net/ip_vs";

	if (!strncmp(path, modules, strlen(modules)) || !strcmp(path, ipvs))
		return 0;
	return __real_access(path, mode);
}

int __wrap_nanosleep(const struct timespec *t _unused_, struct timespec *left _unused_)
{
	return 0;
}

/* Beyond the end of the input an error: silence would be waited out. */
int __wrap_poll(struct pollfd *fds _unused_, nfds_t n _unused_, int timeout _unused_)
{
	if (!answers.left) {
		errno = EIO;
		return -1;
	}
	if (next_length() == WIRE_SILENCE) {
		input_u16(&answers);
		return 0;
	}
	return 1;
}

static ssize_t fail(int error)
{
	errno = error;
	return -1;
}

/* What an earlier answer left behind in the buffer. Who takes it for a message
 * of this one finds it a megabyte long, and the next beyond the buffer. */
static void leave_trap(uint8_t *rest, size_t size)
{
	static const uint8_t length[] = { 0x10, 0x00, 0x10, 0x00 };

	for (size_t i = 0; i < MIN(size, (size_t)64); i++)
		rest[i] = length[i % sizeof(length)];
}

ssize_t __wrap_recvmsg(int fd _unused_, struct msghdr *msg, int flags _unused_)
{
	struct sockaddr_nl *from = msg->msg_name;
	unsigned length = next_length();
	const uint8_t *p;
	size_t n;

	if (length == WIRE_SILENCE)
		return fail(EAGAIN);
	input_u16(&answers);
	if (length == WIRE_LOST || length == WIRE_EINTR)
		return fail(length == WIRE_LOST ? ENOBUFS : EINTR);
	*from = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = length == WIRE_STRANGER };
	msg->msg_namelen = sizeof(*from);
	msg->msg_flags = length == WIRE_TORN ? MSG_TRUNC : 0;
	if (length >= WIRE_FIRST)
		length = input_u16(&answers);
	p = input_take(&answers, length, &n);
	n = MIN(n, msg->msg_iov->iov_len);
	memcpy(msg->msg_iov->iov_base, p, n);
	leave_trap((uint8_t *)msg->msg_iov->iov_base + n, msg->msg_iov->iov_len - n);
	return (ssize_t)n;
}

int __wrap_recvmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags,
		    struct timespec *timeout _unused_)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		ssize_t len = __wrap_recvmsg(fd, &msgs[i].msg_hdr, flags);

		if (len < 0)
			break;
		msgs[i].msg_len = (unsigned)len;
	}
	return i ? (int)i : -1;
}

ssize_t __wrap_sendto(int fd _unused_, const void *data, size_t len, int flags _unused_,
		      const struct sockaddr *to, socklen_t to_len)
{
	const uint8_t *p = data;
	size_t left = len;

	CLAIM(to_len == sizeof(struct sockaddr_nl));
	CLAIM(((const struct sockaddr_nl *)(const void *)to)->nl_pid == 0);
	CLAIM(len > 0);
	while (left) { /* to the last byte: the kernel would see no less */
		const struct nlmsghdr *nlh = (const void *)p;

		CLAIM(left >= sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
		      NLMSG_ALIGN(nlh->nlmsg_len) <= NLMSG_ALIGN(left));
		CLAIM(nlh->nlmsg_flags & NLM_F_REQUEST);
		wire_sent(nlh);
		p += MIN((size_t)NLMSG_ALIGN(nlh->nlmsg_len), left);
		left -= MIN((size_t)NLMSG_ALIGN(nlh->nlmsg_len), left);
	}
	return (ssize_t)len;
}
