/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is made of a kernel that refuses, interrupts, loses or damages what it says of conntrack
 * entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/ctstats.h"
#include "lib/netlink_ct.h"

/* ---- dumps -------------------------------------------------------------------------------- */

static int dump_error, fault;
static bool interrupted;

static void answer_dump(const struct nlmsghdr *request)
{
	const struct nfgenmsg *nfg = NLMSG_DATA(request);
	struct conn one = flow(1, 1), other = flow(2, 2);

	if (nfg->nfgen_family == AF_INET6) {
		netlink_end(request, 0, 0);
		return;
	}
	say_entry(request, &one);
	say_damaged(request);
	say_entry(request, &other)->nlmsg_flags |= interrupted ? NLM_F_DUMP_INTR : 0;
	if (fault)
		netlink_fault(fault);
	else if (dump_error)
		netlink_verdict(request, dump_error);
	else
		netlink_end(request, 0, 0);
}

static struct ct *dump_begin(void)
{
	struct ct *ct = NULL;

	net = netlink_begin(answer_dump);
	dump_error = fault = usage_error = max_error = sink_returns = 0;
	interrupted = false;
	assert_int_equal(ct_need(&ct), 0);
	return ct;
}

static int dump(struct ct *ct)
{
	n_seen = 0;
	return ct_dump(ct, AF_UNSPEC, see, NULL);
}

/* One that cannot be read is left out; the others are listed. */
static void a_dump_that_fails(void **state _unused_)
{
	struct ct *ct = dump_begin();

	assert_int_equal(dump(ct), 0);
	assert_int_equal(n_seen, 1 + 2);
	assert_int_equal(net->opened, 2);
	fault = -ENOBUFS;
	assert_int_equal(dump(ct), -ENOBUFS);
	fault = 0;
	dump_error = -EINVAL;
	assert_int_equal(dump(ct), -EOPNOTSUPP);
	dump_error = -EPERM;
	assert_int_equal(dump(ct), -EPERM);
	ct_free(ct);
}

/* The rest of it is not read as a part of the next. */
static void a_dump_that_is_given_up(void **state _unused_)
{
	struct ct *ct = dump_begin();

	interrupted = true;
	assert_int_equal(dump(ct), -EINTR);
	assert_int_equal(n_seen, 1);
	assert_int_equal(net->opened, 3);
	assert_int_equal(net->closed, 1);
	sink_returns = -ETIME;
	assert_int_equal(dump(ct), -ETIME);
	assert_int_equal(net->opened, 4);
	/* no other socket is to be had: the old one serves */
	net->new_error = -EMFILE;
	assert_int_equal(dump(ct), -ETIME);
	assert_int_equal(net->closed, 2);
	ct_free(ct);
	assert_int_equal(net->opened, net->closed);
}

static void no_conntrack(void **state _unused_)
{
	uint32_t count = 7, max = 7;
	struct ct *ct = NULL;

	net = netlink_begin(answer_dump);
	usage_error = -ENOENT;
	assert_int_equal(ct_need(&ct), -EPROTONOSUPPORT);
	usage_error = -EACCES;
	assert_int_equal(ct_need(&ct), -EACCES);
	assert_int_equal(net->opened, 0);
	usage_error = 0;
	net->new_error = -EMFILE;
	assert_int_equal(ct_need(&ct), -EMFILE);
	assert_null(ct);
	/* in a user's namespace */
	max_error = -ENOENT;
	n_entries = 5;
	assert_int_equal(ct_usage(&count, &max), 0);
	assert_int_equal(count, 5);
	assert_int_equal(max, 0);
	max_error = 0;
}

/* ---- a dump in steps --------------------------------------------------------------------- */

static bool ahead;

static int steps(unsigned *ret_n)
{
	struct ct_list *l = NULL;
	int r = ct_list_new(AF_INET, &l);

	n_seen = *ret_n = 0;
	assert_int_equal(r, 0);
	if (ahead)
		(void)ct_list_waits(l);
	do
		r = ct_list_step(l, see, NULL);
	while (++*ret_n < 100 && r == 1);
	ct_list_free(l);
	assert_int_equal(net->opened, net->closed + 2); /* those of the other dumps */
	return r;
}

static void list_in_steps(void)
{
	struct ct *ct = dump_begin();
	struct ct_list *l = NULL;
	unsigned n;

	n_entries = 5000; /* by a thread, if it is to */
	assert_int_equal(steps(&n), 0);
	assert_int_equal(n_seen, 1 + 2);
	assert_int_equal(n, 5); /* a message each */
	interrupted = true;
	assert_int_equal(steps(&n), -EINTR);
	assert_int_equal(n_seen, 1 + 2);
	dump_error = -EINVAL;
	assert_int_equal(steps(&n), -EOPNOTSUPP);
	dump_error = -EPERM;
	assert_int_equal(steps(&n), -EPERM);
	dump_error = 0;
	fault = -ENOBUFS;
	assert_int_equal(steps(&n), -ENOBUFS);
	fault = 0;
	sink_returns = -ENOMEM;
	assert_int_equal(steps(&n), -ENOMEM);
	assert_int_equal(n_seen, 1);

	usage_error = -ENOENT;
	assert_int_equal(ct_list_new(AF_INET, &l), -EPROTONOSUPPORT);
	usage_error = 0;
	net->send_error = -EPERM;
	assert_int_equal(ct_list_new(AF_INET, &l), -EPERM);
	net->new_error = -EMFILE;
	assert_int_equal(ct_list_new(AF_INET, &l), -EMFILE);
	assert_null(l);
	ct_free(ct);
}

