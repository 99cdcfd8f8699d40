/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map: merged from several sources, asked for destinations and shares. */
#include "lib/lvs_scene.h"

#include <errno.h>

#include "../lib/random.h"

static bool look(const struct lvs_map *m, const char *dest, struct lvs_dest *ret)
{
	struct end e = end_of(dest);

	return lvs_map_lookup(m, IPPROTO_TCP, e.addr.family, e.addr.bytes, e.port, ret);
}

static struct lvs_side side_of(const struct lvs_map *m, const char *dest)
{
	struct lvs_dest d = { .service = LVS_NONE };
	struct end e = end_of(dest);

	look(m, dest, &d);
	return lvs_side_make(&d, IPPROTO_TCP, &e.addr, e.port);
}

static double share(const struct lvs_map *m, const char *a, const char *b, bool fresh)
{
	struct lvs_side x = side_of(m, a), y = side_of(m, b);
	double there = lvs_share(m, &x, &y, fresh);
	double back = lvs_share(m, &y, &x, fresh);

	/* whichever of the two is named first */
	assert_true(there - back < 1e-9 && back - there < 1e-9);
	return there;
}

static void near(double value, double expected)
{
	if (value < expected - 1e-9 || value > expected + 1e-9)
		fail_msg("%g is not %g", value, expected);
}

static void refuses_nonsense(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	struct lvs_service s = { .method = LVS_NAT };
	struct lvs_match match = match_of(IPPROTO_TCP, "10.9.9.1:80"), wrong = match;
	struct lvs_real real = { .port = 80 };
	int i;

	assert_int_equal(lvs_map_add_service(m, &s), -EINVAL);
	for (i = 0; i < LVS_SOURCES_MAX; i++)
		assert_int_equal(lvs_map_add_source(m, LVS_FROM_SAVE, "file", 0), i);
	assert_int_equal(lvs_map_add_source(m, LVS_FROM_SAVE, "file", 0), -E2BIG);
	assert_int_equal(lvs_map_add_match(m, 0, &match), -EINVAL);
	assert_int_equal(lvs_map_add_real(m, 0, &real), -EINVAL);
	assert_int_equal(lvs_map_add_service(m, &s), 0);
	assert_int_equal(lvs_map_add_real(m, 0, &real), -EINVAL);
	wrong.last.bytes[3] = 0;
	assert_int_equal(lvs_map_add_match(m, 0, &wrong), -EINVAL);
	wrong = match, wrong.last.family = AF_INET6;
	assert_int_equal(lvs_map_add_match(m, 0, &wrong), -EINVAL);
	wrong = match, wrong.l4proto = 0;
	assert_int_equal(lvs_map_add_match(m, 0, &wrong), -EINVAL);
	assert_int_equal(lvs_map_add_match(m, 0, &match), 0);
	assert_int_equal(lvs_map_add_match(m, 0, &match), -EEXIST);
	s.source = 1;
	assert_int_equal(lvs_map_add_service(m, &s), 1);
	assert_int_equal(lvs_map_same(m, 1, &match), LVS_TAKEN);
	assert_int_equal(lvs_map_add_match(m, 1, &match), 0);
	assert_int_equal(lvs_map_same(m, 0, &match), 0);
	/* the first one has no real servers yet */
	assert_int_equal(lvs_map_same(m, 1, &match), 1);
	assert_int_equal(lvs_map_same(m, 2, &match), LVS_TAKEN);
	match.port = 81;
	assert_int_equal(lvs_map_same(m, 0, &match), LVS_NONE);
	assert_int_equal(lvs_map_add_match(m, 1, &match), 1);
	match.port = 82;
	assert_int_equal(lvs_map_add_match(m, 0, &match), 2);
	assert_int_equal(lvs_map_service(m, 0)->n_matches, 2);
}

static void an_empty_map_knows_nothing(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	const struct lvs_source *sources;
	struct lvs_dest d;

	assert_int_equal(lvs_map_finish(m), 0);
	assert_false(look(m, "10.9.9.1:80", &d));
	assert_false(look(m, "[fd00::1]:80", &d));
	assert_int_equal(lvs_map_services(m), 0);
	assert_int_equal(lvs_map_sources(m, &sources), 0);
	assert_int_equal(lvs_map_summary(m).services, 0);
}

/* Two sources tell of one service: the first one's word counts, and if it names no real servers
 * those of the second. */
