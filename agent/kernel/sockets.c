/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>

#include "kernel/datagram.h"
#include "kernel/nfsock.h"

/* Larger than the chunks the kernel fills for a dump. */
#define READ_SIZE 65536

/* No node has more of them to one address; a bound for the memory. */
#define SOCKETS_MAX (1U << 20)

/* linux/sock_diag.h, and what the headers of RHEL 7 lack of it. */
enum {
	DIAG_BY_FAMILY = 20,
	DIAG_DESTROY = 21, /* SOCK_DESTROY, Linux 4.5 */
};

/* net/tcp_states.h: those with a peer that can be told. */
enum {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT = 2,
	STATE_SYN_RECV = 3,
	STATE_FIN_WAIT1 = 4,
	STATE_FIN_WAIT2 = 5,
	STATE_CLOSE_WAIT = 8,
	STATE_LAST_ACK = 9,
	STATE_CLOSING = 11,
	STATES = 1 << STATE_ESTABLISHED | 1 << STATE_SYN_SENT | 1 << STATE_SYN_RECV |
		 1 << STATE_FIN_WAIT1 | 1 << STATE_FIN_WAIT2 | 1 << STATE_CLOSE_WAIT |
		 1 << STATE_LAST_ACK | 1 << STATE_CLOSING,
};

/* "Own address is A", as a program the kernel runs for each socket: one
 * condition, beyond whose end a socket that does not meet it is sent. */
struct filter {
	struct nlattr attr;
	struct inet_diag_bc_op op;
	/* struct inet_diag_hostcond, which ends in the address */
	uint8_t cond[sizeof(struct inet_diag_hostcond) + 16];
};

struct question {
	struct nlmsghdr nlh;
	struct inet_diag_req_v2 req;
	struct filter filter; /* of a dump */
};

struct found {
	uint8_t family; /* of the socket */
	struct inet_diag_sockid id;
};

struct sockets {
	struct nl_sock *sk;
	uint32_t seq;
	struct addr own;
	struct found *found; /* owned */
	size_t n, cap;
	uint8_t in[READ_SIZE] __attribute__((aligned(8)));
};

static void question_init(struct sockets *s, struct question *q, uint16_t type, uint8_t family)
{
	*q = (struct question){
		.nlh = { .nlmsg_len = NLMSG_LENGTH(sizeof(q->req)),
			 .nlmsg_type = type,
			 .nlmsg_flags = NLM_F_REQUEST,
			 .nlmsg_seq = ++s->seq },
		.req = { .sdiag_family = family,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = STATES },
	};
}

static void question_filter(struct question *q, const struct addr *own)
{
	size_t alen = addr_size(own->family);
	const struct inet_diag_hostcond cond = {
		.family = own->family,
		.prefix_len = (uint8_t)(8 * alen),
		.port = -1,
	};
	size_t clen = sizeof(q->filter.op) + sizeof(cond) + alen;

	q->filter = (struct filter){
		.attr = { .nla_len = (uint16_t)(NLA_HDRLEN + clen),
			  .nla_type = INET_DIAG_REQ_BYTECODE },
		.op = { .code = INET_DIAG_BC_S_COND,
			.yes = (uint8_t)clen,
			.no = (uint16_t)(clen + sizeof(q->filter.op)) },
	};
	memcpy(q->filter.cond, &cond, sizeof(cond));
	memcpy(q->filter.cond + sizeof(cond), own->bytes, alen);
	q->nlh.nlmsg_len += (uint32_t)(NLA_HDRLEN + clen);
}

/* The filter is the kernel's word; what it lets pass is looked at again before
 * anything is closed. */
static bool is_own(const struct addr *own, uint8_t family, const struct inet_diag_sockid *id)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *src = (const uint8_t *)id->idiag_src;

	if (own->family == family)
		return memcmp(src, own->bytes, addr_size(family)) == 0;
	return own->family == AF_INET && family == AF_INET6 &&
	       memcmp(src, mapped, sizeof(mapped)) == 0 && memcmp(src + 12, own->bytes, 4) == 0;
}

