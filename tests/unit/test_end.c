/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept of a connection that ended: what it tells, and what is refused when it is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/end.h"

static struct conn flow(uint8_t family, uint8_t proto)
{
	struct conn c;

	memset(&c, 0, sizeof(c));
	c.key.family = family;
	c.key.l4proto = proto;
	c.key.orig.src[0] = 10;
	c.key.orig.dst[family == AF_INET ? 3 : 15] = 28;
	c.key.orig.sport = htons(33862);
	c.key.orig.dport = htons(8899);
	c.reply = tuple_invert(&c.key.orig, proto);
	c.reply.dst[0] = 192;
	c.reply.dport = htons(31445);
	c.status = CONN_SEEN_REPLY | CONN_ASSURED;
	return c;
}

static void test_size(void **state _unused_)
{
	assert_true(sizeof(struct end) <= 96);
	assert_int_equal(sizeof(struct end) % 8, 0); /* no two ends share a word */
	assert_int_equal(sizeof(struct deed) % 8, 0);
}

static void test_conn(void **state _unused_)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	static const uint8_t dirs[] = { CONN_ZONE_BOTH, CONN_ZONE_ORIG, CONN_ZONE_REPLY };
	size_t f, d, s;

	for (f = 0; f < 2; f++)
		for (d = 0; d < 3; d++)
			for (s = CONN_TCP_NONE; s <= CONN_TCP_SYN_SENT2; s++) {
				struct conn c = flow(families[f], IPPROTO_TCP), back;
				struct end e;

				c.key.zone = 65535;
				c.key.zone_dir = dirs[d];
				c.tcp_state = (uint8_t)s;
				c.timeout = 431999;
				end_init(&e, &c, 7);
				back = end_conn(&e);
				assert_true(end_is_valid(&e));
				assert_memory_equal(&back, &c, sizeof(c));
			}
}

static void test_words(void **state _unused_)
{
	size_t i;

	for (i = 0; i < END_CAUSE_COUNT; i++)
		assert_non_null(end_cause_words[i]);
	assert_null(end_cause_words[END_CAUSE_COUNT]);
	for (i = 0; i < DOUBT_COUNT; i++)
		assert_non_null(end_doubt_words[i]);
	assert_null(end_doubt_words[DOUBT_COUNT]);
	for (i = 0; i < DEED_WHAT_COUNT; i++)
		assert_non_null(deed_words[i]);
	assert_null(deed_words[DEED_WHAT_COUNT]);
	assert_string_equal(end_cause_words[END_ADDRESS], "address-deleted");
	assert_string_equal(end_cause_words[END_RETRANSLATED], "retranslated");
	assert_string_equal(end_cause_words[END_RESET_SERVER], "reset-by-server");
	assert_string_equal(deed_words[DEED_ARRIVED], "arrived");
}

static void refuse(struct end e)
{
	assert_false(end_is_valid(&e));
}

static void test_refused(void **state _unused_)
{
	struct conn c = flow(AF_INET, IPPROTO_TCP);
	struct end good, bad;

	end_init(&good, &c, 1);
	assert_true(end_is_valid(&good));
	bad = good, bad.at = 0, refuse(bad);
	bad = good, bad.cause = END_CAUSE_COUNT, refuse(bad);
	bad = good, bad.doubt = DOUBT_COUNT, refuse(bad);
	bad = good, bad.state = 0x30, refuse(bad);
	bad = good, bad.state = 0x0f, refuse(bad);
	bad = good, bad.as[15] = 1, refuse(bad);
}

static void test_deed_refused(void **state _unused_)
{
	struct deed good = { .at = 1, .what = DEED_ADDRESS, .by = BY_PROGRAM, .comm = "ip" }, bad;

	assert_int_equal(prefix_parse("192.168.11.100/32", PREFIX_LEN_REQUIRED, &good.address), 0);
	assert_true(deed_is_valid(&good));
	bad = good, bad.address.len = 33, assert_false(deed_is_valid(&bad));
	bad = good, bad.address.addr.family = 99, assert_false(deed_is_valid(&bad));
	bad = good, bad.what = DEED_NONE, assert_false(deed_is_valid(&bad));
	bad = good, bad.by = BY_US + 1, assert_false(deed_is_valid(&bad));
	bad = good, memset(bad.comm, 'x', sizeof(bad.comm)), assert_false(deed_is_valid(&bad));
	bad = good, memset(bad.operation, 'x', sizeof(bad.operation));
	assert_false(deed_is_valid(&bad));
}

static void test_sysctl(void **state _unused_)
{
	struct conn c = flow(AF_INET, IPPROTO_TCP);
	struct end e;

	c.tcp_state = CONN_TCP_ESTABLISHED;
	end_init(&e, &c, 1);
	assert_string_equal(end_sysctl(&e), "nf_conntrack_tcp_timeout_established");
	c.key.l4proto = IPPROTO_UDP;
	end_init(&e, &c, 1);
	assert_string_equal(end_sysctl(&e), "nf_conntrack_udp_timeout_stream");
	c.status = CONN_SEEN_REPLY;
	end_init(&e, &c, 1);
	assert_string_equal(end_sysctl(&e), "nf_conntrack_udp_timeout");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),	     cmocka_unit_test(test_conn),
		cmocka_unit_test(test_words),	     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_deed_refused), cmocka_unit_test(test_sysctl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