static void the_first_source_counts(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	struct lvs_service s = { .method = LVS_FULLNAT, .toa = LVS_TOA_PACKET };
	struct lvs_match mysql = match_of(IPPROTO_TCP, "10.141.16.0:3306");
	struct lvs_match web = match_of(IPPROTO_TCP, "10.141.16.0:80");
	const struct lvs_service *first;

	assert_int_equal(lvs_map_add_source(m, LVS_FROM_INI, "ini", 0), 0);
	assert_int_equal(lvs_map_add_source(m, LVS_FROM_SAVE, "save", 0), 1);
	assert_int_equal(lvs_map_add_source(m, LVS_FROM_KEEPALIVED, "conf", 0), 2);
	assert_int_equal(lvs_map_add_service(m, &s), 0); /* ini: no real server */
	assert_true(lvs_map_add_match(m, 0, &mysql) >= 0);
	s = (struct lvs_service){ .method = LVS_NAT, .source = 1 };
	assert_int_equal(lvs_map_add_service(m, &s), 1);
	assert_true(lvs_map_add_match(m, 1, &mysql) >= 0);
	assert_int_equal(lvs_map_add_service(m, &s), 2);
	assert_true(lvs_map_add_match(m, 2, &web) >= 0);
	s = (struct lvs_service){ .method = LVS_DR, .source = 2 };
	assert_int_equal(lvs_map_add_service(m, &s), 3);
	assert_true(lvs_map_add_match(m, 3, &web) >= 0);
	add_real(m, 1, "10.0.0.1:3269", LVS_NAT, 1);
	add_real(m, 2, "10.0.0.1:80", LVS_NAT, 1);
	add_real(m, 3, "10.0.0.2:80", LVS_DR, 1);
	assert_int_equal(lvs_map_finish(m), 0);

	first = lvs_map_service(m, 0);
	assert_int_equal(first->origins, 1 << 0 | 1 << 1);
	assert_int_equal(lvs_map_service(m, 1)->origins, 0);
	assert_int_equal(lvs_map_service(m, 2)->origins, 1 << 1 | 1 << 2);
	assert_int_equal(lvs_map_service(m, 3)->origins, 0);
	assert_int_equal(first->n_reals, 1);
	assert_int_equal(first->reals[0].port, 3269);
	assert_int_equal(first->reals[0].method, LVS_FULLNAT);
	assert_int_equal(lvs_map_method(m, 0), LVS_FULLNAT);
	assert_int_equal(lvs_map_method(m, 2), LVS_NAT);
	assert_int_equal(first->n_matches, 1);
	assert_int_equal(first->matches[0].port, 3306);
	assert_int_equal(lvs_map_service(m, 1)->n_matches, 0);
	assert_int_equal(lvs_map_summary(m).services, 2);
	assert_int_equal(lvs_map_summary(m).visible, 2);
	assert_int_equal(lvs_map_summary(m).endpoints, 2);
	near(share(m, "10.141.16.0:80", "10.0.0.1:80", true), 1);
	near(share(m, "10.141.16.0:3306", "10.0.0.1:3269", true), 1);
}

static void resolves_marks_by_the_ini(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	struct lvs_service s = { .method = LVS_NAT };
	struct lvs_match mark = { .fwmark = 77 }, web = match_of(IPPROTO_TCP, "10.9.9.1:80");
	struct lvs_dest d;

	web.fwmark = 77;
	assert_int_equal(lvs_map_add_source(m, LVS_FROM_INI, "ini", 0), 0);
	assert_int_equal(lvs_map_add_source(m, LVS_FROM_SAVE, "save", 0), 1);
	assert_int_equal(lvs_map_add_service(m, &s), 0);
	assert_true(lvs_map_add_match(m, 0, &mark) >= 0);
	assert_true(lvs_map_add_match(m, 0, &web) >= 0);
	s.source = 1;
	assert_int_equal(lvs_map_add_service(m, &s), 1);
	assert_true(lvs_map_add_match(m, 1, &mark) >= 0);
	add_real(m, 1, "10.9.2.2:0", LVS_NAT, 1);
	mark.fwmark = 9;
	assert_int_equal(lvs_map_add_service(m, &s), 2);
	assert_true(lvs_map_add_match(m, 2, &mark) >= 0);
	add_real(m, 2, "10.9.2.9:0", LVS_NAT, 1);
	assert_int_equal(lvs_map_finish(m), 0);

	assert_int_equal(lvs_map_summary(m).services, 2);
	assert_int_equal(lvs_map_summary(m).unresolved, 1); /* mark 9 */
	near(share(m, "10.9.9.1:80", "10.9.2.2:80", true), 1);
	near(share(m, "10.9.9.1:80", "10.9.2.2:81", true), 0);
	/* of the unresolved one only the real servers are known */
	assert_true(look(m, "10.9.2.9:1234", &d));
	assert_true(d.real && d.service == LVS_NONE);
}

