/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is made of a kernel that refuses, interrupts, loses or damages what it says of devices and
 * addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/rtnetlink.h>

#include "base/request.h"
#include "kernel/attr.h"
#include "kernel/ifaddr.h"
#include "kernel/link.h"
#include "kernel/link_own.h"
#include "lib/fake_netlink.h"

#define LONG_NAME "a-name-that-only-an-alternative-can-be"

static int verdict;	/* of every request */
static int fault;	/* of the first FAULTS of them, in the middle of the answer … */
static unsigned faults; /* … -EINTR: told by a flag */
static unsigned n_seen; /* by a sink */
static int sink_returns;

static struct nlsock *begin(netlink_answer answer, struct fake_netlink **ret)
{
	struct nlsock *s = NULL;

	*ret = netlink_begin(answer);
	verdict = fault = sink_returns = 0;
	faults = n_seen = 0;
	assert_int_equal(nlsock_new(NETLINK_ROUTE, 0, 0, &s), 0);
	return s;
}

static void refuse(const struct nlmsghdr *request)
{
	netlink_verdict(request, verdict);
}

/* ---- a device by its name ------------------------------------------------------------- */

static int refused_link(struct nlsock *s, const char *name, int error)
{
	struct link link;

	verdict = error;
	return link_get(s, name, &link);
}

/* Kernels before 5.5 know no alternative names, and say so by -EINVAL. */
static void a_device_that_is_not_there(void **state _unused_)
{
	char longest[DEVICE_NAME_MAX + 1];
	struct fake_netlink *k;
	struct nlsock *s = begin(refuse, &k);

	memset(longest, 'x', sizeof(longest));
	longest[DEVICE_NAME_MAX] = '\0';
	assert_int_equal(refused_link(s, "", 0), -ENODEV);
	assert_int_equal(refused_link(s, longest, 0), -ENODEV);
	assert_int_equal(k->requests, 0);
	assert_int_equal(refused_link(s, "eth0", -ENODEV), -ENODEV);
	assert_int_equal(refused_link(s, "eth0", -EINVAL), -ENODEV);
	assert_int_equal(refused_link(s, "eth0", -ERANGE), -ENODEV);
	assert_int_equal(refused_link(s, "eth0", -EPERM), -EPERM);
	assert_int_equal(refused_link(s, LONG_NAME, -EINVAL), -EOPNOTSUPP);
	assert_int_equal(refused_link(s, LONG_NAME, -ERANGE), -ENODEV);
	assert_int_equal(refused_link(s, LONG_NAME, -EIO), -EIO);
	/* "fine", and no device */
	assert_int_equal(refused_link(s, "eth0", 0), -EBADMSG);
	k->send_error = -EACCES;
	assert_int_equal(refused_link(s, "eth0", 0), -EACCES);
	nlsock_free(s);
}

/* How the device is told: all of it right, or one thing wrong. */
static enum { RIGHT, WRONG_TYPE, TOO_SHORT, NO_INDEX, NO_NAME, NAME_TOO_LONG, LONG_MAC } how;

static void say_link(const struct nlmsghdr *request)
{
	const struct ifinfomsg info = { .ifi_index = how == NO_INDEX ? 0 : 7,
					.ifi_flags = IFF_UP | IFF_NOARP };
	uint8_t data[512] __attribute__((aligned(8))), mac[LINK_MAC_MAX + 1] = { 2, 0, 0, 0, 0, 1 };
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	size_t at = message_begin(&b, how == WRONG_TYPE ? RTM_DELLINK : RTM_NEWLINK, 0, 0, &info,
				  how == TOO_SHORT ? 4 : sizeof(info));

	if (how != NO_NAME)
		buf_text(&b, IFLA_IFNAME, how == NAME_TOO_LONG ? "sixteen-letters!" : "vip-7");
	buf_text(&b, IFLA_IFALIAS, LINK_OWN_MARK " dev eth0 x");
	buf_put(&b, IFLA_ADDRESS, mac, how == LONG_MAC ? sizeof(mac) : 6);
	message_end(&b, at);
	netlink_say_whole(request, data);
}

static int told_link(struct nlsock *s, int as, struct link *ret)
{
	how = as;
	return link_get(s, "vip-7", ret);
}

