/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of a hold whose elements expire, that are taken away by somebody else, are in use, or cannot
 * be made: what is told of it, and that nothing is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/ipset/ip_set.h>

#include "base/os.h"
#include "kernel/attr.h"
#include "kernel/hold_ipset.h"
#include "kernel/nlask.h"
#include "lib/fake_netlink.h"

#define IPSET(type) (NFNL_SUBSYS_IPSET << 8 | (type))

#define DEVICE 7

static struct fake_netlink *net;
static int verdict; /* of everything */

struct set {
	bool exists, element;
	uint32_t references;
	unsigned busy; /* so many looks */
};

static struct set sets[2]; /* of IPv4 and IPv6 */
static int create_error[2], add_error[2], delete_error[2];
static const char *const *names;
static unsigned destroyed;

static int verdict_of(const struct nlmsghdr *request, struct set *s, int which)
{
	bool had;

	switch (request->nlmsg_type) {
	case IPSET(IPSET_CMD_CREATE):
		s->exists = s->exists || !create_error[which];
		return create_error[which];
	case IPSET(IPSET_CMD_DESTROY):
		if (s->busy) {
			s->busy--;
			return -IPSET_ERR_BUSY;
		}
		had = s->exists;
		s->exists = false;
		destroyed += had;
		return had ? 0 : -ENOENT;
	case IPSET(IPSET_CMD_ADD):
		if (add_error[which])
			return add_error[which];
		s->element = s->exists;
		return s->exists ? 0 : -ENOENT;
	case IPSET(IPSET_CMD_DEL):
		if (delete_error[which])
			return delete_error[which];
		had = s->element;
		s->element = false;
		return had ? 0 : -IPSET_ERR_EXIST;
	}
	return s->exists ? 0 : -ENOENT;
}

static void say_references(const struct nlmsghdr *request, uint32_t n)
{
	uint8_t data[256] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	size_t at = nfmsg_begin(&b, IPSET(IPSET_CMD_LIST), 0, AF_INET, 0), nest;

	nest = buf_nest(&b, IPSET_ATTR_DATA);
	buf_be32(&b, IPSET_ATTR_REFERENCES | NLA_F_NET_BYTEORDER, n);
	buf_nest_end(&b, nest);
	message_end(&b, at);
	netlink_say_whole(request, data);
	netlink_end(request, 0, 0);
}

static void ip_set(const struct nlmsghdr *request)
{
	const struct nlattr *a[IPSET_ATTR_SETNAME + 1];
	const char *name;
	int which;

	assert_true(nfmsg_parse(request, request->nlmsg_type, a, IPSET_ATTR_SETNAME));
	name = attr_text(a[IPSET_ATTR_SETNAME]);
	if (verdict) {
		netlink_verdict(request, verdict);
	} else if (!name) {
		for (; names && *names; names++)
			netlink_say_text(request, IPSET(IPSET_CMD_LIST), 0, IPSET_ATTR_SETNAME,
					 *names);
		netlink_end(request, 0, 0);
	} else {
		which = name[strlen(name) - 1] == '6';
		if (request->nlmsg_type != IPSET(IPSET_CMD_LIST))
			netlink_verdict(request, verdict_of(request, &sets[which], which));
		else if (sets[which].exists)
			say_references(request, sets[which].references);
		else
			netlink_verdict(request, -ENOENT);
	}
}

static int ipset_begin(struct hold_ipset **ret)
{
	net = netlink_begin(ip_set);
	memset(sets, 0, sizeof(sets));
	verdict = 0;
	destroyed = 0;
	return hold_ipset_new(DEVICE, "eth0", true, ret);
}

static int refused_sets(int first, int second)
{
	struct hold_ipset *s = NULL;
	int r;

	create_error[0] = first;
	create_error[1] = second;
	r = ipset_begin(&s);
	assert_null(s);
	assert_false(sets[0].exists || sets[1].exists);
	assert_int_equal(net->opened, net->closed);
	create_error[0] = create_error[1] = 0;
	return r;
}

static void sets_that_cannot_be_made(void **state _unused_)
{
	struct hold_ipset *s = NULL;

	assert_int_equal(refused_sets(-EINVAL, 0), -EOPNOTSUPP);
	assert_int_equal(refused_sets(-IPSET_ERR_FIND_TYPE, 0), -EOPNOTSUPP);
	assert_int_equal(refused_sets(0, -IPSET_ERR_FIND_TYPE), -EOPNOTSUPP);
	assert_int_equal(refused_sets(-EPERM, 0), -EPERM);
	assert_int_equal(refused_sets(0, -ENOMEM), -ENOMEM);
	net = netlink_begin(ip_set);
	net->new_error = -EMFILE;
	assert_int_equal(hold_ipset_new(DEVICE, "eth0", true, &s), -EMFILE);
}

