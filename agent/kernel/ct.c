/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ct.h"

#include <errno.h>
#include <string.h>

#include <linux/netlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "kernel/ctcodec.h"
#include "kernel/datagram.h"
#include "kernel/nfmsg.h"
#include "kernel/nfsock.h"
#include "kernel/sysctl.h"

/* The kernel fills dump chunks of up to 32 KiB when it has seen a reader with
 * a buffer that large (netlink_dump(), Linux 4.4). */
#define READ_SIZE 65536

/* One send. Vanilla 3.10 copies it into one contiguous allocation, which
 * beyond 32 KiB may not be found; larger gains nothing measurable. */
#define SEND_SIZE 32768

/* A send holds some 115 creates; each may be answered by an error that repeats
 * the request on kernels before 4.3, about 1.3 kB of socket memory. */
#define REQUEST_RCVBUF (1 << 20)

struct ct {
	struct nl_sock *dump, *request;
	uint32_t seq;
	uint8_t in[READ_SIZE] __attribute__((aligned(8)));
	uint8_t out[SEND_SIZE] __attribute__((aligned(8)));
	uint8_t payload[CT_PAYLOAD_MAX] __attribute__((aligned(8)));
};

int ct_new(struct ct **ret)
{
	struct ct *ct = calloc(1, sizeof(*ct));
	int r;

	if (!ct)
		return -ENOMEM;
	r = nfsock_open(&ct->dump, SEND_SIZE, REQUEST_RCVBUF);
	if (r == 0)
		r = nfsock_open(&ct->request, 4 * SEND_SIZE, REQUEST_RCVBUF);
	if (r < 0) {
		ct_free(ct);
		return r;
	}
	*ret = ct;
	return 0;
}

struct ct *ct_free(struct ct *ct)
{
	if (!ct)
		return NULL;
	if (ct->dump)
		nl_socket_free(ct->dump);
	if (ct->request)
		nl_socket_free(ct->request);
	free(ct);
	return NULL;
}

struct dump {
	conn_sink sink;
	void *ud;
	int result; /* first refusal of the sink, or why the listing is no good */
	bool done;
};

static void dump_message(struct ct *ct, const struct nlmsghdr *nlh, struct dump *d)
{
	struct conn_record record;
	struct conn_key master;
	struct conn conn;
	int r;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR && !d->result)
		d->result = -EINTR;
	if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR) {
		r = nfmsg_error(nlh);
		if (r < 0 && !d->result)
			/* nfnetlink has no such subsystem: connections are tracked
			 * (ct_usage() was asked before), but not to be had */
			d->result = r == -EINVAL ? -EOPNOTSUPP : r;
		d->done = true;
		return;
	}
	if (d->result || nlh->nlmsg_type != ((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW))
		return;
	r = ctcodec_decode(nlh, &conn, &master, ct->payload, &record);
	/* One entry that makes no sense to us is not restored; the rest is. */
	if (r == 0)
		d->result = d->sink(d->ud, &record);
}

int ct_dump(struct ct *ct, uint8_t family, conn_sink sink, void *ud)
{
	struct dump d = { .sink = sink, .ud = ud };
	uint32_t seq = ++ct->seq;
	int n = ctcodec_dump(ct->out, sizeof(ct->out), seq, family);
	int r = n < 0 ? n : nfsock_send(ct->dump, ct->out, (size_t)n);

	if (r < 0)
		return r;
	while (!d.done) {
		const struct nlmsghdr *nlh = (const void *)ct->in;
		int left = nfsock_recv(ct->dump, ct->in, sizeof(ct->in), NFSOCK_PATIENCE_MS);

		if (left < 0)
			return left;
		for (; datagram_has(nlh, left) && !d.done; nlh = NLMSG_NEXT(nlh, left))
			if (nlh->nlmsg_seq == seq)
				dump_message(ct, nlh, &d);
	}
	return d.result;
}

/* OPS[0..n) have been sent with consecutive sequence numbers from FIRST. */
struct answers {
	struct ct_op *ops;
	size_t n;
	uint32_t first;
	bool done; /* the last one has its verdict */
};