static void a_device_that_is_told_wrong(void **state _unused_)
{
	struct fake_netlink *k;
	struct nlsock *s = begin(say_link, &k);
	struct link link;

	for (int wrong = WRONG_TYPE; wrong <= NAME_TOO_LONG; wrong++)
		assert_int_equal(told_link(s, wrong, &link), -EBADMSG);
	/* what is no Ethernet has an address that we need not know */
	assert_int_equal(told_link(s, LONG_MAC, &link), 0);
	assert_int_equal(link.mac_len, 0);
	assert_false(link_is_ethernet(&link));
	assert_int_equal(told_link(s, RIGHT, &link), 0);
	assert_int_equal(link.ifindex, 7);
	assert_int_equal(link.mac_len, 6);
	assert_true(link.is_own && link.silent && link.up && !link.running);
	nlsock_free(s);
}

/* ---- lists --------------------------------------------------------------------------- */

/* Two of them; where it is at fault, only the first. */
static void list_links(const struct nlmsghdr *request)
{
	bool at_fault = faults > 0;

	faults -= at_fault;
	how = RIGHT;
	say_link(request);
	if (at_fault && fault == -EINTR)
		netlink_end(request, NLM_F_DUMP_INTR, 0);
	else if (at_fault)
		netlink_fault(fault);
	else
		say_link(request);
	if (!at_fault)
		netlink_end(request, 0, verdict);
}

static int see_link(void *ud _unused_, const struct link_detail *d)
{
	assert_string_equal(d->name, "vip-7");
	n_seen++;
	return sink_returns;
}

static int list_torn(struct nlsock *s, int error, unsigned times)
{
	fault = error;
	faults = times;
	n_seen = 0;
	return link_detail_list(s, see_link, NULL);
}

/* Nobody is told of a device twice, nor of half of them. */
static void a_torn_list_of_devices(void **state _unused_)
{
	struct fake_netlink *k;
	struct nlsock *s = begin(list_links, &k);

	assert_int_equal(list_torn(s, -EINTR, 0), 0);
	assert_int_equal(n_seen, 2);
	assert_int_equal(list_torn(s, -EINTR, 3), 0);
	assert_int_equal(n_seen, 2);
	assert_int_equal(list_torn(s, -ENOBUFS, 3), 0);
	assert_int_equal(n_seen, 2);
	assert_int_equal(list_torn(s, -EINTR, 1000), -EINTR);
	assert_int_equal(list_torn(s, -ENOBUFS, 1000), -ENOBUFS);
	assert_int_equal(list_torn(s, -ENOMEM, 1), -ENOMEM);
	assert_int_equal(n_seen, 0);
	verdict = -EPERM;
	assert_int_equal(list_torn(s, 0, 0), -EPERM);
	assert_int_equal(n_seen, 0);
	verdict = 0;
	sink_returns = -ECANCELED;
	assert_int_equal(list_torn(s, 0, 0), -ECANCELED);
	assert_int_equal(n_seen, 1);
	nlsock_free(s);
}

/* An address 192.0.2.N/24, or what is no address that we could mean. */
static struct nlmsghdr *say_addr(const struct nlmsghdr *request, uint16_t type, uint8_t family,
				 uint8_t len, size_t size, uint8_t n)
{
	const struct ifaddrmsg msg = { .ifa_family = family, .ifa_prefixlen = len, .ifa_index = 7 };
	const uint8_t bytes[16] = { 192, 0, 2, n };
	uint8_t data[256] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	size_t at = message_begin(&b, type, 0, 0, &msg, sizeof(msg));

	buf_put(&b, IFA_LOCAL, bytes, size);
	message_end(&b, at);
	return netlink_say_whole(request, data);
}

static void list_addrs(const struct nlmsghdr *request)
{
	bool at_fault = faults > 0;

	faults -= at_fault;
	say_addr(request, RTM_NEWADDR, AF_INET, 24, 4, 1);
	if (at_fault && fault != -EINTR) {
		netlink_fault(fault);
		return;
	}
	say_addr(request, RTM_NEWADDR, AF_INET, 24, 3, 2);   /* misshapen: as 0.0.0.0 is told */
	say_addr(request, RTM_NEWADDR, AF_PHONET, 24, 4, 3); /* of another family */
	say_addr(request, RTM_DELADDR, AF_INET, 24, 4, 4);   /* no part of a list */
	say_addr(request, RTM_NEWADDR, AF_INET, 32, 4, 5);
	if (verdict) /* longer than it can be: nothing of the list is to be trusted */
		say_addr(request, RTM_NEWADDR, AF_INET, 33, 4, 6);
	netlink_end(request, at_fault ? NLM_F_DUMP_INTR : 0, 0);
}

static int see_addr(void *ud _unused_, const struct ifaddr *a)
{
	n_seen += a->prefix.addr.bytes[3];
	return sink_returns;
}

