/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nlask.h"

#include <errno.h>
#include <poll.h>

#include "base/os.h"
#include "kernel/abi_nft.h"

/* Of a request that the kernel had no memory for: it was not sent. */
#define SEND_TRIES 5
#define SEND_PAUSE_MS 2

/* What is asked for, and what has come of it. */
struct exchange {
	enum { FOR_VERDICTS, FOR_OBJECT, FOR_LIST } what;
	uint32_t first, last; /* sequence numbers */
	nlask_sink sink;
	void *ud;
	int result; /* the first error */
	bool is_batch;
	bool interrupted, done;
	bool heard; /* something in the datagram was for us */
};

int nlask_error(const struct nlmsghdr *nlh)
{
	int error = 0;

	if (nlh->nlmsg_len >= NLMSG_SPACE(sizeof(error)))
		memcpy(&error, NLMSG_DATA(nlh), sizeof(error));
	else if (nlh->nlmsg_type == NLMSG_ERROR)
		return -EBADMSG;
	return error > 0 ? -EBADMSG : error;
}

/* NLMSG_ERROR or NLMSG_DONE */
static void take_end(struct exchange *x, const struct nlmsghdr *nlh)
{
	int r = nlask_error(nlh);

	switch (x->what) {
	case FOR_VERDICTS:
		if (nlh->nlmsg_type != NLMSG_ERROR)
			return;
		/* The beginning of a batch is only ever answered by the error that
		 * ended it. Otherwise each message has its own verdict. */
		x->done = nlh->nlmsg_seq == x->last ||
			  (x->is_batch && nlh->nlmsg_seq == x->first && r < 0);
		break;
	case FOR_OBJECT:
		r = r == 0 ? -EBADMSG : r; /* "fine" without the object is no answer */
		x->done = true;
		break;
	case FOR_LIST:
		x->done = true;
		break;
	}
	x->result = x->result < 0 ? x->result : r;
}

static int exchange_take(void *ud, const struct nlmsghdr *nlh)
{
	struct exchange *x = ud;

	if (x->done || nlh->nlmsg_seq - x->first > x->last - x->first)
		return 0;
	x->heard = true;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		x->interrupted = true;
	if (nlh->nlmsg_type == NLMSG_OVERRUN)
		return -ENOBUFS;
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		take_end(x, nlh);
	} else if (x->what != FOR_VERDICTS && nlh->nlmsg_type != NLMSG_NOOP) {
		x->result = x->sink(x->ud, nlh);
		/* who has refused one needs no more of them */
		x->done = x->what == FOR_OBJECT || x->result < 0;
	}
	return 0;
}

int nlask_read(struct nlsock *s, usec_t deadline, nlask_sink sink, void *ud)
{
	const void *data;
	int r = 0, left = nlsock_receive(s, deadline, &data);
	const struct nlmsghdr *nlh = data;

	if (left < 0)
		return left;
	for (; r == 0 && message_is_whole(nlh, left); nlh = NLMSG_NEXT(nlh, left))
		r = sink(ud, nlh);
	return r;
}

static int send_patiently(struct nlsock *s, const void *data, size_t len)
{
	int r = nlsock_send(s, data, len);

	for (int i = 0; r == -ENOBUFS && i < SEND_TRIES; i++) {
		(void)poll(NULL, 0, SEND_PAUSE_MS); /* short of memory for a moment */
		r = nlsock_send(s, data, len);
	}
	return r;
}

static int exchange_run(struct nlsock *s, const void *data, size_t len, struct exchange *x)
{
	int r = send_patiently(s, data, len);
	usec_t deadline = os_now() + NLSOCK_PATIENCE;

	while (r == 0 && !x->done) {
		x->heard = false;
		r = nlask_read(s, deadline, exchange_take, x);
		if (x->heard) /* only what is for us prolongs the wait */
			deadline = os_now() + NLSOCK_PATIENCE;
	}
	return r < 0 ? r : x->result < 0 ? x->result : x->interrupted ? -EINTR : 0;
}

int nlask_change(struct nlsock *s, const void *data, size_t len, uint32_t first, uint32_t last)
{
	const struct nlmsghdr *nlh = data;
	struct exchange x = { .what = FOR_VERDICTS,
			      .first = first,
			      .last = last,
			      .is_batch = nlh->nlmsg_type == NFNL_MSG_BATCH_BEGIN };

	return exchange_run(s, data, len, &x);
}

static uint32_t seq_of(const struct attr_buf *b)
{
	return ((const struct nlmsghdr *)(const void *)b->data)->nlmsg_seq;
}

static int ask_one(struct nlsock *s, const struct attr_buf *b, struct exchange *x)
{
	if (b->full)
		return -EMSGSIZE;
	x->first = x->last = seq_of(b);
	return exchange_run(s, b->data, b->len, x);
}

int nlask_change_one(struct nlsock *s, const struct attr_buf *b)
{
	struct exchange x = { .what = FOR_VERDICTS };

	return ask_one(s, b, &x);
}

int nlask_object(struct nlsock *s, const struct attr_buf *b, nlask_sink sink, void *ud)
{
	struct exchange x = { .what = FOR_OBJECT, .sink = sink, .ud = ud };

	return ask_one(s, b, &x);
}

/* Read what there is. The kernel goes on with a dump as it is read. */
static void nlask_drain(struct nlsock *s)
{
	usec_t deadline = os_now() + NLSOCK_PATIENCE;
	const void *ignored;
	int r = 0;

	while ((r >= 0 || r == -ENOBUFS || r == -EMSGSIZE) && os_now() < deadline)
		r = nlsock_receive(s, 0, &ignored);
}

int nlask_dump(struct nlsock *s, const struct attr_buf *b, nlask_sink sink, void *ud)
{
	struct exchange x = { .what = FOR_LIST, .sink = sink, .ud = ud };
	int r = ask_one(s, b, &x);

	if (r != -EBUSY)
		return r;
	/* an earlier dump was given up: by its taker, or its answer being lost or late */
	nlask_drain(s);
	x = (struct exchange){ .what = FOR_LIST, .sink = sink, .ud = ud };
	return ask_one(s, b, &x);
}
