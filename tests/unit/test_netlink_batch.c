/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of conntrack entries in one send: what is made of answers that are refusals, damaged,
 * lost, or meant for something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/netlink_ct.h"

#define OPS_MAX 400

static int op_error[OPS_MAX]; /* of each message, in order */
static unsigned fault_at;     /* a reading fails before the answer to that one; 0: none */
static int fault;
static bool stray; /* an answer to something earlier is there, too */
static unsigned in_send[OPS_MAX];
static bool damaged;

static void answer_op(const struct nlmsghdr *request)
{
	unsigned i = net->requests - 1;
	struct nlmsghdr earlier = *request;
	struct conn c = flow(1, 9);

	in_send[i] = net->sends;
	earlier.nlmsg_seq -= 1000;
	if (stray)
		netlink_verdict(&earlier, -EIO);
	if (fault && i == fault_at)
		netlink_fault(fault);
	if (op_error[i])
		netlink_verdict(request, op_error[i]);
	else if (request->nlmsg_type == CT_MESSAGE(IPCTNL_MSG_CT_GET) && damaged)
		say_damaged(request);
	else if (request->nlmsg_type == CT_MESSAGE(IPCTNL_MSG_CT_GET))
		say_entry(request, &c);
	if (!op_error[i] && request->nlmsg_flags & NLM_F_ACK)
		netlink_verdict(request, 0);
}

static struct ct *batch_begin(void)
{
	struct ct *ct = NULL;

	net = netlink_begin(answer_op);
	memset(op_error, 0, sizeof(op_error));
	fault = usage_error = max_error = sink_returns = 0;
	n_seen = 0;
	stray = damaged = false;
	assert_int_equal(ct_need(&ct), 0);
	return ct;
}

/* Again, as if nothing had been asked. */
static int batch(struct ct *ct, struct ct_op *ops, size_t n)
{
	net->requests = net->sends = 0;
	return ct_batch(ct, ops, n);
}

static void one_verdict_per_entry(void **state _unused_)
{
	struct ct *ct = batch_begin();
	struct conn c = flow(1, 9), found = { .status = 0 };
	struct ct_op ops[] = {
		{ .verb = CT_DELETE, .conn = &c },
		{ .verb = CT_CREATE, .conn = &c, .timeout = 9 },
		{ .verb = CT_GET, .conn = &c, .found = &found, .sink = see },
		{ .verb = CT_GET, .conn = &c },
		{ .verb = CT_DELETE, .conn = &c },
	};

	stray = true;
	op_error[0] = -EBUSY;
	op_error[3] = -ENOENT;
	assert_int_equal(batch(ct, ops, 5), 0);
	assert_int_equal(ops[0].result, -EBUSY);
	assert_int_equal(ops[1].result, 0);
	assert_int_equal(ops[2].result, 0);
	assert_int_equal(found.key.orig.dst[3], 9);
	assert_int_equal(n_seen, 9);
	assert_int_equal(ops[3].result, -ENOENT);
	assert_int_equal(ops[4].result, 0);
	op_error[4] = -EPERM; /* the last one has its verdict, too */
	sink_returns = -ENOMEM;
	assert_int_equal(batch(ct, ops, 5), 0);
	assert_int_equal(ops[2].result, -ENOMEM);
	assert_int_equal(ops[4].result, -EPERM);
	/* "fine", and no entry */
	op_error[2] = op_error[3] = 0;
	damaged = true;
	assert_int_equal(batch(ct, ops, 4), 0);
	assert_true(ops[2].result < 0 && ops[3].result < 0);
	ct_free(ct);
}

/* What has no answer is told to have none; what has one keeps it. */
static void lost_answers(void **state _unused_)
{
	struct ct *ct = batch_begin();
	struct conn c = flow(1, 9);
	struct ct_op ops[4];

	for (size_t i = 0; i < 4; i++)
		ops[i] = (struct ct_op){ .verb = CT_DELETE, .conn = &c };
	fault = -ENOBUFS;
	fault_at = 2;
	op_error[1] = -ENOENT;
	assert_int_equal(batch(ct, ops, 4), -ENOBUFS);
	assert_int_equal(ops[1].result, -ENOENT);
	assert_int_equal(ops[2].result, -EINPROGRESS);
	fault = -EBADF;
	assert_int_equal(batch(ct, ops, 4), -EBADF);
	ct_free(ct);

	ct = batch_begin();
	net->send_error = -EPERM;
	assert_int_equal(batch(ct, ops, 4), -EPERM);
	assert_int_equal(ops[0].result, -EINPROGRESS);
	ct_free(ct);
}

/* An entry larger than a send fails alone. */
static void an_entry_too_large(void **state _unused_)
{
	static struct nlattr payload[15000] = { { .nla_len = sizeof(payload),
						  .nla_type = CTA_LABELS } };
	struct ct *ct = batch_begin();
	struct conn c = flow(1, 9);
	struct ct_op ops[] = {
		{ .verb = CT_DELETE, .conn = &c },
		{ .verb = CT_CREATE,
		  .conn = &c,
		  .timeout = 9,
		  .payload = payload,
		  .payload_len = sizeof(payload) },
		{ .verb = CT_GET, .conn = &c },
	};

	/* not even its delete is sent: it would be gone for good */
	assert_int_equal(batch(ct, ops, 3), 0);
	assert_int_equal(ops[1].result, -EMSGSIZE);
	assert_int_equal(ops[0].result, -EMSGSIZE);
	assert_int_equal(ops[2].result, 0);
	assert_int_equal(net->requests, 1);
	ct_free(ct);
}

/* The kernel finishes a send before it looks at a signal. */
static void halves_of_a_pin_are_sent_together(void **state _unused_)
{
	static struct nlattr payload[100] = { { .nla_len = sizeof(payload),
						.nla_type = CTA_LABELS } };
	struct ct *ct = batch_begin();
	struct conn c[OPS_MAX / 2];
	struct ct_op ops[OPS_MAX];

	for (size_t i = 0; i < OPS_MAX; i++) {
		c[i / 2] = flow((uint16_t)(i / 2), 9);
		ops[i] = (struct ct_op){ .verb = i % 2 ? CT_CREATE : CT_DELETE,
					 .conn = &c[i / 2],
					 .payload = payload,
					 .payload_len = (uint16_t)(i % 2 ? sizeof(payload) : 0),
					 .timeout = 9 };
	}
	assert_int_equal(batch(ct, ops, OPS_MAX), 0);
	assert_int_equal(net->requests, OPS_MAX);
	assert_true(net->sends > 2);
	for (size_t i = 0; i < OPS_MAX; i += 2)
		assert_int_equal(in_send[i], in_send[i + 1]);
	ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_verdict_per_entry),
		cmocka_unit_test(lost_answers),
		cmocka_unit_test(an_entry_too_large),
		cmocka_unit_test(halves_of_a_pin_are_sent_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