static void splits_by_weight(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	uint32_t s = add_service(m, "10.9.9.1:80", LVS_NAT, LVS_TOA_UNSET);

	add_real(m, s, "10.0.0.1:80", LVS_NAT, 1);
	add_real(m, s, "10.0.0.2:80", LVS_NAT, 2);
	add_real(m, s, "10.0.0.3:80", LVS_DR, 1); /* never sees the client's port twice */
	add_real(m, s, "10.0.0.4:80", LVS_NAT, 0);
	assert_int_equal(lvs_map_finish(m), 0);
	near(share(m, "10.9.9.1:80", "10.0.0.1:80", true), 0.25);
	near(share(m, "10.9.9.1:80", "10.0.0.2:80", true), 0.5);
	near(share(m, "10.9.9.1:80", "10.0.0.3:80", true), 0);
	/* what weighs nothing gets no new ones; the old ones are anybody's */
	near(share(m, "10.9.9.1:80", "10.0.0.4:80", true), 0);
	near(share(m, "10.9.9.1:80", "10.0.0.4:80", false), 0.25);
	near(share(m, "10.9.9.1:80", "10.0.0.2:80", false), 0.5);
	near(share(m, "10.9.9.1:80", "10.0.0.1:80", false), 0.25);
}

/* A service may be the server of another one; what stands behind it is not looked for. */
static void a_service_may_be_a_server(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	uint32_t s;

	s = add_service(m, "10.2.0.1:80", LVS_NAT, LVS_TOA_UNSET);
	add_real(m, s, "10.2.0.2:80", LVS_NAT, 1);
	s = add_service(m, "10.2.0.2:80", LVS_NAT, LVS_TOA_UNSET);
	add_real(m, s, "10.2.0.1:80", LVS_NAT, 1);
	add_real(m, s, "10.0.0.8:80", LVS_NAT, 1);
	assert_int_equal(lvs_map_finish(m), 0);
	/* the one is the other's server, whatever comes after */
	near(share(m, "10.2.0.1:80", "10.2.0.2:80", true), 1);
	near(share(m, "10.2.0.2:80", "10.0.0.8:80", true), 0.5);
	near(share(m, "10.2.0.1:80", "10.0.0.8:80", true), 0);
}

static void meets_behind_two_services(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	uint32_t s = add_service(m, "10.9.9.1:80", LVS_NAT, LVS_TOA_UNSET);
	struct lvs_side a, b;

	add_real(m, s, "10.0.0.1:8080", LVS_NAT, 1);
	add_real(m, s, "10.0.0.2:8080", LVS_NAT, 1);
	s = add_service(m, "10.9.9.2:80", LVS_NAT, LVS_TOA_UNSET);
	add_real(m, s, "10.0.0.2:8080", LVS_NAT, 1);
	add_real(m, s, "10.0.0.3:8080", LVS_NAT, 3);
	s = add_service(m, "10.9.9.3:8080", LVS_NAT, LVS_TOA_UNSET);
	add_real(m, s, "10.0.0.2:0", LVS_NAT, 1);
	assert_int_equal(lvs_map_finish(m), 0);
	near(share(m, "10.9.9.1:80", "10.9.9.2:80", true), 0.5 * 0.25);
	near(share(m, "10.9.9.1:80", "10.9.9.3:8080", true), 0.5);
	near(share(m, "10.9.9.3:8080", "10.0.0.2:8080", true), 1);

	/* a director knows where it has sent them */
	a = side_of(m, "10.9.9.1:80"), b = side_of(m, "10.9.9.2:80");
	a.has_rs = true, a.rs = end_of("10.0.0.2:8080").addr, a.rport = 8080;
	near(lvs_share(m, &a, &b, false), 0.25);
	b.has_rs = true, b.rs = a.rs, b.rport = 8080;
	near(lvs_share(m, &a, &b, false), 1);
	b.rport = 8081;
	near(lvs_share(m, &a, &b, false), 0);
}

