/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ctevents.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "kernel/ctcodec.h"
#include "kernel/datagram.h"
#include "kernel/nfsock.h"
#include "kernel/sysctl.h"

#define READ_SIZE 65536

/* Events wait here while a listing or a batch is under way: some 20 000. */
#define EVENTS_RCVBUF (32 << 20)

/* Events handed over at a time: about a millisecond. */
#define BATCH 2048

struct ctevents {
	struct nl_sock *sk;
	uint32_t own_port;
	uint8_t family;
	uint8_t in[READ_SIZE] __attribute__((aligned(8)));
	uint8_t payload[CT_PAYLOAD_MAX] __attribute__((aligned(8)));
};

/* What we do ourselves, two events for each pair of a pin, need not be carried
 * to us only to be thrown away there. A kernel that refuses loses nothing but
 * time: take() looks at the port too. */
static void leave_out(struct nl_sock *sk, uint32_t own_port)
{
	struct sock_filter code[] = {
		/* numbers are loaded as the network has them */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(own_port), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	(void)setsockopt(nl_socket_get_fd(sk), SOL_SOCKET, SO_ATTACH_FILTER, &program,
			 sizeof(program));
}

int ctevents_new(uint8_t family, bool deaths, uint32_t own_port, struct ctevents **ret)
{
	static const int groups[] = { NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE,
				      NFNLGRP_CONNTRACK_DESTROY };
	size_t n_groups = ARRAY_SIZE(groups) - !deaths;
	struct ctevents *e;
	uint32_t mode;
	size_t i;
	int r;

	if (sysctl_read("net/netfilter/nf_conntrack_events", &mode) == 0 && mode == 0)
		return -ENODATA;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->family = family;
	e->own_port = own_port;
	r = nfsock_open(&e->sk, READ_SIZE, EVENTS_RCVBUF);
	if (r == 0)
		leave_out(e->sk, own_port);
	for (i = 0; r == 0 && i < n_groups; i++)
		if (nl_socket_add_membership(e->sk, groups[i]) < 0)
			r = -EPERM;
	if (r < 0) {
		ctevents_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

struct ctevents *ctevents_free(struct ctevents *e)
{
	if (e && e->sk)
		nl_socket_free(e->sk);
	free(e);
	return NULL;
}

int ctevents_fd(const struct ctevents *e)
{
	return nl_socket_get_fd(e->sk);
}

#define CT_TYPE(type) ((NFNL_SUBSYS_CTNETLINK << 8) | (type))

/* Up to 4.9 a NEW arrives marked as an UPDATE (kernel.md 6), so the two are
 * treated alike. */
static int take(struct ctevents *e, const struct nlmsghdr *nlh, conn_sink sink, void *ud)
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
	int n, r = 0;

	for (n = 0; r == 0 && n < BATCH; n++) {
		const struct nlmsghdr *nlh = (const void *)e->in;
		int left = nfsock_recv(e->sk, e->in, sizeof(e->in), 0);

		if (left == -ETIMEDOUT)
			break;
		if (left == -ENOBUFS) {
			lost = true;
			continue;
		}
		if (left < 0)
			return left;
		for (; r == 0 && datagram_has(nlh, left); nlh = NLMSG_NEXT(nlh, left))
			r = take(e, nlh, sink, ud);
	}
	return r < 0 ? r : lost ? -ENOBUFS : n == BATCH ? -EAGAIN : 0;
}
