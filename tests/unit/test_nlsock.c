/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a netlink socket makes of what the kernel says of lost datagrams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/nlsock.h"

int __wrap_recvmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags, struct timespec *timeout);

/* What the next call does: so many datagrams of one byte, or an errno. */
static int next;
static uint32_t sender;

int __wrap_recvmmsg(int fd _unused_, struct mmsghdr *msgs, unsigned n _unused_, int flags _unused_,
		    struct timespec *timeout _unused_)
{
	if (next < 0) {
		errno = -next;
		return -1;
	}
	for (int i = 0; i < next; i++) {
		struct sockaddr_nl *from = msgs[i].msg_hdr.msg_name;

		*from = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = sender };
		msgs[i].msg_len = 1;
	}
	return next;
}

static int burst(struct nlsock_burst *b)
{
	struct nlsock *s = NULL;
	int r;

	memset(b, 0, sizeof(*b));
	assert_int_equal(nlsock_new(NETLINK_ROUTE, 0, 0, &s), 0);
	r = nlsock_receive_burst(s, b);
	nlsock_free(s);
	return r;
}

/* recvmmsg() returns 0 where kernels before 4.11 have an overrun to tell of and no
 * datagram yet. */
static void losses(void **state _unused_)
{
	static struct nlsock_burst b;

	next = 0;
	assert_int_equal(burst(&b), -ENOBUFS);
	next = -ENOBUFS;
	assert_int_equal(burst(&b), -ENOBUFS);
	next = -EAGAIN;
	assert_int_equal(burst(&b), -EAGAIN);
}

static void senders(void **state _unused_)
{
	static struct nlsock_burst b;

	next = 3;
	assert_int_equal(burst(&b), 3);
	assert_int_equal(b.len[2], 1);
	sender = 4711;
	assert_int_equal(burst(&b), 3);
	assert_int_equal(b.len[0] + b.len[1] + b.len[2], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses),
		cmocka_unit_test(senders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
