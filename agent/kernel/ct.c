/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ct.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/os.h"
#include "kernel/abi_ct.h"
#include "kernel/ctcodec.h"
#include "kernel/nlask.h"
#include "kernel/nlsock.h"

/* One send. Vanilla 3.10 copies it into one contiguous allocation, which
 * beyond 32 KiB may not be found; larger gains nothing measurable. */
#define SEND_SIZE 32768

/* A send holds some 115 creates; each may be answered by an error that repeats
 * the request on kernels before 4.3, about 1.3 kB of socket memory. */
#define REQUEST_RCVBUF (1 << 20)

struct ct {
	struct nlsock *dump, *request;
	uint8_t out[SEND_SIZE] __attribute__((aligned(8)));
	uint8_t payload[CT_PAYLOAD_MAX] __attribute__((aligned(8)));
};

int ct_new(struct ct **ret)
{
	struct ct *ct = calloc(1, sizeof(*ct));
	int r;

	if (!ct)
		return -ENOMEM;
	r = nlsock_new(NETLINK_NETFILTER, SEND_SIZE, REQUEST_RCVBUF, &ct->dump);
	if (r == 0)
		r = nlsock_new(NETLINK_NETFILTER, 4 * SEND_SIZE, REQUEST_RCVBUF, &ct->request);
	if (r < 0) {
		ct_free(ct);
		return r;
	}
	*ret = ct;
	return 0;
}

int ct_need(struct ct **ct)
{
	uint32_t count, max;
	int r = *ct ? 0 : ct_usage(&count, &max);

	return *ct || r < 0 ? r : ct_new(ct);
}

struct ct *ct_free(struct ct *ct)
{
	if (!ct)
		return NULL;
	nlsock_free(ct->dump);
	nlsock_free(ct->request);
	free(ct);
	return NULL;
}

#define CT_NEW NF_TYPE(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW)

struct dump {
	struct ct *ct;
	conn_sink sink;
	void *ud;
	int refused; /* the error of the sink, or -EINTR: the dump was interrupted */
};

static int dump_take(void *ud, const struct nlmsghdr *nlh)
{
	struct dump *d = ud;
	struct conn_record record;
	struct conn_key master;
	struct conn conn;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		d->refused = -EINTR;
	/* an entry that cannot be read is left out: it is not restored, the rest is */
	else if (nlh->nlmsg_type == CT_NEW &&
		 ctcodec_decode(nlh, &conn, &master, d->ct->payload, &record) == 0)
		d->refused = d->sink(d->ud, &record);
	return d->refused;
}

int ct_dump_filtered(struct ct *ct, uint8_t family, const struct tuple *to, conn_sink sink,
		     void *ud)
{
	struct dump d = { .ct = ct, .sink = sink, .ud = ud };
	struct attr_buf b = { .data = ct->out, .size = sizeof(ct->out) };
	int r = ctcodec_dump(b.data, b.size, nlsock_seq(ct->dump), family, to);
	struct nlsock *other;

	if (r < 0)
		return r;
	b.len = (size_t)r;
	r = nlask_dump(ct->dump, &b, dump_take, &d);
	if (d.refused && nlsock_new(NETLINK_NETFILTER, SEND_SIZE, REQUEST_RCVBUF, &other) == 0) {
		nlsock_free(ct->dump); /* else the next dump would read the rest of this one */
		ct->dump = other;
	}
	/* -EINVAL: connections are tracked (ct_usage()), but there is no ctnetlink */
	return d.refused ? d.refused : r == -EINVAL ? -EOPNOTSUPP : r;
}

int ct_dump(struct ct *ct, uint8_t family, conn_sink sink, void *ud)
{
	return ct_dump_filtered(ct, family, NULL, sink, ud);
}

/* OPS[0..n) have been sent with consecutive sequence numbers from FIRST. */
struct answers {
	struct ct *ct;
	struct ct_op *ops;
	size_t n;
	uint32_t first;
	bool done; /* the last one has its verdict */
};

static int answer_take(void *ud, const struct nlmsghdr *nlh)
{
	struct answers *a = ud;
	uint32_t i = nlh->nlmsg_seq - a->first;
	struct conn_record record;
	struct conn_key master;
	struct conn conn;
	struct ct_op *op;

	if (i >= a->n)
		return 0; /* of an earlier batch that was given up */
	op = &a->ops[i];
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		int error = nlask_error(nlh);

		if (op->verb != CT_GET || error < 0)
			op->result = error;
		a->done = a->done || i == a->n - 1;
		return 0;
	}
	if (op->verb != CT_GET || nlh->nlmsg_type != CT_NEW)
		return 0;
	op->result = ctcodec_decode(nlh, &conn, &master, a->ct->payload, &record);
	if (op->result == 0 && op->found)
		*op->found = conn;
	if (op->result == 0 && op->sink)
		op->result = op->sink(op->ud, &record);
	return 0;
}

