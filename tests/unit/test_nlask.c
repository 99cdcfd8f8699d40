/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is made of the kernel's answers: of the right request, whole, and in the end all read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/abi_nft.h"
#include "kernel/nft.h"
#include "kernel/nlask.h"

int __wrap_nlsock_send(struct nlsock *s, const void *data, size_t len);
int __wrap_nlsock_receive(struct nlsock *s, usec_t deadline, const void **ret);

#define SEQ 7
#define OBJECT 100

/* A datagram of one message, or an errno in its place; TYPE 0: the end of those. */
struct step {
	int type;     /* of a message, or a negative errno */
	uint32_t seq; /* 0: of the last request */
	uint16_t flags;
	int error; /* that it carries */
};

static const struct step *next;
static unsigned n_sent, n_taken;
static uint32_t sent_seq;

int __wrap_nlsock_send(struct nlsock *s _unused_, const void *data, size_t len _unused_)
{
	const struct nlmsghdr *nlh = data;

	sent_seq = nlh->nlmsg_seq;
	n_sent++;
	return 0;
}

int __wrap_nlsock_receive(struct nlsock *s _unused_, usec_t deadline _unused_, const void **ret)
{
	static struct {
		struct nlmsghdr nlh;
		int error;
	} m;

	if (!next->type)
		return -ETIMEDOUT;
	if (next->type < 0)
		return next++->type;
	memset(&m, 0, sizeof(m));
	m.nlh = (struct nlmsghdr){ .nlmsg_len = sizeof(m),
				   .nlmsg_type = (uint16_t)next->type,
				   .nlmsg_flags = next->flags,
				   .nlmsg_seq = next->seq ? next->seq : sent_seq };
	m.error = next++->error;
	*ret = &m;
	return sizeof(m);
}

static int take(void *ud, const struct nlmsghdr *nlh)
{
	assert_int_equal(nlh->nlmsg_type, OBJECT);
	assert_int_equal(nlh->nlmsg_seq, sent_seq);
	n_taken++;
	return *(int *)ud;
}

/* Number SEQ, answered with what is left of the steps. */
static int dump_go_on(uint32_t seq, int refusal)
{
	struct nlmsghdr request = { .nlmsg_len = sizeof(request), .nlmsg_seq = seq };
	struct attr_buf b = { .data = (uint8_t *)&request, .len = sizeof(request) };

	n_sent = n_taken = 0;
	return nlask_dump(NULL, &b, take, &refusal);
}

static int dump(const struct step *steps, int refusal)
{
	next = steps;
	return dump_go_on(SEQ, refusal);
}

static void leaves_out_others(void **state _unused_)
{
	static const struct step steps[] = {
		{ OBJECT, SEQ - 1, 0, 0 },
		{ NLMSG_DONE, SEQ - 1, 0, -EIO },
		{ OBJECT, SEQ, 0, 0 },
		{ NLMSG_ERROR, SEQ + 1, 0, -EIO },
		{ OBJECT, SEQ, 0, 0 },
		{ NLMSG_DONE, SEQ, 0, 0 },
		{ 0, 0, 0, 0 },
	};

	assert_int_equal(dump(steps, 0), 0);
	assert_int_equal(n_taken, 2);
}

static void tells_of_an_interruption(void **state _unused_)
{
	static const struct step steps[] = {
		{ OBJECT, SEQ, NLM_F_DUMP_INTR, 0 },
		{ OBJECT, SEQ, 0, 0 },
		{ NLMSG_DONE, SEQ, 0, 0 },
		{ 0, 0, 0, 0 },
	};

	assert_int_equal(dump(steps, 0), -EINTR);
	assert_int_equal(n_taken, 2);
}

/* The rest is not waited for, and is no part of what is asked next. */
static void ends_with_what_is_refused(void **state _unused_)
{
	static const struct step steps[] = {
		{ OBJECT, SEQ, 0, 0 },
		/* not read yet, and all of it in the socket */
		{ OBJECT, SEQ, 0, 0 },
		{ NLMSG_DONE, SEQ, NLM_F_DUMP_INTR, 0 },
		{ OBJECT, SEQ + 1, 0, 0 },
		/* more than fits into the socket: the kernel is busy with it */
		{ OBJECT, SEQ + 1, 0, 0 },
		{ NLMSG_ERROR, SEQ + 2, 0, -EBUSY },
		{ OBJECT, SEQ + 1, 0, 0 },
		{ NLMSG_DONE, SEQ + 1, 0, 0 },
		{ -ETIMEDOUT, 0, 0, 0 },
		{ OBJECT, SEQ + 2, 0, 0 },
		{ NLMSG_DONE, SEQ + 2, 0, 0 },
		{ 0, 0, 0, 0 },
	};

	assert_int_equal(dump(steps, -ENOMEM), -ENOMEM);
	assert_int_equal(n_taken, 1);
	assert_ptr_equal(next, &steps[1]);
	assert_int_equal(dump_go_on(SEQ + 1, -ECANCELED), -ECANCELED);
	assert_int_equal(n_sent, 1);
	assert_int_equal(n_taken, 1);
	assert_ptr_equal(next, &steps[4]);
	assert_int_equal(dump_go_on(SEQ + 2, 0), 0);
	assert_int_equal(n_sent, 2);
	assert_int_equal(n_taken, 1);
	assert_int_equal(next->type, 0);
}

