/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/rtnl.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "base/os.h"

/* The kernel works in our send(), so an answer is there at once or never. */
#define ANSWER_DEADLINE (5 * USEC_PER_SEC)

/* No kernel packs more than 32 KiB of a dump into one datagram. */
#define RECEIVE_SIZE (64U * 1024)

/* Of a request that the kernel had no memory for: it was not sent. */
#define SEND_TRIES 5
#define SEND_PAUSE_MS 2

struct rtnl {
	struct nl_sock *sk;
	uint32_t seq;
	uint8_t buf[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
};

/* What the answer to one request consists of. */
struct exchange {
	uint32_t seq;
	bool dump;
	bool interrupted;
	rtnl_sink sink; /* NULL: only the verdict matters */
	void *ud;
	bool seen; /* an object came, where one was asked for */
};

int rtnl_new(struct rtnl **ret)
{
	_cleanup_(rtnl_freep) struct rtnl *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->sk = nl_socket_alloc();
	if (!r->sk)
		return -ENOMEM;
	/* libnl folds errno into codes of its own, but leaves it set. */
	errno = 0;
	if (nl_connect(r->sk, NETLINK_ROUTE) < 0)
		return errno > 0 ? -errno : -EIO;
	*ret = TAKE_PTR(r);
	return 0;
}

struct rtnl *rtnl_free(struct rtnl *r)
{
	if (!r)
		return NULL;
	if (r->sk)
		nl_socket_free(r->sk);
	free(r);
	return NULL;
}

struct nl_msg *rtnl_message(int type, int flags)
{
	return nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);
}

/* By hand instead of nl_send(), which hides the exact errno. */
static int send_request(struct rtnl *r, struct nl_msg *m, uint32_t *ret_seq)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr *h = nlmsg_hdr(m);
	unsigned tries = 0;
	ssize_t n;

	h->nlmsg_seq = ++r->seq;
	h->nlmsg_pid = nl_socket_get_local_port(r->sk);
	for (;;) {
		n = sendto(nl_socket_get_fd(r->sk), h, h->nlmsg_len, 0, (struct sockaddr *)&kernel,
			   sizeof(kernel));
		if (n < 0 && errno == ENOBUFS && tries++ < SEND_TRIES)
			(void)poll(NULL, 0, SEND_PAUSE_MS); /* short of memory for a moment */
		else if (n >= 0 || errno != EINTR)
			break;
	}
	if (n < 0)
		return -errno;
	*ret_seq = h->nlmsg_seq;
	return 0;
}

/* The next datagram from the kernel itself; anybody may send us others. */
static int rtnl_receive(struct rtnl *r, usec_t deadline, size_t *ret_size)
{
	for (;;) {
		int fd = nl_socket_get_fd(r->sk), err;
		struct iovec iov = { .iov_base = r->buf, .iov_len = sizeof(r->buf) };
		struct sockaddr_nl from = { 0 };
		struct msghdr msg = { .msg_name = &from,
				      .msg_namelen = sizeof(from),
				      .msg_iov = &iov,
				      .msg_iovlen = 1 };
		ssize_t n;

		err = os_wait_readable(fd, deadline);
		if (err < 0)
			return err;
		n = recvmsg(fd, &msg, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return -errno;
		if (msg.msg_namelen != sizeof(from) || from.nl_pid != 0)
			continue;
		if (msg.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		*ret_size = (size_t)n;
		return 0;
	}
}

/* NLMSG_ERROR and NLMSG_DONE both begin with an errno, 0 or negative. */
static int payload_error(struct nlmsghdr *h)
{
	int error;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(error)))
		return h->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	memcpy(&error, nlmsg_data(h), sizeof(error));
	return error > 0 ? -EBADMSG : error;
}

/* Take one message; *RET_DONE when it was the last of this answer. */
static int rtnl_take(struct exchange *x, struct nlmsghdr *h, bool *ret_done)
{
	int r = 0;

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		x->interrupted = true;
	switch (h->nlmsg_type) {
	case NLMSG_NOOP:
		return 0;
	case NLMSG_OVERRUN:
		return -ENOBUFS;
	case NLMSG_ERROR:
	case NLMSG_DONE:
		*ret_done = true;
		r = payload_error(h);
		/* "Fine" without the object asked for is no answer. */
		return r == 0 && x->sink && !x->dump && !x->seen ? -EBADMSG : r;
	default: /* of the kernel's numbers: the object itself */
		x->seen = true;
		if (x->sink)
			r = x->sink(x->ud, h);
		if (x->sink && !x->dump)
			*ret_done = true;
		return r;
	}
}

static int rtnl_collect(struct rtnl *r, struct exchange *x)
{
	usec_t deadline = os_now() + ANSWER_DEADLINE;

	for (;;) {
		struct nlmsghdr *h = (struct nlmsghdr *)r->buf;
		bool done = false;
		size_t size = 0;
		int left, err;

		err = rtnl_receive(r, deadline, &size);
		if (err < 0)
			return err;
		for (left = (int)size; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
			/* The rest of an answer nobody waited for to the end. */
			if (h->nlmsg_seq != x->seq)
				continue;
			err = rtnl_take(x, h, &done);
			if (err < 0)
				return err;
			if (done)
				return x->interrupted ? -EINTR : 0;
		}
	}
}

static int rtnl_exchange(struct rtnl *r, struct nl_msg *m, struct exchange *x)
{
	int err = send_request(r, m, &x->seq);

	return err < 0 ? err : rtnl_collect(r, x);
}

int rtnl_change(struct rtnl *r, struct nl_msg *m)
{
	struct exchange x = { 0 };

	nlmsg_hdr(m)->nlmsg_flags |= NLM_F_ACK;
	return rtnl_exchange(r, m, &x);
}

int rtnl_query(struct rtnl *r, struct nl_msg *m, rtnl_sink sink, void *ud)
{
	struct exchange x = { .sink = sink, .ud = ud };

	return rtnl_exchange(r, m, &x);
}

int rtnl_dump(struct rtnl *r, struct nl_msg *m, rtnl_sink sink, void *ud)
{
	struct exchange x = { .dump = true, .sink = sink, .ud = ud };

	nlmsg_hdr(m)->nlmsg_flags |= NLM_F_DUMP;
	return rtnl_exchange(r, m, &x);
}

int rtnl_attrs(struct nlmsghdr *h, size_t hdrlen, struct nlattr *attrs[RTNL_ATTRS_MAX])
{
	struct nlattr *a;
	int left;

	memset(attrs, 0, sizeof(*attrs) * RTNL_ATTRS_MAX);
	if (h->nlmsg_len < NLMSG_LENGTH(hdrlen))
		return -EBADMSG;
	a = nlmsg_attrdata(h, (int)hdrlen);
	left = nlmsg_attrlen(h, (int)hdrlen);
	for (; nla_ok(a, left); a = nla_next(a, &left))
		if (nla_type(a) < RTNL_ATTRS_MAX)
			attrs[nla_type(a)] = a;
	return 0;
}