/* Only the last message asks for an ACK; errors come unasked and in order. So
 * when the last verdict is in, silence about a write means success. */
static int answers_read(struct answers *a)
{
	bool lost = false;
	size_t i;

	while (!a->done) {
		int r = nlask_read(a->ct->request, lost ? 0 : os_now() + NLSOCK_PATIENCE,
				   answer_take, a);

		if (r == -ETIMEDOUT && lost)
			return -ENOBUFS;
		if (r < 0 && r != -ENOBUFS)
			return r;
		lost = lost || r < 0;
	}
	if (lost)
		return -ENOBUFS;
	for (i = 0; i < a->n; i++)
		if (a->ops[i].result == -EINPROGRESS)
			a->ops[i].result = a->ops[i].verb == CT_GET ? -ENOENT : 0;
	return 0;
}

static int op_encode(const struct ct_op *op, void *buf, size_t size, uint32_t seq, uint16_t flags)
{
	switch (op->verb) {
	case CT_CREATE: {
		struct ct_create create = {
			.conn = op->conn,
			.payload = op->payload,
			.payload_len = op->payload_len,
			.orphan = op->orphan,
			.timeout = op->timeout,
		};

		return ctcodec_create(buf, size, seq, flags, &create);
	}
	case CT_DELETE:
		return ctcodec_delete(buf, size, seq, flags, &op->conn->key, op->conn->id);
	case CT_GET:
		return ctcodec_get(buf, size, seq, flags, &op->conn->key);
	}
	return -EINVAL;
}

/* How many ops at OPS must be in one send: the two halves of a pin are, because the kernel finishes
 * a send before it looks at a signal. */
static size_t unit_size(const struct ct_op *ops, size_t n)
{
	return n > 1 && ops[0].verb == CT_DELETE && ops[1].verb == CT_CREATE &&
			       ops[0].conn == ops[1].conn
		       ? 2
		       : 1;
}

/* Encode as many of OPS as fit into one send, numbered from SEQ. Returns the number
 * of ops, with *RET_LEN bytes in ct->out, or -EMSGSIZE when not even the first fits. */
static int send_fill(struct ct *ct, struct ct_op *ops, size_t n, uint32_t seq, size_t *ret_len)
{
	size_t i = 0, len = 0, last = 0;

	while (i < n) {
		size_t unit = unit_size(ops + i, n - i), at = len, j;
		int r = 0;

		for (j = 0; j < unit && r >= 0; j++) {
			r = op_encode(&ops[i + j], ct->out + at, sizeof(ct->out) - at,
				      seq + (uint32_t)(i + j), 0);
			if (r >= 0 && j == unit - 1)
				last = at;
			at += r < 0 ? 0 : (size_t)r;
		}
		if (r < 0)
			break;
		len = at;
		i += unit;
	}
	if (!i)
		return -EMSGSIZE;
	((struct nlmsghdr *)(void *)(ct->out + last))->nlmsg_flags |= NLM_F_ACK;
	*ret_len = len;
	return (int)i;
}

int ct_batch(struct ct *ct, struct ct_op *ops, size_t n)
{
	uint32_t seq = nlsock_seqs(ct->request, (uint32_t)n);
	size_t i, len;
	int r, filled, result = 0;

	for (i = 0; i < n; i++)
		ops[i].result = -EINPROGRESS;
	while (n) {
		struct answers a = { .ct = ct, .ops = ops, .first = seq };

		filled = send_fill(ct, ops, n, seq, &len);
		if (filled < 0) { /* one message larger than a send: it alone fails */
			ops->result = filled;
			ops++, n--, seq++;
			continue;
		}
		a.n = (size_t)filled;
		seq += (uint32_t)filled;
		r = nlsock_send(ct->request, ct->out, len);
		if (r == 0)
			r = answers_read(&a);
		if (r < 0 && r != -ENOBUFS)
			return r;
		if (r < 0)
			result = r;
		ops += filled;
		n -= (size_t)filled;
	}
	return result;
}

uint32_t ct_port(const struct ct *ct)
{
	return nlsock_port(ct->request);
}

int ct_usage(uint32_t *ret_count, uint32_t *ret_max)
{
	uint32_t count, max;
	int r = os_read_sysctl("net/netfilter/nf_conntrack_count", &count);

	if (r < 0)
		return r == -ENOENT ? -EPROTONOSUPPORT : r;
	/* kernels may not tell it in a user's namespace, where it is the machine's */
	if (os_read_sysctl("net/netfilter/nf_conntrack_max", &max) < 0)
		max = 0;
	*ret_count = count;
	*ret_max = max;
	return 0;
}

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

	if (os_read_sysctl("net/netfilter/nf_conntrack_events", &mode) == 0 && mode == 0)
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
	record.born = !gone && nlh->nlmsg_flags & NLM_F_CREATE;
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
