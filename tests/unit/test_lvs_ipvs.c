/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What IPVS lists, as services of the map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>

#include "lvs/source.h"

static struct addr a(const char *text)
{
	struct addr ret;

	assert_int_equal(addr_parse(text, &ret), 0);
	return ret;
}

static struct lvs_ipvs begin(void)
{
	struct lvs_ipvs s = { .map = lvs_map_new(), .service = LVS_NONE };
	int r;

	assert_non_null(s.map);
	r = lvs_map_add_source(s.map, LVS_FROM_IPVS, "", 0);
	assert_true(r >= 0);
	s.source = (uint32_t)r;
	return s;
}

static void takes_services_over(void **state _unused_)
{
	static const struct {
		enum ipvs_forward from;
		enum lvs_method to;
	} ways[] = {
		{ IPVS_MASQ, LVS_NAT },	 { IPVS_LOCAL, LVS_LOCAL },   { IPVS_TUNNEL, LVS_TUN },
		{ IPVS_DIRECT, LVS_DR }, { IPVS_BYPASS, LVS_BYPASS },
	};
	struct lvs_ipvs s = begin();
	const struct ipvs_service mysql = { .addr = a("10.9.9.1"),
					    .port = 3306,
					    .proto = IPPROTO_TCP,
					    .flags = IPVS_HASHED | IPVS_ONE_PACKET };
	const struct lvs_service *one;

	assert_int_equal(lvs_ipvs_take(&s, &mysql, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct ipvs_dest d = { .addr = a("10.9.2.2"),
					     .port = (uint16_t)(3269 + i),
					     .weight = (uint32_t)i,
					     .forward = (uint8_t)ways[i].from };

		assert_int_equal(lvs_ipvs_take(&s, &mysql, &d), 0);
	}
	assert_int_equal(lvs_map_finish(s.map), 0);
	assert_int_equal(lvs_map_services(s.map), 1);
	assert_false(lvs_map_service(s.map, 0)->persistent);
	one = lvs_map_service(s.map, 0);
	assert_int_equal(one->n_matches, 1);
	assert_int_equal(one->matches->l4proto, IPPROTO_TCP);
	assert_int_equal(one->matches->port, 3306);
	assert_true(addr_equal(&one->matches->first, &mysql.addr));
	assert_true(addr_equal(&one->matches->last, &mysql.addr));
	assert_int_equal(one->n_reals, ARRAY_SIZE(ways));
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		assert_int_equal(one->reals[i].method, ways[i].to);
		assert_int_equal(one->reals[i].port, 3269 + i);
		assert_int_equal(one->reals[i].weight, i);
	}
	lvs_map_free(s.map);
}

/* net/netfilter/ipvs/ip_vs_core.c: of a persistent service of all ports, the
 * port of the real server is that of the client's packet. */
static void knows_whose_port_counts(void **state _unused_)
{
	static const struct {
		uint16_t port, dest;
		uint32_t flags, mark;
		uint16_t want;
	} cases[] = {
		{ 0, 80, IPVS_PERSISTENT, 0, 0 },    { 443, 8443, IPVS_PERSISTENT, 0, 8443 },
		{ 443, 0, IPVS_PERSISTENT, 0, 0 },   { 0, 8080, 0, 77, 8080 },
		{ 0, 8080, IPVS_PERSISTENT, 77, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lvs_ipvs s = begin();
		const struct ipvs_service svc = {
			.addr = cases[i].mark ? (struct addr){ .family = AF_INET6 } : a("fd00::1"),
			.port = cases[i].port,
			.proto = cases[i].mark ? 0 : IPPROTO_TCP,
			.fwmark = cases[i].mark,
			.flags = cases[i].flags,
		};
		const struct ipvs_dest d = { .addr = a("fd00::2"), .port = cases[i].dest };
		const struct lvs_service *one;

		assert_int_equal(lvs_ipvs_take(&s, &svc, NULL), 0);
		assert_int_equal(lvs_ipvs_take(&s, &svc, &d), 0);
		assert_int_equal(lvs_map_source_of(s.map, s.source)->skipped, 0);
		assert_int_equal(lvs_map_finish(s.map), 0);
		one = lvs_map_service(s.map, 0);
		assert_int_equal(one->n_reals, 1);
		assert_int_equal(one->reals->port, cases[i].want);
		assert_int_equal(one->n_matches, 1);
		assert_int_equal(one->matches->fwmark, cases[i].mark);
		lvs_map_free(s.map);
	}
}

/* One that makes no sense is counted, with its real servers, and the next is
 * taken. */
static void counts_what_it_cannot_take(void **state _unused_)
{
	struct lvs_ipvs s = begin();
	const struct ipvs_service good = { .addr = a("10.9.9.1"),
					   .port = 80,
					   .proto = IPPROTO_TCP };
	const struct ipvs_dest d = { .addr = a("10.9.2.2"), .port = 80 };

	assert_int_equal(lvs_ipvs_take(&s, &good, NULL), 0);
	assert_int_equal(lvs_ipvs_take(&s, &good, &d), 0);
	assert_int_equal(lvs_ipvs_take(&s, &good, NULL), 0); /* the same again */
	assert_int_equal(lvs_ipvs_take(&s, &good, &d), 0);
	assert_int_equal(lvs_map_source_of(s.map, s.source)->skipped, 2);
	assert_int_equal(lvs_map_source_of(s.map, s.source)->blocks, 4);
	lvs_map_free(s.map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_services_over),
		cmocka_unit_test(knows_whose_port_counts),
		cmocka_unit_test(counts_what_it_cannot_take),
	};

	return cmocka_run_group_tests_name("lvs_ipvs", tests, NULL, NULL);
}