static int addrs_torn(struct nlsock *s, int error, unsigned times)
{
	fault = error;
	faults = times;
	n_seen = 0;
	return ifaddr_list(s, see_addr, NULL);
}

static void a_torn_list_of_addresses(void **state _unused_)
{
	struct fake_netlink *k;
	struct nlsock *s = begin(list_addrs, &k);

	assert_int_equal(addrs_torn(s, 0, 0), 0);
	assert_int_equal(n_seen, 1 + 5);
	assert_int_equal(addrs_torn(s, -EINTR, 2), 0);
	assert_int_equal(n_seen, 1 + 5);
	assert_int_equal(addrs_torn(s, -ENOBUFS, 2), 0);
	assert_int_equal(n_seen, 1 + 5);
	assert_int_equal(addrs_torn(s, -EINTR, 1000), -EAGAIN);
	assert_int_equal(addrs_torn(s, -ENOBUFS, 1000), -EAGAIN);
	verdict = 1;
	assert_int_equal(addrs_torn(s, 0, 0), -EBADMSG);
	assert_int_equal(n_seen, 0);
	verdict = 0;
	sink_returns = -ENOSPC;
	assert_int_equal(addrs_torn(s, 0, 0), -ENOSPC);
	assert_int_equal(n_seen, 1);
	nlsock_free(s);
}

/* ---- changes --------------------------------------------------------------------------- */

/* The kernel is not asked for what it might take for something else. */
static void an_address_that_cannot_be(void **state _unused_)
{
	const struct ifaddr good = {
		.ifindex = 7,
		.prefix = { .addr = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } }, .len = 32 },
		.preferred_lft = IFADDR_FOREVER,
		.valid_lft = IFADDR_FOREVER
	};
	struct ifaddr bad[7];
	struct fake_netlink *k;
	struct nlsock *s = begin(refuse, &k);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].ifindex = 0;
	bad[1].prefix.addr.family = AF_UNSPEC;
	bad[2].prefix.len = 33;
	bad[3].peer.family = AF_INET6;
	bad[4].broadcast.family = AF_INET6;
	bad[5].prefix.addr.family = AF_INET6;
	bad[5].label[0] = 'x';
	memset(bad[6].label, 'x', sizeof(bad[6].label));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(ifaddr_add(s, &bad[i]), -EINVAL);
		assert_int_equal(ifaddr_del(s, &bad[i]), -EINVAL);
	}
	assert_int_equal(k->requests, 0);
	verdict = -EEXIST;
	assert_int_equal(ifaddr_add(s, &good), -EEXIST);
	verdict = -EADDRNOTAVAIL;
	assert_int_equal(ifaddr_del(s, &good), -EADDRNOTAVAIL);
	verdict = 0;
	assert_int_equal(ifaddr_add(s, &good), 0);
	assert_int_equal(k->requests, 3);
	nlsock_free(s);
}

/* No dummy (its module is not there): a bridge. */
static unsigned n_made;

static void only_bridges(const struct nlmsghdr *request)
{
	const struct ifinfomsg *info = NLMSG_DATA(request);

	if (request->nlmsg_type == RTM_GETLINK) {
		if (n_made) {
			how = RIGHT;
			say_link(request);
		} else {
			netlink_verdict(request, -ENODEV);
		}
	} else if (info->ifi_index == 0 && memmem(request, request->nlmsg_len, "dummy", 5)) {
		netlink_verdict(request, -EOPNOTSUPP);
	} else if (info->ifi_index == 0) {
		n_made += verdict == 0;
		netlink_verdict(request, verdict);
	} else {
		netlink_verdict(request, verdict);
	}
}

static void where_there_is_no_dummy(void **state _unused_)
{
	struct fake_netlink *k;
	struct nlsock *s = begin(only_bridges, &k);

	n_made = 0;
	verdict = -EPERM;
	assert_int_equal(link_make_lonely(s, "vip-7"), -EPERM);
	assert_int_equal(link_own_make(s, "vip-7", 0, NULL, 1400), -EPERM);
	verdict = -EOPNOTSUPP;
	assert_int_equal(link_make_lonely(s, "vip-7"), -EOPNOTSUPP);
	assert_int_equal(n_made, 0);
	verdict = 0;
	assert_int_equal(link_make_lonely(s, "vip-7"), 0);
	assert_int_equal(n_made, 1);
	assert_int_equal(link_make_lonely(s, "vip-7"), 0); /* it is there */
	assert_int_equal(n_made, 1);
	assert_int_equal(link_own_make(s, "vip-7", 0, NULL, 1400), 0);
	assert_int_equal(n_made, 2);
	nlsock_free(s);
}

