/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ctevents.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "kernel/ctcodec.h"
#include "kernel/datagram.h"
#include "kernel/nfsock.h"
#include "kernel/sysctl.h"

/* An event is some hundred bytes, a few thousand with labels and a security
 * context. */
#define READ_SIZE 8192

/* Datagrams per call: each holds one event, and a call costs as much. */
#define AT_ONCE 32

/* Events wait here while a listing or a batch is under way: some 20 000. */
#define EVENTS_RCVBUF (32 << 20)

/* Events handed over at a time: about a millisecond. */
#define BATCH 2048

struct ctevents {
	struct nl_sock *sk;
	uint32_t own_port;
	uint8_t family;
	struct sockaddr_nl from[AT_ONCE];
	int len[AT_ONCE];
	bool torn; /* one did not fit */
	uint8_t in[AT_ONCE][READ_SIZE] __attribute__((aligned(8)));
	uint8_t payload[CT_PAYLOAD_MAX] __attribute__((aligned(8)));
};

/* What we do ourselves, two events for each pair of a pin, need not be carried
 * to us only to be thrown away there. A kernel that refuses loses nothing but
 * time: ctevents_take() looks at the port too. */
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

/* What is there now, up to AT_ONCE. -EAGAIN: nothing. */
static int ctevents_receive(struct ctevents *e)
{
	struct mmsghdr msgs[AT_ONCE];
	struct iovec iov[AT_ONCE];
	int i, n;

	memset(msgs, 0, sizeof(msgs));
	for (i = 0; i < AT_ONCE; i++) {
		iov[i] = (struct iovec){ .iov_base = e->in[i], .iov_len = READ_SIZE };
		e->from[i] = (struct sockaddr_nl){ .nl_family = AF_UNSPEC };
		msgs[i].msg_hdr = (struct msghdr){ .msg_name = &e->from[i],
						   .msg_namelen = sizeof(e->from[i]),
						   .msg_iov = &iov[i],
						   .msg_iovlen = 1 };
	}
	do
		n = recvmmsg(nl_socket_get_fd(e->sk), msgs, AT_ONCE, MSG_DONTWAIT, NULL);
	while (n < 0 && errno == EINTR);
	for (i = 0; i < n; i++) {
		bool kernels =
			msgs[i].msg_hdr.msg_namelen == sizeof(e->from[i]) && e->from[i].nl_pid == 0;

		e->torn = e->torn || msgs[i].msg_hdr.msg_flags & MSG_TRUNC;
		e->len[i] = kernels ? (int)msgs[i].msg_len : 0;
	}
	return n < 0 ? -errno : n;
}

/* An overrun that comes after some datagrams is told by the next call. */
int ctevents_read(struct ctevents *e, conn_sink sink, void *ud)
{
	bool lost = false;
	int n, i, got = AT_ONCE, r = 0;

	for (n = 0; r == 0 && n < BATCH && got == AT_ONCE; n += got) {
		got = ctevents_receive(e);
		if (got == -EAGAIN)
			break;
		if (got == -ENOBUFS) {
			lost = true;
			got = AT_ONCE;
			continue;
		}
		if (got < 0)
			return got;
		for (i = 0; i < got && r == 0; i++) {
			const struct nlmsghdr *nlh = (const void *)e->in[i];
			int left = e->len[i];

			for (; r == 0 && datagram_has(nlh, left); nlh = NLMSG_NEXT(nlh, left))
				r = ctevents_take(e, nlh, sink, ud);
		}
	}
	lost = lost || e->torn;
	e->torn = false;
	return r < 0 ? r : lost ? -ENOBUFS : n >= BATCH ? -EAGAIN : 0;
}
