/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sockdiag.h"

#include <errno.h>
#include <string.h>

#include "kernel/nlask.h"

struct sockdiag {
	struct nlsock *sk;
};

int sockdiag_new(struct sockdiag **ret)
{
	_cleanup_(sockdiag_freep) struct sockdiag *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	r = nlsock_new(NETLINK_SOCK_DIAG, 0, 0, &d->sk);
	if (r < 0)
		return r == -EPROTONOSUPPORT ? -EOPNOTSUPP : r;
	*ret = TAKE_PTR(d);
	return 0;
}

struct sockdiag *sockdiag_free(struct sockdiag *d)
{
	if (d)
		nlsock_free(d->sk);
	free(d);
	return NULL;
}

struct nlmsghdr sockdiag_header(struct sockdiag *d, uint16_t type, uint16_t flags, size_t len)
{
	return (struct nlmsghdr){
		.nlmsg_len = (uint32_t)NLMSG_LENGTH(len),
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
		.nlmsg_seq = nlsock_seq(d->sk),
	};
}

struct diag_taker {
	int (*take)(void *ud, const struct inet_diag_msg *m);
	void *ud;
};

static int sockdiag_take(void *ud, const struct nlmsghdr *nlh)
{
	const struct diag_taker *t = ud;
	struct inet_diag_msg m;

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return 0;
	memcpy(&m, NLMSG_DATA(nlh), sizeof(m));
	return t->take(t->ud, &m);
}

int sockdiag_exchange(struct sockdiag *d, struct nlmsghdr *request,
		      int (*take)(void *ud, const struct inet_diag_msg *m), void *ud)
{
	struct diag_taker t = { .take = take, .ud = ud };
	const struct attr_buf b = { .data = (uint8_t *)request, .len = request->nlmsg_len };
	int r = nlask_dump(d->sk, &b, sockdiag_take, &t);

	return r == -EINTR ? 0 : r;
}