static void knows_ranges(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	struct lvs_match range = match_of(IPPROTO_TCP, "10.9.0.10:80");
	struct lvs_service s = { .method = LVS_NAT };
	struct lvs_dest d;

	range.last = end_of("10.9.1.20:80").addr;
	assert_int_equal(lvs_map_add_source(m, LVS_FROM_KEEPALIVED, "conf", 0), 0);
	assert_int_equal(lvs_map_add_service(m, &s), 0);
	assert_true(lvs_map_add_match(m, 0, &range) >= 0);
	add_real(m, 0, "10.0.0.1:8080", LVS_NAT, 1);
	/* one address within, of a service of its own */
	assert_int_equal(lvs_map_add_service(m, &s), 1);
	range = match_of(IPPROTO_TCP, "10.9.0.99:80");
	assert_true(lvs_map_add_match(m, 1, &range) >= 0);
	add_real(m, 1, "10.0.0.7:8080", LVS_NAT, 1);
	/* a smaller range of any port */
	assert_int_equal(lvs_map_add_service(m, &s), 2);
	range = match_of(IPPROTO_TCP, "10.9.0.50:0");
	range.last = end_of("10.9.0.60:0").addr;
	assert_true(lvs_map_add_match(m, 2, &range) >= 0);
	add_real(m, 2, "10.0.0.8:0", LVS_NAT, 1);
	assert_int_equal(lvs_map_finish(m), 0);

	assert_false(look(m, "10.9.0.9:80", &d));
	assert_true(look(m, "10.9.0.10:80", &d) && d.service == 0);
	assert_true(look(m, "10.9.1.20:80", &d) && d.service == 0);
	assert_false(look(m, "10.9.1.21:80", &d));
	assert_false(look(m, "10.9.0.10:81", &d));
	assert_true(look(m, "10.9.0.99:80", &d) && d.service == 1);
	assert_true(look(m, "10.9.0.55:80", &d) && d.service == 0);
	assert_true(look(m, "10.9.0.55:81", &d) && d.service == 2 && d.any_port);
	/* of the third */
	assert_true(lvs_map_has_port(m, 82));
}

/* An interval by a list of its addresses. */
static void agrees_with_every_address(void **state _unused_)
{
	struct rnd r = rnd_begin("agrees_with_every_address");
	int round, i, n;

	for (round = 0; round < 200; round++) {
		_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
		struct lvs_service s = { .method = LVS_NAT };
		bool covered[256] = { false };

		assert_int_equal(lvs_map_add_source(m, LVS_FROM_KEEPALIVED, "conf", 0), 0);
		n = 1 + (int)rnd(&r, 12);
		for (i = 0; i < n; i++) {
			uint8_t first = (uint8_t)rnd(&r, 256);
			uint8_t last = (uint8_t)(first + rnd(&r, 256u - first));
			struct lvs_match range = match_of(IPPROTO_TCP, "10.9.0.0:80");
			int service = lvs_map_add_service(m, &s);

			range.first.bytes[3] = first, range.last.bytes[3] = last;
			if (lvs_map_add_match(m, (uint32_t)service, &range) < 0)
				continue;
			add_real(m, (uint32_t)service, "10.0.0.1:80", LVS_NAT, 1);
			memset(covered + first, true, (size_t)(last - first) + 1);
		}
		assert_int_equal(lvs_map_finish(m), 0);
		for (i = 0; i < 256; i++) {
			uint8_t addr[4] = { 10, 9, 0, (uint8_t)i };
			struct lvs_dest d;

			assert_int_equal(lvs_map_lookup(m, IPPROTO_TCP, AF_INET, addr, 80, &d),
					 covered[i]);
		}
	}
}

/* A file that repeats itself or is too much costs neither time nor memory. */
static void stays_within_its_limits(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	struct lvs_match match = match_of(IPPROTO_TCP, "10.9.9.1:80");
	struct lvs_service s = { .method = LVS_NAT };
	struct lvs_real real = { .port = 80, .weight = 1 };
	struct lvs_dest d;
	uint32_t i;

	real.addr = end_of("10.0.0.1:80").addr;
	assert_int_equal(lvs_map_add_source(m, LVS_FROM_SAVE, "save", 0), 0);
	for (i = 0; i < LVS_SERVICES_MAX; i++) {
		assert_int_equal(lvs_map_add_service(m, &s), i);
		memcpy(match.first.bytes, &(uint32_t){ htonl(0x14000000 + i) }, 4);
		match.last = match.first;
		assert_int_equal(lvs_map_add_match(m, i, &match), i);
		assert_int_equal(lvs_map_add_match(m, i, &match), -EEXIST);
	}
	assert_int_equal(lvs_map_add_service(m, &s), -E2BIG);
	for (i = 0; i < LVS_REALS_MAX; i++)
		assert_int_equal(lvs_map_add_real(m, i / 4, &real), i);
	assert_int_equal(lvs_map_add_real(m, 0, &real), -E2BIG);
	assert_int_equal(lvs_map_finish(m), 0);
	assert_true(look(m, "20.1.255.255:80", &d));
	assert_int_equal(d.service, 0x1ffff);
	assert_false(look(m, "20.2.0.0:80", &d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_nonsense),
		cmocka_unit_test(an_empty_map_knows_nothing),
		cmocka_unit_test(the_first_source_counts),
		cmocka_unit_test(resolves_marks_by_the_ini),
		cmocka_unit_test(splits_by_weight),
		cmocka_unit_test(a_service_may_be_a_server),
		cmocka_unit_test(meets_behind_two_services),
		cmocka_unit_test(knows_ranges),
		cmocka_unit_test(agrees_with_every_address),
		cmocka_unit_test(stays_within_its_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
