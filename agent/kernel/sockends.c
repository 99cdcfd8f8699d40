/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sockends.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/attr.h"
#include "kernel/nlsock.h"
#include "kernel/sockets.h"

/* They wait here until they are read, every few seconds: some thousands. */
#define ENDS_RCVBUF (4 << 20)

/* Bounds one call. */
#define BURSTS_MAX 1024

/* enum sknetlink_groups (linux/sock_diag.h), which older headers lack. */
enum {
	GROUP_TCP4_DESTROY = 1,
	GROUP_TCP6_DESTROY = 3,
};

struct sockends {
	struct nlsock *sk;
	struct nlsock_burst burst;
};

int sockends_new(struct sockends **ret)
{
	static const int groups[] = { GROUP_TCP4_DESTROY, GROUP_TCP6_DESTROY };
	struct sockends *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = nlsock_new(NETLINK_SOCK_DIAG, 0, ENDS_RCVBUF, &s->sk);
	if (r == 0)
		r = nlsock_join(s->sk, groups, ARRAY_SIZE(groups));
	if (r < 0) {
		sockends_free(s);
		return r == -ENOMEM ? r : -EOPNOTSUPP;
	}
	*ret = s;
	return 0;
}

struct sockends *sockends_free(struct sockends *s)
{
	if (s)
		nlsock_free(s->sk);
	free(s);
	return NULL;
}

static int sockends_take(const struct nlmsghdr *nlh, flow_sink sink, void *ud)
{
	struct inet_diag_msg m;
	struct flow_times times;
	struct flow f;

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return 0;
	memcpy(&m, NLMSG_DATA(nlh), sizeof(m));
	/* one that had no peer, as a listener */
	if (!m.id.idiag_dport || socklist_decode(&m, NULL, IPPROTO_TCP, &f, &times) < 0)
		return 0;
	f.times = NULL;
	f.state = FLOW_CLOSED;
	return sink(ud, &f);
}

int sockends_read(struct sockends *s, flow_sink sink, void *ud)
{
	int i, n, got, r = 0;
	bool lost = false;

	for (n = 0; r >= 0 && n < BURSTS_MAX; n++) {
		got = nlsock_receive_burst(s->sk, &s->burst);
		if (got == -ENOBUFS) {
			lost = true;
			continue;
		}
		if (got == -EAGAIN)
			break;
		if (got < 0)
			return got;
		for (i = 0; i < got && r >= 0; i++) {
			const struct nlmsghdr *nlh = (const void *)s->burst.in[i];
			int left = s->burst.len[i];

			for (; r >= 0 && message_is_whole(nlh, left); nlh = NLMSG_NEXT(nlh, left))
				r = sockends_take(nlh, sink, ud);
		}
	}
	return r < 0 ? r : lost ? -ENOBUFS : 0;
}