static void a_list_in_steps(void **state _unused_)
{
	ahead = false;
	list_in_steps();
}

/* Where there is one processor it is the same without a thread. */
static void a_list_read_ahead(void **state _unused_)
{
	ahead = true;
	list_in_steps();
	ahead = false;
}

#define MANY 300 /* datagrams, more than wait at a time */

static void answer_many(const struct nlmsghdr *request)
{
	for (uint16_t i = 1; i <= MANY; i++) {
		struct conn c = flow(i, 1);

		say_entry(request, &c);
	}
	netlink_end(request, 0, 0);
}

/* A listing that is given up in the middle ends its thread, wherever that is. */
static void a_list_read_ahead_is_given_up(void **state _unused_)
{
	unsigned n, at;

	usage_error = max_error = sink_returns = 0;
	n_entries = 5000;
	for (at = 0; at <= MANY + 1; at += 43) {
		struct ct_list *l = NULL;

		net = netlink_begin(answer_many);
		assert_int_equal(ct_list_new(AF_INET, &l), 0);
		(void)ct_list_waits(l);
		n_seen = 0;
		for (n = 0; n < at; n++)
			assert_int_equal(ct_list_step(l, see, NULL), n < MANY);
		assert_int_equal(n_seen, MIN(at, (unsigned)MANY));
		l = ct_list_free(l);
		assert_int_equal(net->opened, net->closed);
	}
}

/* ---- those to some addresses --------------------------------------------------------------- */

static struct addrset addresses(unsigned n, bool v6)
{
	struct addrset s = { .n = 0 };

	for (unsigned i = 0; i < n; i++) {
		struct addr a = { .family = AF_INET,
				  .bytes = { 198, 51, 100, (uint8_t)(1 + 2 * i) } };

		assert_int_equal(addrset_add(&s, &a), 0);
	}
	if (v6)
		assert_int_equal(
			addrset_add(&s, &(struct addr){ .family = AF_INET6, .bytes = { 0xfd } }),
			0);
	return s;
}

static int dump_to(struct ct *ct, unsigned n, bool v6, bool cheaply, bool *no_filter)
{
	struct addrset s = addresses(n, v6);
	int r;

	net->requests = 0;
	n_seen = 0;
	r = ct_dump_to(ct, no_filter, &s, cheaply, see, NULL);
	addrset_done(&s);
	return r;
}

/* Before Linux 5.8 the kernel does not filter: it is found out, and not asked so again. */
static void what_leads_elsewhere_is_left_out(void **state _unused_)
{
	struct ct *ct = dump_begin();
	bool no_filter = false;

	assert_int_equal(dump_to(ct, 2, false, false, &no_filter), 0);
	assert_int_equal(n_seen, 1);
	assert_true(no_filter);
	assert_int_equal(net->requests, 1);
	assert_int_equal(dump_to(ct, 2, true, false, &no_filter), 0);
	assert_int_equal(net->requests, 1);
	assert_int_equal(n_seen, 1);
	/* more of them than it is worth asking for */
	no_filter = false;
	assert_int_equal(dump_to(ct, 5, false, false, &no_filter), 0);
	assert_int_equal(net->requests, 1);
	assert_false(no_filter);
	dump_error = -EPERM;
	assert_int_equal(dump_to(ct, 2, true, false, &no_filter), -EPERM);
	assert_int_equal(net->requests, 1);
	ct_free(ct);
}

static void nothing_is_cheap_in_a_large_table(void **state _unused_)
{
	struct ct *ct = dump_begin();
	bool no_filter = true;

	n_entries = 20000;
	assert_int_equal(dump_to(ct, 1, false, true, &no_filter), -EOPNOTSUPP);
	no_filter = false;
	assert_int_equal(dump_to(ct, 1, true, true, &no_filter), -EOPNOTSUPP);
	assert_int_equal(net->requests, 0);
	n_entries = 100;
	assert_int_equal(dump_to(ct, 1, true, true, &no_filter), 0);
	assert_int_equal(n_seen, 1);
	n_entries = 0;
	ct_free(ct);
}

/* ---- events -------------------------------------------------------------------------------- */

static unsigned n_born, n_gone;

static int see_event(void *ud _unused_, const struct conn_record *record)
{
	n_seen++;
	n_born += record->born;
	n_gone += record->gone;
	return sink_returns;
}

static void say_event(uint8_t type, uint16_t flags, uint32_t by)
{
	struct conn c = flow(1, 1);
	struct nlmsghdr *nlh = say_entry(NULL, &c);

	nlh->nlmsg_type = (uint16_t)CT_MESSAGE(type);
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_pid = by;
}

