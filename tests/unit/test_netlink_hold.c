/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hold by nf_tables whose rules expire, are taken away by somebody else, or cannot be made: what
 * is told of it, and that nothing is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/abi_nft.h"
#include "kernel/attr.h"
#include "kernel/hold_nft.h"
#include "kernel/nft.h"
#include "lib/fake_netlink.h"

#define NFT(type) (NFNL_SUBSYS_NFTABLES << 8 | (type))

#define DEVICE 7

static struct fake_netlink *net;
static int verdict;	     /* of everything */
static bool verdict_is_lost; /* once */

struct state {
	bool table, element;
};

static struct state now, staged;
static struct {
	struct nlmsghdr request;
	int error;
} answers[20]; /* to the messages of a batch */
static size_t n_answers;
static bool has_failed, is_refused;
static unsigned removed[10]; /* tables, by device */
static const char *const *tables;
static bool torn;

static void stage(const struct nlmsghdr *request, bool is_there, int otherwise)
{
	if (is_there)
		return;
	assert_true(n_answers < ARRAY_SIZE(answers));
	answers[n_answers].request = *request;
	answers[n_answers++].error = otherwise;
	has_failed = true;
}

static void batch_begin(const struct nlmsghdr *request)
{
	staged = now;
	n_answers = 0;
	has_failed = false;
	is_refused = verdict && !verdict_is_lost;
	if (is_refused)
		netlink_verdict(request, verdict);
}

/* What has failed is told, and what was asked for; it is done as a whole, or not at all. */
static void batch_end(void)
{
	if (is_refused)
		return;
	if (!has_failed)
		now = staged;
	for (size_t i = 0; i < n_answers; i++)
		if (verdict_is_lost)
			netlink_fault(verdict);
		else
			netlink_verdict(&answers[i].request, answers[i].error);
	verdict = verdict_is_lost ? 0 : verdict;
	verdict_is_lost = false;
}

static void say_tables(const struct nlmsghdr *request)
{
	for (size_t i = 0; tables && tables[i]; i++)
		netlink_say_text(request, NFT(NFT_MSG_NEWTABLE), torn ? NLM_F_DUMP_INTR : 0,
				 NFTA_TABLE_NAME, tables[i]);
	if (verdict)
		netlink_verdict(request, verdict);
	else
		netlink_end(request, torn ? NLM_F_DUMP_INTR : 0, 0);
}

/* A table's name ends in the number of its device. */
static unsigned device_of(const struct nlmsghdr *request)
{
	const struct nlattr *a[NFTA_TABLE_NAME + 1];

	assert_true(nfmsg_parse(request, request->nlmsg_type, a, NFTA_TABLE_NAME));
	return (unsigned)(attr_text(a[NFTA_TABLE_NAME])[strlen(HOLD_TABLE_PREFIX)] - '0');
}

static void nf_tables(const struct nlmsghdr *request)
{
	size_t before = n_answers;

	switch (request->nlmsg_type) {
	case NFNL_MSG_BATCH_BEGIN:
		batch_begin(request);
		return;
	case NFNL_MSG_BATCH_END:
		batch_end();
		return;
	case NFT(NFT_MSG_GETTABLE):
		say_tables(request);
		return;
	case NFT(NFT_MSG_NEWTABLE):
		staged.table = true;
		break;
	case NFT(NFT_MSG_DELTABLE):
		removed[device_of(request)]++;
		stage(request, staged.table, -ENOENT);
		staged = (struct state){ .table = false };
		break;
	case NFT(NFT_MSG_NEWSETELEM):
		stage(request, staged.table, -ENOENT);
		stage(request, !staged.element, -EEXIST);
		staged.element = true;
		break;
	case NFT(NFT_MSG_DELSETELEM):
		stage(request, staged.table && staged.element, -ENOENT);
		staged.element = false;
		break;
	}
	if (request->nlmsg_flags & NLM_F_ACK && n_answers == before) {
		answers[n_answers].request = *request;
		answers[n_answers++].error = 0;
	}
}

static struct hold_nft *nft_begin(void)
{
	struct hold_nft *h = NULL;

	net = netlink_begin(nf_tables);
	now = (struct state){ .table = false };
	verdict = 0;
	verdict_is_lost = torn = false;
	tables = NULL;
	memset(removed, 0, sizeof(removed));
	assert_int_equal(hold_nft_open(DEVICE, &h), 0);
	assert_true(now.table);
	return h;
}

static int nft_close(struct hold_nft *h)
{
	struct nftsock *spent = NULL;
	int r = hold_nft_close(h, &spent);

	nftsock_free(spent);
	assert_int_equal(net->opened, net->closed);
	return r;
}