/* A node's setting is never written, nor one of a device whose name is a path. */
static void settings_of_one_device_only(void **state _unused_)
{
	static const char *const bad[] = { "all", "default", "../all", "a/b" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(link_own_configure(bad[i], "ipv4", "arp_ignore", "1"), -EINVAL);
	assert_int_equal(link_own_configure("no-such-device", "ipv4", "arp_ignore", "1"), -ENOENT);
}

/* Out of which device the address of a dummy is announced, is in its alias. */
static void the_voice_of_a_dummy(void **state _unused_)
{
	struct fake_netlink *k;
	struct nlsock *s = begin(say_link, &k);
	struct link link, voice;

	assert_int_equal(told_link(s, RIGHT, &link), 0);
	k->requests = 0;
	assert_int_equal(link_own_voice(s, &link, &voice), 0);
	assert_int_equal(k->requests, 2); /* itself, and eth0 */
	k->answer = refuse;
	verdict = -ENODEV; /* it has gone: nothing better is known */
	assert_int_equal(link_own_voice(s, &link, &voice), 0);
	assert_int_equal(voice.ifindex, link.ifindex);
	nlsock_free(s);
}

/* ---- events ---------------------------------------------------------------------------- */

static int see_event(void *ud _unused_, const struct ifaddr *a, bool gone)
{
	n_seen += a->prefix.addr.family ? a->prefix.addr.bytes[3] : 100;
	n_seen += gone ? 1000 : 0;
	return sink_returns;
}

static void say_events(void)
{
	const struct ifinfomsg up = { .ifi_index = 7, .ifi_flags = IFF_UP };

	n_seen = 0;
	say_addr(NULL, RTM_NEWADDR, AF_INET, 24, 4, 1);
	netlink_say(NULL, RTM_NEWLINK, 0, &up, sizeof(up));
	netlink_say(NULL, RTM_NEWLINK, 0, &up, 4); /* cut */
	netlink_say(NULL, RTM_NEWROUTE, 0, &up, sizeof(up));
	say_addr(NULL, RTM_NEWADDR, AF_INET, 77, 4, 9); /* misshapen */
}

/* What comes after a loss is read all the same; that some are lost is told at the end. */
static void lost_events(void **state _unused_)
{
	struct fake_netlink *k;
	struct nlsock *s = begin(refuse, &k);

	say_events();
	say_addr(NULL, RTM_DELADDR, AF_INET, 24, 4, 2);
	assert_int_equal(addrevents_read(s, see_event, NULL), 0);
	assert_int_equal(n_seen, 1 + 100 + 1002);
	say_events();
	netlink_fault(-ENOBUFS);
	say_addr(NULL, RTM_DELADDR, AF_INET, 24, 4, 2);
	assert_int_equal(addrevents_read(s, see_event, NULL), -ENOBUFS);
	assert_int_equal(n_seen, 1 + 100 + 1002);
	netlink_fault(-EMSGSIZE);
	assert_int_equal(addrevents_read(s, see_event, NULL), -ENOBUFS);
	netlink_fault(-EBADF);
	assert_int_equal(addrevents_read(s, see_event, NULL), -EBADF);
	say_events();
	sink_returns = -ENOMEM;
	assert_int_equal(addrevents_read(s, see_event, NULL), -ENOMEM);
	assert_int_equal(n_seen, 1);
	nlsock_free(s);
}

static void events_that_are_refused(void **state _unused_)
{
	struct fake_netlink *k = netlink_begin(refuse);
	struct nlsock *s = NULL;

	k->join_error = -EPERM;
	assert_int_equal(addrevents_new(&s), -EPERM);
	assert_int_equal(k->opened, k->closed);
	k->new_error = -EMFILE;
	assert_int_equal(addrevents_new(&s), -EMFILE);
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_that_is_not_there),
		cmocka_unit_test(a_device_that_is_told_wrong),
		cmocka_unit_test(a_torn_list_of_devices),
		cmocka_unit_test(a_torn_list_of_addresses),
		cmocka_unit_test(an_address_that_cannot_be),
		cmocka_unit_test(where_there_is_no_dummy),
		cmocka_unit_test(settings_of_one_device_only),
		cmocka_unit_test(the_voice_of_a_dummy),
		cmocka_unit_test(lost_events),
		cmocka_unit_test(events_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
