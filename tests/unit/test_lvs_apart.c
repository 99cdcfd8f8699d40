/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which services are kept apart from direct connections, and by which ports. */
#include "lib/lvs_scene.h"

#include <errno.h>

#include "base/array.h"
#include "lvs/apart.h"

static const struct lvs_window no_window;

/* The longest run of free ports beside those of connect(), or among them if need be. */
static void chooses_the_longest_run(void **state _unused_)
{
	static const struct {
		const char *range, *reserved;
		uint16_t in_use[3];
		uint16_t low, high;
		uint32_t direct;
	} rows[] = {
		{ "32768 60999", "", { 0 }, 1024, 32767, 0 },
		{ "32768 60999", "", { 40000 }, 1024, 32767, 0 },
		{ "32768 60999", "", { 5000 }, 5001, 32767, 0 },
		{ "32768 60999", "30000-32767", { 0 }, 1024, 29999, 0 },
		{ "1024 20000", "", { 0 }, 20001, 65535, 0 },
		/* not the whole of it: the direct ones need ports as well */
		{ "1024 65535", "", { 0 }, 49152, 65535, 0 },
		{ "1024 65535", "", { 50000 }, 33616, 49999, 0 },
		{ "2000 65000", "", { 30000, 40000, 63000 }, 13616, 29999, 0 },
	};
	struct lvs_live *live = calloc(1, sizeof(*live));
	struct lvs_window w;
	struct ports p;
	size_t i, k;

	assert_non_null(live);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(&p, 0, sizeof(p));
		memset(live, 0, sizeof(*live));
		assert_int_equal(ports_read_range(&p, rows[i].range), 0);
		assert_int_equal(ports_read_reserved(&p, rows[i].reserved), 0);
		for (k = 0; k < ARRAY_SIZE(rows[i].in_use); k++)
			live->direct[rows[i].in_use[k]]++;
		assert_true(lvs_window_apart(&p, live->direct, &w));
		if (w.low != rows[i].low || w.high != rows[i].high || w.direct != rows[i].direct)
			fail_msg("row %zu: %u-%u, direct %u", i, w.low, w.high, w.direct);
	}
	/* no run of 1000 is free: the range with the fewest, and how many they are */
	for (k = 500; k <= UINT16_MAX; k += 500)
		live->direct[k]++;
	assert_true(lvs_window_apart(&p, live->direct, &w));
	assert_in_range(w.direct, 1, 9);
	free(live);
}

static struct ports some_ports(void)
{
	struct ports p = { .low = 0 };

	assert_int_equal(ports_read_range(&p, "32768 60999"), 0);
	return p;
}

/* In one line: each item's service, its window or why it has none, and whether that is shared. */
static const char *plan_text(const struct lvs_apart *a, char *buf, size_t size)
{
	size_t i, at = 0;

	*buf = '\0';
	for (i = 0; i < a->n_items; i++) {
		const struct lvs_apart_item *x = &a->items[i];

		if (x->why == LVS_APART_KEPT)
			at += (size_t)snprintf(buf + at, size - at, "%u:%u%s ", x->service,
					       x->window, x->shares ? "s" : "");
		else
			at += (size_t)snprintf(buf + at, size - at, "%u:why%u ", x->service,
					       x->why);
	}
	return buf;
}

static void plan_is(struct lvs_map *m, const char *wanted, struct lvs_apart *ret)
{
	struct lvs_live *live = calloc(1, sizeof(*live));
	struct ports p = some_ports();
	char text[256];

	assert_int_equal(lvs_map_finish(m), 0);
	assert_int_equal(lvs_apart_plan(m, &p, live, &no_window, ret), 0);
	assert_string_equal(plan_text(ret, text, sizeof(text)), wanted);
	free(live);
}

static void services_of_one_server_are_apart(void **state _unused_)
{
	struct lvs_map *m = lvs_map_new();
	struct lvs_apart a;
	uint32_t s;

	add_real(m, add_service(m, "10.9.9.1:80", LVS_NAT, 0), "10.9.2.2:80", LVS_NAT, 1);
	s = add_service(m, "10.9.9.2:80", LVS_NAT, 0);
	add_real(m, s, "10.9.2.9:80", LVS_NAT, 1);
	add_real(m, s, "10.9.2.2:80", LVS_NAT, 0);
	add_real(m, add_service(m, "10.9.9.3:80", LVS_NAT, 0), "10.9.2.9:80", LVS_NAT, 1);
	add_real(m, add_service(m, "10.9.9.4:80", LVS_NAT, 0), "10.9.2.2:81", LVS_NAT, 1);
	/* no server of it sees the client */
	add_real(m, add_service(m, "10.9.9.5:80", LVS_DR, 0), "10.9.2.2:80", LVS_DR, 1);
	plan_is(m, "0:0 1:1 2:0 3:0 ", &a);
	assert_int_equal(a.rules.n_windows, 2);
	assert_int_equal(a.rules.servers.n, 3);
	assert_int_equal(a.rules.windows[0].low, 1024);
	assert_int_equal(a.rules.windows[0].high + 1, a.rules.windows[1].low);
	assert_int_equal(a.rules.windows[1].high, 32767);
	assert_int_equal(a.rules.rest_low, 32768);
	assert_int_equal(a.rules.rest_high, 65535);
	lvs_apart_done(&a);
	lvs_map_free(m);
}

