/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ctevents.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/filter.h>

#include "kernel/abi_ct.h"
#include "kernel/ctcodec.h"
#include "kernel/nfmsg.h"
#include "kernel/nlsock.h"
#include "kernel/sysctl.h"

/* Events wait here while a listing or a batch is under way: some 20 000. */
#define EVENTS_RCVBUF (32 << 20)

/* Events handed over at a time: about a millisecond. */
#define BATCH 2048

/* An event is some hundred bytes, a few thousand with labels and a security
 * context: it fits into a burst's. */
struct ctevents {
	struct nlsock *sk;
	uint32_t own_port;
	uint8_t family;
	struct nlsock_burst burst;
	uint8_t payload[CT_PAYLOAD_MAX] __attribute__((aligned(8)));
};

/* Let the kernel drop the events of our own changes, two for each pin. If it refuses the
 * filter only time is lost: ctevents_take() looks at the port too. */
static void leave_out(struct nlsock *sk, uint32_t own_port)
{
	struct sock_filter code[] = {
		/* numbers are loaded as the network has them */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(own_port), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	(void)setsockopt(nlsock_fd(sk), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int ctevents_new(uint8_t family, bool deaths, uint32_t own_port, struct ctevents **ret)
{
	static const int groups[] = { NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE,
				      NFNLGRP_CONNTRACK_DESTROY };
	size_t n_groups = ARRAY_SIZE(groups) - !deaths;
	struct ctevents *e;
	uint32_t mode;
	int r;

	if (sysctl_read("net/netfilter/nf_conntrack_events", &mode) == 0 && mode == 0)
		return -ENODATA;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->family = family;
	e->own_port = own_port;
	r = nlsock_new(NETLINK_NETFILTER, 0, EVENTS_RCVBUF, &e->sk);
	if (r == 0) {
		leave_out(e->sk, own_port);
		r = nlsock_join(e->sk, groups, n_groups);
	}
	if (r < 0) {
		ctevents_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

struct ctevents *ctevents_free(struct ctevents *e)
{
	if (e)
		nlsock_free(e->sk);
	free(e);
	return NULL;
}

int ctevents_fd(const struct ctevents *e)
{
	return nlsock_fd(e->sk);
}

#define CT_TYPE(type) NF_TYPE(NFNL_SUBSYS_CTNETLINK, type)

/* Up to 4.9 a NEW arrives marked as an UPDATE (docs/kernel.md 6), so the two are
 * treated alike. */
static int ctevents_take(struct ctevents *e, const struct nlmsghdr *nlh, conn_sink sink, void *ud)
{
	const struct nfgenmsg *nfg = NLMSG_DATA(nlh);
	bool gone = nlh->nlmsg_type == CT_TYPE(IPCTNL_MSG_CT_DELETE);
	struct conn_record record;
	struct conn_key master;
	struct conn conn;

	if ((!gone && nlh->nlmsg_type != CT_TYPE(IPCTNL_MSG_CT_NEW)) ||
	    nlh->nlmsg_len < NLMSG_SPACE(sizeof(*nfg)) || nlh->nlmsg_pid == e->own_port ||
	    (e->family != AF_UNSPEC && nfg->nfgen_family != e->family))
		return 0;
	if (ctcodec_decode(nlh, &conn, &master, e->payload, &record) < 0)
		return 0;
	record.gone = gone;
	record.by = nlh->nlmsg_pid;
	return sink(ud, &record);
}

int ctevents_read(struct ctevents *e, conn_sink sink, void *ud)
{
	bool lost = false;
	int n, i, got = NLSOCK_BURST, r = 0;

	for (n = 0; r == 0 && n < BATCH && got == NLSOCK_BURST; n += got) {
		got = nlsock_receive_burst(e->sk, &e->burst);
		if (got == -EAGAIN)
			break;
		if (got == -ENOBUFS) {
			lost = true;
			got = NLSOCK_BURST;
			continue;
		}
		if (got < 0)
			return got;
		for (i = 0; i < got && r == 0; i++) {
			const struct nlmsghdr *nlh = (const void *)e->burst.in[i];
			int left = e->burst.len[i];

			for (; r == 0 && message_is_whole(nlh, left); nlh = NLMSG_NEXT(nlh, left))
				r = ctevents_take(e, nlh, sink, ud);
		}
	}
	lost = lost || e->burst.torn;
	e->burst.torn = false;
	return r < 0 ? r : lost ? -ENOBUFS : n >= BATCH ? -EAGAIN : 0;
}