static void an_entry_that_expires(void **state _unused_)
{
	struct hold_ipset *s = NULL;

	assert_int_equal(ipset_begin(&s), 0);
	assert_int_equal(hold_ipset_arm(s, 1), 0);
	assert_true(sets[0].element && sets[1].element);
	sets[0].element = false;
	assert_int_equal(hold_ipset_disarm(s), 0);
	assert_false(sets[1].element);
	/* an error in the first does not end the second, whose verdict is waited for */
	add_error[0] = -EPERM;
	add_error[1] = -ENOMEM;
	assert_int_equal(hold_ipset_arm(s, 1), -EPERM);
	assert_int_equal(netlink_unread(), 0);
	add_error[0] = add_error[1] = 0;
	assert_int_equal(hold_ipset_arm(s, 1), 0);
	delete_error[0] = -EPERM;
	assert_int_equal(hold_ipset_disarm(s), -EPERM);
	assert_false(sets[1].element);
	delete_error[0] = 0;
	sets[0].exists = sets[1].exists = false;
	assert_int_equal(hold_ipset_arm(s, 1), -ENOENT);
	assert_int_equal(hold_ipset_disarm(s), 0);
	assert_int_equal(hold_ipset_free(s, 0), 0);
}

static void rules_that_were_taken_away(void **state _unused_)
{
	struct hold_ipset *s = NULL;

	assert_int_equal(ipset_begin(&s), 0);
	sets[0].references = sets[1].references = 3;
	assert_int_equal(hold_ipset_check(s, 3), 0);
	sets[1].references = 2;
	assert_int_equal(hold_ipset_check(s, 3), -ENOENT);
	sets[1].references = 3;
	sets[0].exists = false;
	assert_int_equal(hold_ipset_check(s, 3), -ENOENT);
	verdict = -IPSET_ERR_PROTOCOL;
	assert_int_equal(hold_ipset_check(s, 3), -ENOENT);
	verdict = -EPERM;
	assert_int_equal(hold_ipset_check(s, 3), -EPERM);
	verdict = 0;
	assert_int_equal(hold_ipset_free(s, 0), 0);
	hold_ipset_forget(NULL);
	assert_int_equal(hold_ipset_free(NULL, 0), 0);
}

/* A rule is gone a moment before its set may go. */
static void a_set_in_use(void **state _unused_)
{
	struct hold_ipset *s = NULL;

	assert_int_equal(ipset_begin(&s), 0);
	sets[0].busy = 3;
	assert_int_equal(hold_ipset_free(s, os_deadline(60 * USEC_PER_SEC)), 0);
	assert_int_equal(destroyed, 2);
	/* there is no time to wait: what can go goes */
	assert_int_equal(ipset_begin(&s), 0);
	sets[0].busy = 3;
	assert_int_equal(hold_ipset_free(s, 0), -EBUSY);
	assert_true(sets[0].exists && !sets[1].exists);
}

static bool not_eight(void *ud _unused_, int ifindex)
{
	return ifindex != 8;
}

static void sets_that_are_left(void **state _unused_)
{
	static const char *const all[] = { "vipsafe-hold-3-4", "vipsafe-hold-8-6", "mine-6",
					   "vipsafe-hold-3-5", "vipsafe-hold-3-6", NULL };

	net = netlink_begin(ip_set);
	memset(sets, 0, sizeof(sets));
	sets[0].exists = sets[1].exists = true;
	verdict = 0;
	destroyed = 0;
	names = all;
	assert_int_equal(hold_ipset_clean(not_eight, NULL, 0), 2);
	assert_int_equal(destroyed, 2);
	/* one that stays does not save the next, and is told of */
	sets[0].exists = sets[1].exists = true;
	sets[0].busy = 1;
	names = all;
	assert_int_equal(hold_ipset_clean(not_eight, NULL, 0), -EBUSY);
	assert_false(sets[1].exists);
	/* by somebody else, in between */
	names = all;
	assert_int_equal(hold_ipset_clean(not_eight, NULL, 0), 1);
	names = NULL;
	verdict = -EPERM;
	assert_int_equal(hold_ipset_clean(not_eight, NULL, 0), -EPERM);
	net->new_error = -EMFILE;
	assert_int_equal(hold_ipset_clean(not_eight, NULL, 0), -EMFILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_that_cannot_be_made),
		cmocka_unit_test(an_entry_that_expires),
		cmocka_unit_test(rules_that_were_taken_away),
		cmocka_unit_test(a_set_in_use),
		cmocka_unit_test(sets_that_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