static void what_cannot_be_done_is_told(void **state _unused_)
{
	struct lvs_map *m = lvs_map_new();
	struct lvs_service s = { .method = LVS_NAT };
	struct lvs_match udp = match_of(IPPROTO_UDP, "10.9.9.1:53");
	struct lvs_match wide = match_of(IPPROTO_TCP, "10.0.0.0:80");
	struct lvs_match some = match_of(IPPROTO_TCP, "10.9.9.8:80");
	struct lvs_match mark = { .fwmark = 7, .first.family = AF_INET, .last.family = AF_INET };
	struct lvs_apart a;
	uint32_t i;

	wide.last.bytes[1] = 1;
	some.last.bytes[3] = 9;
	for (i = 0; i < 6; i++) {
		if (i < 2)
			(void)add_service(m, i ? "[fd00::1]:443" : "10.9.9.2:80", LVS_NAT, 0);
		else
			assert_int_equal(lvs_map_add_service(m, &s), i);
		add_real(m, i, i == 1 ? "[fd00:2::2]:443" : "10.9.2.2:80", LVS_NAT, 1);
	}
	assert_true(lvs_map_add_match(m, 2, &udp) >= 0);
	assert_true(lvs_map_add_match(m, 3, &mark) >= 0);
	assert_true(lvs_map_add_match(m, 4, &wide) >= 0);
	assert_true(lvs_map_add_match(m, 5, &some) >= 0);
	plan_is(m, "0:0 1:0 2:why1 3:why2 4:why3 5:1s ", &a);
	assert_int_equal(a.n_kept, 3);
	assert_int_equal(a.rules.windows[1].services.n, 2);
	lvs_apart_done(&a);
	lvs_map_free(m);
}

static void more_than_there_are_windows_share_one(void **state _unused_)
{
	struct lvs_map *m = lvs_map_new();
	struct lvs_apart a;
	char vip[32];
	int i;

	for (i = 1; i <= 6; i++) {
		snprintf(vip, sizeof(vip), "10.9.9.%d:0", i);
		add_real(m, add_service(m, vip, LVS_NAT, 0), "10.9.2.2:0", LVS_NAT, 1);
	}
	plan_is(m, "0:0 1:1 2:2 3:3 4:3s 5:3s ", &a);
	assert_int_equal(a.rules.servers.n, 1);
	assert_int_equal(a.rules.servers.list[0].port, 0);
	lvs_apart_done(&a);
	lvs_map_free(m);
}

/* A reload must not move open connections into what is now another's range. */
static void a_window_stays_while_it_is_free(void **state _unused_)
{
	const struct lvs_window before = { .low = 20000, .high = 29999 };
	struct lvs_map *m = map_of("10.9.9.1:80", LVS_NAT, 0, "10.9.2.2:80");
	struct lvs_live *live = calloc(1, sizeof(*live));
	struct ports p = some_ports();
	struct lvs_apart a, b;

	assert_int_equal(lvs_apart_plan(m, &p, live, &before, &a), 0);
	assert_int_equal(a.rules.windows[0].low, 20000);
	assert_int_equal(a.rules.windows[0].high, 29999);
	live->direct[20005]++;
	assert_int_equal(lvs_apart_plan(m, &p, live, &before, &b), 0);
	assert_int_equal(b.rules.windows[0].low, 1024);
	assert_int_equal(b.rules.windows[0].high, 20004);
	assert_false(apart_equal(&a.rules, &b.rules));
	assert_true(apart_equal(&a.rules, &a.rules));
	lvs_apart_done(&a);
	lvs_apart_done(&b);
	free(live);
	lvs_map_free(m);
}

/* Whose port was translated, and nothing else, needs the kernel's NAT to go on. */
static void knows_who_needs_the_rules(void **state _unused_)
{
	struct conn c = conn_of(IPPROTO_TCP, "10.9.1.2:40000", "10.9.9.1:80", "10.9.9.1:80",
				"10.9.1.2:20000", CONN_TCP_ESTABLISHED);

	assert_true(apart_needs(&c));
	c.tcp_state = CONN_TCP_TIME_WAIT;
	assert_false(apart_needs(&c));
	c = conn_of(IPPROTO_TCP, "10.9.1.2:40000", "10.9.9.1:80", "10.9.9.1:80", "10.9.1.2:40000",
		    CONN_TCP_ESTABLISHED);
	assert_false(apart_needs(&c));
	c = conn_of(IPPROTO_TCP, "10.8.1.2:40000", "10.9.9.1:80", "10.9.9.1:80", "10.9.1.2:20000",
		    CONN_TCP_ESTABLISHED);
	assert_false(apart_needs(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_the_longest_run),
		cmocka_unit_test(services_of_one_server_are_apart),
		cmocka_unit_test(what_cannot_be_done_is_told),
		cmocka_unit_test(more_than_there_are_windows_share_one),
		cmocka_unit_test(a_window_stays_while_it_is_free),
		cmocka_unit_test(knows_who_needs_the_rules),
	};

	return cmocka_run_group_tests_name("lvs_apart", tests, NULL, NULL);
}
