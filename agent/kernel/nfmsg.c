/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nfmsg.h"

#include <arpa/inet.h>
#include <errno.h>

#include "base/os.h"
#include "kernel/datagram.h"
#include "kernel/nfsock.h"

/* The kernel fills chunks of up to 32 KiB. */
#define READ_SIZE 32768

size_t nfmsg_begin(struct attr_buf *b, uint16_t type, uint16_t flags, uint8_t family, uint32_t seq)
{
	size_t at = b->len;
	struct nlmsghdr *nlh = buf_reserve(b, NLMSG_HDRLEN);
	struct nfgenmsg *nfg = buf_reserve(b, sizeof(*nfg));

	if (!nlh || !nfg)
		return at;
	*nlh = (struct nlmsghdr){
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
		.nlmsg_seq = seq,
	};
	*nfg = (struct nfgenmsg){ .nfgen_family = family, .version = NFNETLINK_V0 };
	return at;
}

void nfmsg_end(struct attr_buf *b, size_t at)
{
	if (!b->full)
		((struct nlmsghdr *)(void *)(b->data + at))->nlmsg_len = (uint32_t)(b->len - at);
}

static void batch_mark(struct attr_buf *b, uint16_t type, uint32_t seq)
{
	size_t at = nfmsg_begin(b, type, 0, 0, seq);

	if (!b->full) {
		struct nfgenmsg *nfg = (void *)(b->data + at + NLMSG_HDRLEN);

		nfg->res_id = htons(NF_SUBSYS_NFTABLES);
	}
	nfmsg_end(b, at);
}

void nfmsg_batch_begin(struct attr_buf *b, uint32_t seq)
{
	batch_mark(b, NF_BATCH_BEGIN, seq);
}

void nfmsg_batch_end(struct attr_buf *b, uint32_t seq)
{
	batch_mark(b, NF_BATCH_END, seq);
}

void nfmsg_string(struct attr_buf *b, uint16_t type, const char *value)
{
	buf_put(b, type, value, strlen(value) + 1);
}

void nfmsg_be32(struct attr_buf *b, uint16_t type, uint32_t value)
{
	value = htonl(value);
	buf_put(b, type, &value, sizeof(value));
}

const char *nfmsg_text(const struct nlattr *a)
{
	return a && memchr(attr_data(a), '\0', attr_len(a)) ? attr_data(a) : NULL;
}

bool nfmsg_parse(const struct nlmsghdr *nlh, uint16_t type, const struct nlattr **ret, uint16_t max)
{
	size_t head = NLMSG_SPACE(sizeof(struct nfgenmsg));

	return nlh->nlmsg_type == type && nlh->nlmsg_len >= head &&
	       attrs_parse((const uint8_t *)nlh + head, nlh->nlmsg_len - head, ret, max);
}

static usec_t patience_end(void)
{
	return os_now() + NFSOCK_PATIENCE_MS * USEC_PER_MSEC;
}

/* Read one datagram. One deadline for all: answers of earlier, abandoned
 * exchanges must not prolong the wait. */
static int nfmsg_receive(struct nl_sock *sk, void *buf, size_t size, usec_t deadline)
{
	usec_t now = os_now();

	if (now >= deadline)
		return -ETIMEDOUT;
	return nfsock_recv(sk, buf, size, (int)((deadline - now) / USEC_PER_MSEC) + 1);
}

int nfmsg_error(const struct nlmsghdr *nlh)
{
	int error = 0;

	if (nlh->nlmsg_len >= NLMSG_SPACE(sizeof(error)))
		memcpy(&error, NLMSG_DATA(nlh), sizeof(error));
	else if (nlh->nlmsg_type == NLMSG_ERROR)
		return -EBADMSG;
	return error > 0 ? -EBADMSG : error;
}

int nfmsg_ask(struct nl_sock *sk, const void *data, size_t len, uint32_t first, uint32_t last)
{
	uint8_t in[8192] __attribute__((aligned(8)));
	usec_t deadline = patience_end();
	bool done = false;
	int result = 0, r = nfsock_send(sk, data, len);

	if (r < 0)
		return r;
	while (!done) {
		const struct nlmsghdr *nlh = (const void *)in;
		int left = nfmsg_receive(sk, in, sizeof(in), deadline);

		if (left < 0)
			return left;
		for (; datagram_has(nlh, left); nlh = NLMSG_NEXT(nlh, left)) {
			if (nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_seq - first > last - first)
				continue;
			r = nfmsg_error(nlh);
			if (r < 0 && !result)
				result = r;
			/* The beginning of a batch is only ever answered by the
			 * error that ended it. */
			done = done || nlh->nlmsg_seq == last || (nlh->nlmsg_seq == first && r < 0);
		}
	}
	return result;
}

int nfmsg_list(struct nl_sock *sk, const void *data, size_t len,
	       void (*sink)(void *ud, const struct nlmsghdr *nlh), void *ud)
{
	_cleanup_free_ void *in = malloc(READ_SIZE);
	uint32_t seq = ((const struct nlmsghdr *)data)->nlmsg_seq;
	usec_t deadline = patience_end();
	int result = 0, r;

	if (!in)
		return -ENOMEM;
	r = nfsock_send(sk, data, len);
	if (r < 0)
		return r;
	for (;;) {
		const struct nlmsghdr *nlh = in;
		int left = nfmsg_receive(sk, in, READ_SIZE, deadline);

		if (left < 0)
			return left;
		for (; datagram_has(nlh, left); nlh = NLMSG_NEXT(nlh, left)) {
			if (nlh->nlmsg_seq != seq)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				result = -EINTR;
			if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
				r = nfmsg_error(nlh);
				return r < 0 ? r : result;
			}
			sink(ud, nlh);
		}
	}
}