static int read_events(struct ctevents *e)
{
	n_seen = n_born = n_gone = 0;
	return ctevents_read(e, see_event, NULL);
}

static void events_that_are_ours_or_lost(void **state _unused_)
{
	struct ctevents *e = NULL;

	net = netlink_begin(answer_dump);
	sink_returns = 0;
	events_mode = 1;
	assert_int_equal(ctevents_new(AF_INET, true, 4711, &e), 0);
	say_event(IPCTNL_MSG_CT_NEW, NLM_F_CREATE, 0);
	say_event(IPCTNL_MSG_CT_NEW, NLM_F_CREATE, 4711); /* our own */
	say_event(IPCTNL_MSG_CT_GET, 0, 0);
	say_damaged(NULL);
	say_event(IPCTNL_MSG_CT_DELETE, 0, 12);
	assert_int_equal(read_events(e), 0);
	assert_int_equal(n_seen, 2);
	assert_int_equal(n_born, 1);
	assert_int_equal(n_gone, 1);
	/* what is left is read, and that some are lost is told */
	netlink_fault(-ENOBUFS);
	say_event(IPCTNL_MSG_CT_DELETE, 0, 0);
	assert_int_equal(read_events(e), -ENOBUFS);
	assert_int_equal(n_gone, 1);
	netlink_fault(-EBADF);
	assert_int_equal(read_events(e), -EBADF);
	say_event(IPCTNL_MSG_CT_DELETE, 0, 0);
	say_event(IPCTNL_MSG_CT_DELETE, 0, 0);
	sink_returns = -ENOMEM;
	assert_int_equal(read_events(e), -ENOMEM);
	assert_int_equal(n_seen, 1);
	sink_returns = 0;
	ctevents_free(e);
}

static void events_of_the_other_family(void **state _unused_)
{
	struct ctevents *e = NULL;

	net = netlink_begin(answer_dump);
	assert_int_equal(ctevents_new(AF_INET6, false, 4711, &e), 0);
	assert_int_equal(net->groups, 2); /* ends are not asked for */
	say_event(IPCTNL_MSG_CT_NEW, NLM_F_CREATE, 0);
	assert_int_equal(read_events(e), 0);
	assert_int_equal(n_seen, 0);
	ctevents_free(e);
}

static void no_events(void **state _unused_)
{
	struct ctevents *e = NULL;

	net = netlink_begin(answer_dump);
	events_mode = 0;
	assert_int_equal(ctevents_new(AF_INET, true, 0, &e), -ENODATA);
	events_mode = 1;
	net->join_error = -EPERM;
	assert_int_equal(ctevents_new(AF_INET, true, 0, &e), -EPERM);
	assert_int_equal(net->opened, net->closed);
	net->new_error = -EPROTONOSUPPORT;
	assert_int_equal(ctevents_new(AF_INET, true, 0, &e), -EPROTONOSUPPORT);
	assert_null(e);
}

/* ---- figures ------------------------------------------------------------------------------ */

/* Two processors, and one that has no such figure. */
static void answer_stats(const struct nlmsghdr *request)
{
	for (uint32_t i = 0; i < 3; i++) {
		uint8_t data[64] __attribute__((aligned(8)));
		struct attr_buf b = { .data = data, .size = sizeof(data) };
		const struct nfgenmsg nfg = { .nfgen_family = AF_UNSPEC };
		size_t at = message_begin(&b, CT_MESSAGE(IPCTNL_MSG_CT_GET_STATS_CPU), 0, 0, &nfg,
					  sizeof(nfg));

		if (i < 2)
			buf_be32(&b, CTA_STATS_EARLY_DROP, UINT32_MAX - i);
		message_end(&b, at);
		netlink_say_whole(request, data);
	}
	if (dump_error)
		netlink_verdict(request, dump_error);
	else
		netlink_end(request, 0, 0);
}

static void early_drops(void **state _unused_)
{
	uint64_t n = 7;

	net = netlink_begin(answer_stats);
	dump_error = -EPERM;
	assert_int_equal(ctstats_early_drops(&n), -EPERM);
	assert_int_equal(n, 7);
	dump_error = 0;
	assert_int_equal(ctstats_early_drops(&n), 0);
	assert_true(n == 2 * (uint64_t)UINT32_MAX - 1);
	net->new_error = -EPROTONOSUPPORT;
	assert_int_equal(ctstats_early_drops(&n), -EPROTONOSUPPORT);
	assert_int_equal(net->opened, net->closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dump_that_fails),
		cmocka_unit_test(a_dump_that_is_given_up),
		cmocka_unit_test(no_conntrack),
		cmocka_unit_test(a_list_in_steps),
		cmocka_unit_test(a_list_read_ahead),
		cmocka_unit_test(a_list_read_ahead_is_given_up),
		cmocka_unit_test(what_leads_elsewhere_is_left_out),
		cmocka_unit_test(nothing_is_cheap_in_a_large_table),
		cmocka_unit_test(events_that_are_ours_or_lost),
		cmocka_unit_test(events_of_the_other_family),
		cmocka_unit_test(no_events),
		cmocka_unit_test(early_drops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
