/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sockdiag.h"

#include <errno.h>
#include <string.h>

#include "kernel/nlask.h"

int sockdiag_new(struct nlsock **ret)
{
	int r = nlsock_new(NETLINK_SOCK_DIAG, 0, 0, ret);

	return r == -EPROTONOSUPPORT ? -EOPNOTSUPP : r;
}

struct nlmsghdr sockdiag_header(struct nlsock *s, uint16_t type, uint16_t flags, size_t len)
{
	return (struct nlmsghdr){
		.nlmsg_len = (uint32_t)NLMSG_LENGTH(len),
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
		.nlmsg_seq = nlsock_seq(s),
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

int sockdiag_exchange(struct nlsock *s, struct nlmsghdr *request,
		      int (*take)(void *ud, const struct inet_diag_msg *m), void *ud)
{
	struct diag_taker t = { .take = take, .ud = ud };
	const struct attr_buf b = { .data = (uint8_t *)request, .len = request->nlmsg_len };
	int r = nlask_dump(s, &b, sockdiag_take, &t);

	return r == -EINTR ? 0 : r;
}