/* A change in between is answered among the rest. */
static void leaves_out_the_rest_of_what_was_refused(void **state _unused_)
{
	static const struct step steps[] = {
		{ OBJECT, SEQ, 0, 0 },
		{ OBJECT, SEQ, 0, 0 },
		{ NLMSG_ERROR, SEQ + 1, 0, -EEXIST },
		{ NLMSG_DONE, SEQ, 0, 0 },
		{ 0, 0, 0, 0 },
	};
	struct nlmsghdr request = { .nlmsg_len = sizeof(request), .nlmsg_seq = SEQ + 1 };
	struct attr_buf b = { .data = (uint8_t *)&request, .len = sizeof(request) };

	assert_int_equal(dump(steps, -ECANCELED), -ECANCELED);
	assert_int_equal(nlask_change_one(NULL, &b), -EEXIST);
	assert_ptr_equal(next, &steps[3]);
}

/* A dump before was given up, for an answer that was lost: the kernel is still busy with it. */
static void ends_an_earlier_dump(void **state _unused_)
{
	static const struct step lost[] = {
		{ OBJECT, SEQ, 0, 0 },
		{ -ENOBUFS, 0, 0, 0 },
		{ 0, 0, 0, 0 },
	};
	static const struct step busy[] = {
		{ OBJECT, SEQ - 1, 0, 0 },
		{ NLMSG_ERROR, SEQ, 0, -EBUSY },
		{ OBJECT, SEQ - 1, 0, 0 },
		{ -ENOBUFS, 0, 0, 0 },
		{ NLMSG_DONE, SEQ - 1, 0, 0 },
		{ -ETIMEDOUT, 0, 0, 0 },
		{ OBJECT, SEQ, 0, 0 },
		{ NLMSG_DONE, SEQ, 0, 0 },
		{ 0, 0, 0, 0 },
	};
	static const struct step always[] = {
		{ NLMSG_ERROR, SEQ, 0, -EBUSY },
		{ -ETIMEDOUT, 0, 0, 0 },
		{ NLMSG_ERROR, SEQ, 0, -EBUSY },
		{ 0, 0, 0, 0 },
	};

	assert_int_equal(dump(lost, 0), -ENOBUFS);
	assert_int_equal(dump(busy, 0), 0);
	assert_int_equal(n_sent, 2);
	assert_int_equal(n_taken, 1);
	assert_int_equal(dump(always, 0), -EBUSY);
	assert_int_equal(n_sent, 2);
}

/* ---- lists of nf_tables --------------------------------------------------------------- */

static int count(void *ud, const struct nlmsghdr *nlh)
{
	*(unsigned *)ud += nlh->nlmsg_type == OBJECT;
	return 0;
}

/* Each dump is one object and its end; the first TORN are interrupted. */
static int list(unsigned torn, unsigned *ret_seen)
{
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	struct step steps[2 * 16 + 1] = { { 0, 0, 0, 0 } };
	size_t i;

	for (i = 0; i < 16; i++) {
		steps[2 * i] = (struct step){ OBJECT, 0, i < torn ? NLM_F_DUMP_INTR : 0, 0 };
		steps[2 * i + 1] = (struct step){ NLMSG_DONE, 0, 0, 0 };
	}
	next = steps;
	*ret_seen = n_sent = 0;
	assert_int_equal(nftsock_new(&s), 0);
	return nftsock_list(s, NFT_MSG_GETTABLE, AF_INET, count, ret_seen);
}

static void a_torn_list_is_not_taken_for_a_whole_one(void **state _unused_)
{
	unsigned seen;

	assert_int_equal(list(0, &seen), 0);
	assert_int_equal(seen, 1);
	assert_int_equal(list(2, &seen), 0);
	assert_int_equal(seen, 3);
	assert_int_equal(list(16, &seen), -EAGAIN);
	assert_int_equal(n_sent, seen);
	assert_in_range(seen, 3, 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_out_others),
		cmocka_unit_test(tells_of_an_interruption),
		cmocka_unit_test(a_torn_list_is_not_taken_for_a_whole_one),
		cmocka_unit_test(ends_with_what_is_refused),
		cmocka_unit_test(leaves_out_the_rest_of_what_was_refused),
		cmocka_unit_test(ends_an_earlier_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
