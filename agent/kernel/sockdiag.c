/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sockdiag.h"

#include <errno.h>
#include <string.h>

#include "kernel/datagram.h"
#include "kernel/nfsock.h"

/* Larger than the chunks the kernel fills for a dump. */
#define READ_SIZE 65536

struct sockdiag {
	struct nl_sock *sk;
	uint32_t seq;
	uint8_t in[READ_SIZE] __attribute__((aligned(8)));
};

int sockdiag_new(struct sockdiag **ret)
{
	_cleanup_(sockdiag_freep) struct sockdiag *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	r = nfsock_connect(NETLINK_SOCK_DIAG, &d->sk);
	if (r < 0)
		return r == -EPROTONOSUPPORT ? -EOPNOTSUPP : r;
	*ret = TAKE_PTR(d);
	return 0;
}

struct sockdiag *sockdiag_free(struct sockdiag *d)
{
	if (!d)
		return NULL;
	if (d->sk)
		nl_socket_free(d->sk);
	free(d);
	return NULL;
}

struct nlmsghdr sockdiag_header(struct sockdiag *d, uint16_t type, uint16_t flags, size_t len)
{
	return (struct nlmsghdr){
		.nlmsg_len = (uint32_t)NLMSG_LENGTH(len),
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
		.nlmsg_seq = ++d->seq,
	};
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

int sockdiag_exchange(struct sockdiag *d, const struct nlmsghdr *request,
		      int (*take)(void *ud, const struct inet_diag_msg *m), void *ud)
{
	int r = nfsock_send(d->sk, request, request->nlmsg_len);

	while (r == 0) {
		const struct nlmsghdr *nlh = (const void *)d->in;
		int left = nfsock_recv(d->sk, d->in, sizeof(d->in), NFSOCK_PATIENCE_MS);

		if (left < 0)
			return left;
		for (; datagram_has(nlh, left) && r == 0; nlh = NLMSG_NEXT(nlh, left)) {
			struct inet_diag_msg m;

			if (nlh->nlmsg_seq != request->nlmsg_seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE)
				return message_error(nlh);
			if (nlh->nlmsg_type != SOCKDIAG_BY_FAMILY ||
			    nlh->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
				continue;
			memcpy(&m, NLMSG_DATA(nlh), sizeof(m));
			r = take(ud, &m);
		}
	}
	return r;
}