static int take(struct sockets *s, const struct nlmsghdr *nlh)
{
	struct inet_diag_msg m;

	if (nlh->nlmsg_type != DIAG_BY_FAMILY || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return 0;
	memcpy(&m, NLMSG_DATA(nlh), sizeof(m));
	if (m.idiag_state > STATE_CLOSING || !(STATES & 1 << m.idiag_state) ||
	    !is_own(&s->own, m.idiag_family, &m.id))
		return 0;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct found *more;

		if (s->n >= SOCKETS_MAX)
			return -E2BIG;
		more = realloc(s->found, cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->found = more;
		s->cap = cap;
	}
	s->found[s->n++] = (struct found){ m.idiag_family, m.id };
	return 0;
}

static int message_error(const struct nlmsghdr *nlh)
{
	int error = 0;

	if (nlh->nlmsg_len >= NLMSG_LENGTH(sizeof(error)))
		memcpy(&error, NLMSG_DATA(nlh), sizeof(error));
	else if (nlh->nlmsg_type == NLMSG_ERROR)
		return -EBADMSG;
	return error > 0 ? -EBADMSG : error;
}

/* Send Q and read to the end of its answer. A listing that was interrupted has
 * at worst missed sockets that are only just coming up. */
static int exchange(struct sockets *s, struct question *q)
{
	int r = nfsock_send(s->sk, q, q->nlh.nlmsg_len);

	while (r == 0) {
		const struct nlmsghdr *nlh = (const void *)s->in;
		int left = nfsock_recv(s->sk, s->in, sizeof(s->in), NFSOCK_PATIENCE_MS);

		if (left < 0)
			return left;
		for (; datagram_has(nlh, left) && r == 0; nlh = NLMSG_NEXT(nlh, left)) {
			if (nlh->nlmsg_seq != q->nlh.nlmsg_seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE)
				return message_error(nlh);
			r = take(s, nlh);
		}
	}
	return r;
}

static int list(struct sockets *s, uint8_t family)
{
	struct question q;
	int r;

	question_init(s, &q, DIAG_BY_FAMILY, family);
	q.nlh.nlmsg_flags |= NLM_F_DUMP;
	question_filter(&q, &s->own);
	r = exchange(s, &q);
	/* no tcp_diag, no IPv6 */
	return r == -ENOENT || r == -EAFNOSUPPORT ? -EOPNOTSUPP : r;
}

/* By its cookie: never another that has come to have the same addresses. */
static int destroy(struct sockets *s, const struct found *f)
{
	struct question q;
	int r;

	question_init(s, &q, DIAG_DESTROY, f->family);
	q.nlh.nlmsg_flags |= NLM_F_ACK;
	q.req.id = f->id;
	r = exchange(s, &q);
	/* An unknown message, says a kernel of before 4.5. */
	return r == -EINVAL ? -EOPNOTSUPP : r;
}

static int destroy_all(struct sockets *s, uint64_t *ret_closed)
{
	int result = 0;

	for (size_t i = 0; i < s->n; i++) {
		int r = destroy(s, &s->found[i]);

		if (r == 0)
			++*ret_closed;
		else if (r == -EOPNOTSUPP || r == -EPERM || r == -ETIMEDOUT)
			return r; /* the next would fare no better */
		else if (r != -ENOENT && r != -ESTALE && !result)
			result = r; /* those have ended by themselves */
	}
	return result;
}

static int open_diag(struct nl_sock **ret)
{
	struct nl_sock *sk = nl_socket_alloc();

	if (!sk)
		return -ENOMEM;
	/* libnl folds errno into codes of its own, but leaves it set. */
	errno = 0;
	if (nl_connect(sk, NETLINK_SOCK_DIAG) < 0) {
		int r = errno > 0 ? -errno : -EIO;

		nl_socket_free(sk);
		return r == -EPROTONOSUPPORT ? -EOPNOTSUPP : r;
	}
	*ret = sk;
	return 0;
}

int sockets_destroy(const struct addr *a, uint64_t *ret_closed)
{
	struct sockets *s;
	int r, six;

	*ret_closed = 0;
	if (!addr_size(a->family))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->own = *a;
	r = open_diag(&s->sk);
	if (r == 0) {
		r = list(s, a->family);
		six = r == 0 && a->family == AF_INET ? list(s, AF_INET6) : 0;
		/* What has been found is closed whatever the rest came to. */
		if (r == 0 && six < 0 && six != -EOPNOTSUPP)
			r = six;
		six = destroy_all(s, ret_closed);
		r = r < 0 ? r : six;
		nl_socket_free(s->sk);
	}
	free(s->found);
	free(s);
	return r;
}
