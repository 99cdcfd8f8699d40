/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and prefixes: what is read, what is refused, what covers what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

#include "base/addr.h"

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, PREFIX_LEN_OPTIONAL, &p), 0);
	return p;
}

static struct addr addr(const char *text)
{
	return prefix(text).addr;
}

static void reads_what_it_writes(void **state _unused_)
{
	static const char *const good[] = {
		"192.168.11.100/32",  "10.0.0.0/8",	  "0.0.0.0/0",
		"255.255.255.255/32", "fd00:11::100/128", "::/0",
		"2001:db8::1/64",     "::1/128",	  "fe80::1/10",
		"::ffff:1.2.3.4/128",
	};
	char text[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		struct prefix p = prefix(good[i]);

		assert_string_equal(prefix_format(&p, text), good[i]);
	}
}

static void refuses_what_is_malformed(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"/",
		"/32",
		"1.2.3",
		"1.2.3.4.5",
		"256.1.1.1",
		"1.2.3.4/33",
		"1.2.3.4/",
		"1.2.3.4/-1",
		"1.2.3.4/+8",
		"1.2.3.4/032",
		"1.2.3.4/8 ",
		"1.2.3.4/0x8",
		"1.2.3.4/8/8",
		"fd00::1/129",
		"fd00::1%br0",
		"fd00::g",
		"localhost/32",
		"1.2.3.4/3200",
		" 1.2.3.4/32",
		"01.2.3.4/32",
		":::/1",
		"1.2.3.4\n/32",
	};
	struct prefix p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(prefix_parse(bad[i], PREFIX_LEN_OPTIONAL, &p), -EINVAL);
}

static void asks_for_the_length_where_it_matters(void **state _unused_)
{
	struct prefix p;

	assert_int_equal(prefix_parse("10.0.0.1", PREFIX_LEN_REQUIRED, &p), -EDESTADDRREQ);
	assert_int_equal(prefix_parse("fd00::1", PREFIX_LEN_REQUIRED, &p), -EDESTADDRREQ);
	assert_int_equal(prefix_parse("nonsense", PREFIX_LEN_REQUIRED, &p), -EINVAL);
	assert_int_equal(prefix("10.0.0.1").len, 32);
	assert_int_equal(prefix("fd00::1").len, 128);
}

static void covers_its_network_only(void **state _unused_)
{
	static const struct {
		const char *prefix, *addr;
		bool covers;
	} cases[] = {
		{ "192.168.11.7/24", "192.168.11.200", true },
		{ "192.168.11.7/24", "192.168.12.7", false },
		{ "192.168.11.7/32", "192.168.11.7", true },
		{ "192.168.11.7/32", "192.168.11.6", false },
		{ "10.0.0.0/9", "10.127.0.1", true },
		{ "10.0.0.0/9", "10.128.0.1", false },
		{ "0.0.0.0/0", "8.8.8.8", true },
		{ "0.0.0.0/0", "fd00::1", false },
		{ "fd00:11::7/64", "fd00:11::ffff:1", true },
		{ "fd00:11::7/64", "fd00:12::7", false },
		{ "fd00::1/128", "fd00::1", true },
		{ "fd00::/127", "fd00::2", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix p = prefix(cases[i].prefix);
		struct addr a = addr(cases[i].addr);

		assert_int_equal(prefix_covers(&p, &a), cases[i].covers);
	}
}

static void knows_unusable_addresses(void **state _unused_)
{
	static const char *const unusable[] = { "0.0.0.0",	   "127.0.0.1", "224.0.0.1",
						"255.255.255.255", "::",	"::1",
						"ff02::1" };
	static const char *const usable[] = { "192.168.11.100", "169.254.1.1", "fd00::1", "fe80::1",
					      "223.255.255.255" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unusable); i++) {
		struct addr a = addr(unusable[i]);

		assert_false(addr_is_usable(&a));
	}
	for (i = 0; i < ARRAY_SIZE(usable); i++) {
		struct addr a = addr(usable[i]);

		assert_true(addr_is_usable(&a));
	}
}

static void derives_the_broadcast_address(void **state _unused_)
{
	struct prefix p = prefix("192.168.11.7/20");
	struct addr want = addr("192.168.15.255"), got = prefix_broadcast(&p);

	assert_true(addr_equal(&got, &want));
	p = prefix("192.168.11.7/32");
	got = prefix_broadcast(&p);
	assert_true(addr_equal(&got, &p.addr));
}

static void set_holds_each_address_once(void **state _unused_)
{
	static const char *const all[] = { "10.0.0.3", "fd00::3", "10.0.0.1",
					   "10.0.0.2", "fd00::1", "10.0.0.3" };
	struct addrset s = { 0 };
	struct addr a;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		a = addr(all[i]);
		assert_int_equal(addrset_add(&s, &a), 0);
	}
	assert_int_equal(s.n, 5);
	a = addr("10.0.0.2");
	assert_true(addrset_has(&s, &a));
	addrset_remove(&s, &a);
	addrset_remove(&s, &a);
	assert_false(addrset_has(&s, &a));
	assert_int_equal(s.n, 4);
	a = addr("fd00::3");
	assert_true(addrset_has(&s, &a));
	addrset_done(&s);
}

/* Few are compared one by one, more are searched for. */
static void set_of_any_size_knows_its_own(void **state _unused_)
{
	struct addrset s = { 0 };
	uint8_t bytes[16] = { 10 };
	int i, n;

	for (n = 0; n < 20; n++) {
		for (i = 0; i < 20; i++) {
			struct addr a;

			bytes[3] = (uint8_t)(7 * i);
			a = addr_make(AF_INET, bytes);
			assert_int_equal(addrset_has(&s, &a), i < n);
			assert_int_equal(addrset_has_bytes(&s, AF_INET, bytes), i < n);
			assert_false(addrset_has_bytes(&s, AF_INET6, bytes));
			if (i < n)
				continue;
			assert_int_equal(addrset_add(&s, &a), 0);
			break;
		}
	}
	assert_int_equal(s.n, 20);
	addrset_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(refuses_what_is_malformed),
		cmocka_unit_test(asks_for_the_length_where_it_matters),
		cmocka_unit_test(covers_its_network_only),
		cmocka_unit_test(knows_unusable_addresses),
		cmocka_unit_test(derives_the_broadcast_address),
		cmocka_unit_test(set_holds_each_address_once),
		cmocka_unit_test(set_of_any_size_knows_its_own),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
