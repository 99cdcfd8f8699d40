/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tape.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/netlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <vipsafe/base.h>

#include "kernel/nlsock.h"

#define ALIGNED(len) (((len) + 7) & ~(size_t)7)

/* ld --wrap leaves no argument that could carry them. */
static struct tape *tape_sent, *tape_received, *tape_rehearsal;
static struct tape_progress *tape_progress;

/* The socket whose last datagram was kept from the kernel, and the message in
 * it that asks for an answer. */
static struct nlsock *kept_from;
static uint32_t kept_seq;

int __real_nlsock_send(struct nlsock *sk, const void *data, size_t len);
size_t tape_creates(const void *data, size_t len)
{
	const struct nlmsghdr *nlh = data;
	unsigned left = (unsigned)len;
	size_t n = 0;

	for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left))
		n += NFNL_SUBSYS_ID(nlh->nlmsg_type) == NFNL_SUBSYS_CTNETLINK &&
		     NFNL_MSG_TYPE(nlh->nlmsg_type) == IPCTNL_MSG_CT_NEW;
	return n;
}

int __wrap_nlsock_send(struct nlsock *sk, const void *data, size_t len);
int __real_nlsock_receive(struct nlsock *sk, usec_t deadline, const void **ret);
int __wrap_nlsock_receive(struct nlsock *sk, usec_t deadline, const void **ret);

void tape_record(struct tape *sent, struct tape *received)
{
	tape_sent = sent;
	tape_received = received;
}

void tape_rehearse(struct tape *sent)
{
	tape_rehearsal = sent;
	kept_from = NULL;
}

void tape_watch(struct tape_progress *p)
{
	tape_progress = p;
}

static int grow(void *array, size_t *cap, size_t need, size_t size)
{
	void **p = array;
	size_t to = MAX(need, *cap * 2);
	void *q;

	if (need <= *cap)
		return 0;
	q = realloc(*p, to * size);
	if (!q)
		return -ENOMEM;
	*p = q;
	*cap = to;
	return 0;
}

static void append(struct tape *t, const void *data, size_t len)
{
	int r = grow(&t->data, &t->cap, t->len + ALIGNED(len), 1);

	if (r == 0)
		r = grow(&t->ends, &t->cap_n, t->n + 1, sizeof(*t->ends));
	if (r < 0) {
		t->error = r;
		return;
	}
	memcpy(t->data + t->len, data, len);
	t->ends[t->n++] = t->len + len;
	t->len += ALIGNED(len);
}

const uint8_t *tape_get(const struct tape *t, size_t i, size_t *ret_len)
{
	size_t begin = i ? ALIGNED(t->ends[i - 1]) : 0;

	*ret_len = t->ends[i] - begin;
	return t->data + begin;
}

void tape_done(struct tape *t)
{
	free(t->data);
	free(t->ends);
	*t = (struct tape){ 0 };
}

static bool changes_entries(const struct nlmsghdr *nlh)
{
	/* route netlink only asks, here */
	return NFNL_SUBSYS_ID(nlh->nlmsg_type) &&
	       NFNL_MSG_TYPE(nlh->nlmsg_type) != IPCTNL_MSG_CT_GET;
}

static int keep(struct nlsock *sk, const void *data, size_t len)
{
	const struct nlmsghdr *nlh = data;
	unsigned left = (unsigned)len;

	append(tape_rehearsal, data, len);
	kept_from = sk;
	for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left))
		kept_seq = nlh->nlmsg_seq;
	return 0;
}

/* All went well, says the only message that was asked to say so. */
static int answer_kept(const void **ret)
{
	static struct {
		struct nlmsghdr nlh;
		struct nlmsgerr error;
	} answer;

	kept_from = NULL;
	answer.nlh = (struct nlmsghdr){
		.nlmsg_len = NLMSG_LENGTH(sizeof(struct nlmsgerr)),
		.nlmsg_type = NLMSG_ERROR,
		.nlmsg_seq = kept_seq,
	};
	*ret = &answer;
	return (int)answer.nlh.nlmsg_len;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int __wrap_nlsock_send(struct nlsock *sk, const void *data, size_t len)
{
	struct tape_progress *p = tape_progress;
	uint64_t began;
	int r;

	if (tape_rehearsal && changes_entries(data))
		return keep(sk, data, len);
	if (tape_sent)
		append(tape_sent, data, len);
	if (p)
		__sync_fetch_and_add(&p->sending, (uint32_t)tape_creates(data, len));
	began = p ? now_ns() : 0;
	r = __real_nlsock_send(sk, data, len);
	if (p) {
		p->busy_ns += now_ns() - began;
		__sync_lock_test_and_set(&p->sent, p->sending);
	}
	return r;
}

int __wrap_nlsock_receive(struct nlsock *sk, usec_t deadline, const void **ret)
{
	int r;

	if (kept_from && sk == kept_from)
		return answer_kept(ret);
	r = __real_nlsock_receive(sk, deadline, ret);
	if (tape_received && r > 0)
		append(tape_received, *ret, (size_t)r);
	return r;
}