static void answer_take(struct ct *ct, const struct nlmsghdr *nlh, struct answers *a)
{
	uint32_t i = nlh->nlmsg_seq - a->first;
	struct conn_record record;
	struct conn_key master;
	struct conn conn;
	struct ct_op *op;

	if (i >= a->n)
		return; /* of an earlier batch that was given up */
	op = &a->ops[i];
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		int error = nfmsg_error(nlh);

		if (op->verb != CT_GET || error < 0)
			op->result = error;
		a->done = a->done || i == a->n - 1;
		return;
	}
	if (op->verb != CT_GET ||
	    nlh->nlmsg_type != ((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW))
		return;
	op->result = ctcodec_decode(nlh, &conn, &master, ct->payload, &record);
	if (op->result == 0 && op->found)
		*op->found = conn;
	if (op->result == 0 && op->sink)
		op->result = op->sink(op->ud, &record);
}

/* Only the last message asks for an ACK; errors come unasked and in order. So
 * when the last verdict is in, silence about a write means success. */
static int answers_read(struct ct *ct, struct answers *a)
{
	bool lost = false;
	size_t i;

	while (!a->done) {
		const struct nlmsghdr *nlh = (const void *)ct->in;
		int left = nfsock_recv(ct->request, ct->in, sizeof(ct->in),
				       lost ? 0 : NFSOCK_PATIENCE_MS);

		if (left == -ENOBUFS) {
			lost = true;
			continue;
		}
		if (left == -ETIMEDOUT && lost)
			return -ENOBUFS;
		if (left < 0)
			return left;
		for (; datagram_has(nlh, left); nlh = NLMSG_NEXT(nlh, left))
			answer_take(ct, nlh, a);
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

/* How many ops at OPS must not be torn apart: the two halves of a pin travel
 * in one send, because the kernel finishes a send before it looks at a signal. */
static size_t unit_size(const struct ct_op *ops, size_t n)
{
	return n > 1 && ops[0].verb == CT_DELETE && ops[1].verb == CT_CREATE &&
			       ops[0].conn == ops[1].conn
		       ? 2
		       : 1;
}

/* Encode as many of OPS as fit into one send. Returns the number of ops, with
 * *RET_LEN bytes in ct->out, or -EMSGSIZE when not even the first fits. */
static int send_fill(struct ct *ct, struct ct_op *ops, size_t n, size_t *ret_len)
{
	size_t i = 0, len = 0, last = 0;

	while (i < n) {
		size_t unit = unit_size(ops + i, n - i), at = len, j;
		int r = 0;

		for (j = 0; j < unit && r >= 0; j++) {
			r = op_encode(&ops[i + j], ct->out + at, sizeof(ct->out) - at,
				      ct->seq + 1 + (uint32_t)(i + j), 0);
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
	size_t i, len;
	int r, filled, result = 0;

	for (i = 0; i < n; i++)
		ops[i].result = -EINPROGRESS;
	while (n) {
		struct answers a = { .ops = ops, .first = ct->seq + 1 };

		filled = send_fill(ct, ops, n, &len);
		if (filled < 0) { /* one message larger than a send: it alone fails */
			ops->result = filled;
			ops++, n--;
			continue;
		}
		a.n = (size_t)filled;
		ct->seq += (uint32_t)filled;
		r = nfsock_send(ct->request, ct->out, len);
		if (r == 0)
			r = answers_read(ct, &a);
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
	return nl_socket_get_local_port(ct->request);
}

int ct_usage(uint32_t *ret_count, uint32_t *ret_max)
{
	uint32_t count, max;
	int r = sysctl_read("net/netfilter/nf_conntrack_count", &count);

	if (r == 0)
		r = sysctl_read("net/netfilter/nf_conntrack_max", &max);
	if (r < 0)
		return r == -ENOENT ? -EPROTONOSUPPORT : r;
	*ret_count = count;
	*ret_max = max;
	return 0;
}
