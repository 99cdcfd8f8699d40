/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ctstats.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "kernel/abi_ct.h"
#include "kernel/nlask.h"

#define CT_GET_STATS NF_TYPE(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET_STATS_CPU)

/* Those of one processor. */
static int ctstats_add(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[CTA_STATS_EARLY_DROP + 1];
	uint64_t *sum = ud;
	uint32_t n = 0;

	if (nfmsg_parse(nlh, CT_GET_STATS, tb, CTA_STATS_EARLY_DROP) &&
	    attr_read(tb[CTA_STATS_EARLY_DROP], &n, sizeof(n)))
		*sum += ntohl(n);
	return 0;
}

int ctstats_early_drops(uint64_t *ret)
{
	uint8_t data[64] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	uint64_t sum = 0;
	int r = nlsock_new(NETLINK_NETFILTER, 0, 0, &s);

	if (r < 0)
		return r;
	nfmsg_begin(&b, CT_GET_STATS, NLM_F_DUMP, AF_UNSPEC, nlsock_seq(s));
	message_end(&b, 0);
	r = nlask_dump(s, &b, ctstats_add, &sum);
	if (r == 0)
		*ret = sum;
	return r;
}