static void an_element_that_expires(void **state _unused_)
{
	struct hold_nft *h = nft_begin();

	assert_int_equal(hold_nft_arm(h, 1000), 0);
	assert_true(now.element);
	assert_int_equal(hold_nft_arm(h, 1000), 0); /* anew */
	now.element = false;
	assert_int_equal(hold_nft_arm(h, 1000), 0);
	assert_true(now.element);
	now.element = false;
	assert_int_equal(hold_nft_disarm(h), 0);
	/* somebody else's hold of the device has armed it */
	now.element = true;
	assert_int_equal(hold_nft_arm(h, 1000), 0);
	assert_int_equal(hold_nft_disarm(h), 0);
	assert_false(now.element);
	assert_int_equal(nft_close(h), 0);
	assert_false(now.table);
}

static void a_table_that_was_taken_away(void **state _unused_)
{
	static const char *const other[] = { "vipsafe_hold_8", "vipsafe_hold_7x", NULL };
	static const char *const ours[] = { "vipsafe_hold_8", "vipsafe_hold_7", NULL };
	struct hold_nft *h = nft_begin();

	tables = ours;
	assert_int_equal(hold_nft_check(h), 0);
	torn = true; /* but it was seen */
	assert_int_equal(hold_nft_check(h), 0);
	tables = other;
	assert_int_equal(hold_nft_check(h), -EAGAIN);
	torn = false;
	assert_int_equal(hold_nft_check(h), -ENOENT);
	verdict = -EPERM;
	assert_int_equal(hold_nft_check(h), -EPERM);
	verdict = 0;
	assert_int_equal(hold_nft_arm(h, 1000), 0);
	now.table = now.element = false;
	assert_int_equal(hold_nft_arm(h, 1000), -ENOENT);
	assert_int_equal(hold_nft_disarm(h), 0);
	assert_int_equal(nft_close(h), 0);
}

static int refused_open(int because)
{
	struct hold_nft *h = NULL;
	int r;

	net = netlink_begin(nf_tables);
	now.table = false;
	verdict = because;
	r = hold_nft_open(DEVICE, &h);
	assert_null(h);
	assert_int_equal(net->opened, net->closed);
	return r;
}

static void a_table_that_cannot_be_made(void **state _unused_)
{
	assert_int_equal(refused_open(-EINVAL), -EOPNOTSUPP); /* before batches */
	assert_int_equal(refused_open(-ENOENT), -EOPNOTSUPP);
	assert_int_equal(refused_open(-EAFNOSUPPORT), -EOPNOTSUPP);
	assert_int_equal(refused_open(-EPERM), -EPERM);
}

/* It may have been done, though nobody says so: it is asked for again. */
static void an_answer_that_is_lost(void **state _unused_)
{
	struct hold_nft *h = nft_begin();

	verdict = -ENOBUFS;
	verdict_is_lost = true;
	assert_int_equal(nft_close(h), 0);
	assert_int_equal(removed[DEVICE], 2 + 1); /* one was of the opening */
	assert_false(now.table);
	h = nft_begin();
	verdict = -EPERM;
	assert_int_equal(nft_close(h), -EPERM);
	assert_true(now.table);
}

/* Only then is a table that is not there one that we have removed. */
static void a_removal_that_is_asked_for_again(void **state _unused_)
{
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;

	net = netlink_begin(nf_tables);
	assert_int_equal(nftsock_new(&s), 0);
	now.table = true;
	verdict = -ENOBUFS;
	verdict_is_lost = true;
	assert_int_equal(nftsock_remove(s, HOLD_TABLE_PREFIX, DEVICE), 0);
	assert_false(now.table);
	assert_int_equal(nftsock_remove(s, HOLD_TABLE_PREFIX, DEVICE), -ENOENT);
}

static bool not_eight(void *ud _unused_, int ifindex)
{
	return ifindex != 8;
}

static void tables_that_are_left(void **state _unused_)
{
	static const char *const all[] = { "vipsafe_hold_3", "vipsafe_hold_8", "vipsafe_holds_4",
					   "mine",	     "vipsafe_hold_5", NULL };

	hold_nft_forget(nft_begin());
	net->requests = 0;
	memset(removed, 0, sizeof(removed));
	tables = all;
	assert_int_equal(hold_nft_clean(not_eight, NULL), 1);
	/* the other one of ours was removed by somebody else in between */
	assert_int_equal(removed[3] + removed[5], 2);
	assert_int_equal(removed[8] + removed[4], 0);
	verdict = -EPERM;
	assert_int_equal(hold_nft_clean(not_eight, NULL), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_element_that_expires),
		cmocka_unit_test(a_table_that_was_taken_away),
		cmocka_unit_test(a_table_that_cannot_be_made),
		cmocka_unit_test(an_answer_that_is_lost),
		cmocka_unit_test(a_removal_that_is_asked_for_again),
		cmocka_unit_test(tables_that_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
