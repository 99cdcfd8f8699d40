/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the group may ask of the daemon, and how often anybody may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/peer.h"
#include "show/settings_text.h"

static int setup(void **state)
{
	static const char *const given[][3] = {
		{ "instance VI_1", "address", "192.168.11.100/32" },
		{ "instance VI_1", "address", "fd00:11::100/128 dev br-six" },
		{ "instance VI_1", "device", "br-mgmt" },
		{ "agent", "allow", "10.20.0.0/16, fd00:20::/64" },
		{ "agent", "allow", "192.0.2.1" },
	};
	struct settings *s = calloc(1, sizeof(*s));
	struct request_error e;
	size_t i;

	settings_init(s, sections_all);
	for (i = 0; i < ARRAY_SIZE(given); i++)
		if (settings_apply(s, given[i][0], given[i][1], given[i][2], &e) < 0)
			fail_msg("%s", e.text);
	if (settings_finish(s, &e) < 0)
		fail_msg("%s", e.text);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	settings_done(*state);
	free(*state);
	return 0;
}

/* "add WORDS" or "del WORDS", blanks between them. */
static struct wire_request move(enum op op, const char *words)
{
	struct wire_request r = { .op = WIRE_MOVE };
	struct request_error e;
	char text[256], *argv[32], *save = NULL, *p;
	int argc = 0;

	snprintf(text, sizeof(text), "%s", words);
	for (p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save))
		argv[argc++] = p;
	request_init(&r.move, op);
	if (request_parse(&r.move, argc, argv, &e) < 0)
		fail_msg("%s", e.text);
	return r;
}

static bool may(const struct settings *s, enum peer_rights rights, const struct wire_request *r)
{
	struct request_error e = { "" };
	bool ok = permit_request(s, rights, r, &e);

	assert_true(ok || *e.text);
	return ok;
}

static void the_group_moves_what_it_was_given(void **state)
{
	static const char *const ok[] = {
		"192.168.11.100/32 dev br-mgmt", "fd00:11::100/128 dev br-six",
		"10.20.3.4/32 dev eth9",	 "10.20.3.4/24 dev eth9",
		"fd00:20::5/128 dev eth9",	 "192.0.2.1/32 dev lo",
	};
	static const char *const strange[] = {
		"192.168.11.7/24 dev br-mgmt", /* the node's own */
		"192.168.11.8/24 dev br-mgmt", /* a neighbour's */
		"169.254.169.254/32 dev lo",
		"192.168.11.100/24 dev br-mgmt", /* another prefix */
		"192.168.11.100/32 dev eth9",	 /* another device */
		"fd00:11::100/128 dev br-mgmt",
		"10.20.3.4/15 dev eth9",
		"10.21.0.1/32 dev eth9",
		"192.0.2.2/32 dev lo",
		"fd00:20::5/60 dev eth9",
		"10.20.3.4/32 192.168.11.7/24 dev br-mgmt",
	};
	const struct settings *s = *state;
	enum op op;
	size_t i;

	for (op = OP_ADD; op <= OP_DEL; op++) {
		for (i = 0; i < ARRAY_SIZE(ok); i++) {
			struct wire_request r = move(op, ok[i]);

			assert_true(may(s, PEER_GROUP, &r));
			assert_false(may(s, PEER_NOBODY, &r));
			r.move.force = true;
			assert_false(may(s, PEER_GROUP, &r));
			assert_true(may(s, PEER_ROOT, &r));
		}
		for (i = 0; i < ARRAY_SIZE(strange); i++) {
			struct wire_request r = move(op, strange[i]);

			assert_false(may(s, PEER_GROUP, &r));
			assert_true(may(s, PEER_ROOT, &r));
			r.move.plan = true;
			assert_true(may(s, PEER_GROUP, &r));
		}
	}
}

/* What is sent to a broadcast address comes to this node. */
static void a_broadcast_address_takes_nobodys_place(void **state)
{
	const struct settings *s = *state;
	struct wire_request r = move(OP_ADD, "10.20.3.4/24 brd 10.20.3.255 dev eth9");

	assert_true(may(s, PEER_GROUP, &r));
	r = move(OP_ADD, "10.20.3.4/24 brd + dev eth9");
	assert_true(may(s, PEER_GROUP, &r));
	r = move(OP_ADD, "10.20.3.4/24 brd 192.168.11.8 dev eth9");
	assert_false(may(s, PEER_GROUP, &r));
	r = move(OP_ADD, "192.168.11.100/32 brd 192.168.11.8 dev br-mgmt");
	assert_false(may(s, PEER_GROUP, &r));
	assert_true(may(s, PEER_ROOT, &r));
}

static void the_group_reads_and_notifies(void **state)
{
	static const enum wire_op all[] = { WIRE_STATUS, WIRE_METRICS,	   WIRE_WATCH,
					    WIRE_NOTIFY, WIRE_CONNECTIONS, WIRE_EXPLAIN };
	const struct settings *s = *state;
	struct wire_request reload = { .op = WIRE_RELOAD };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		struct wire_request r = { .op = all[i] };

		assert_true(may(s, PEER_GROUP, &r));
		assert_false(may(s, PEER_NOBODY, &r));
	}
	assert_false(may(s, PEER_GROUP, &reload));
	assert_true(may(s, PEER_ROOT, &reload));
}

/* How many of N requests of UID at NOW are let through. */
static unsigned let(struct permit_rates *p, uid_t uid, enum wire_op op, unsigned n, usec_t now)
{
	struct wire_request r = { .op = op };
	unsigned i, passed = 0;

	for (i = 0; i < n; i++)
		passed += permit_rate(p, uid, uid ? PEER_GROUP : PEER_ROOT, &r, now);
	return passed;
}

static void nobody_asks_without_end(void **state _unused_)
{
	struct permit_rates p = { .reloads = { 0 } };
	usec_t now = 100 * USEC_PER_SEC;
	uid_t uid;

	assert_in_range(let(&p, 12, WIRE_STATUS, 100000, now), 50, 500);
	assert_in_range(let(&p, 12, WIRE_STATUS, 100000, now + 10 * USEC_PER_SEC), 50, 1000);
	assert_in_range(let(&p, 0, WIRE_RELOAD, 100000, now), 5, 50);
	assert_in_range(let(&p, 0, WIRE_RELOAD, 100000, now + 8 * USEC_PER_SEC), 5, 50);
	assert_int_equal(let(&p, 0, WIRE_STATUS, 100000, now), 100000);
	assert_int_equal(let(&p, 0, WIRE_NOTIFY, 100000, now), 100000);
	assert_int_equal(let(&p, 0, WIRE_MOVE, 100000, now), 100000);
	assert_in_range(let(&p, 12, WIRE_NOTIFY, 100000, now), 512, 2000);
	/* one user does not use up another's */
	assert_in_range(let(&p, 13, WIRE_STATUS, 100, now), 100, 100);
	/* and many do not make it forget who has just had his share */
	for (uid = 1000; uid < 1000 + PERMIT_USERS_MAX - 4; uid++)
		assert_int_equal(let(&p, uid, WIRE_STATUS, 1, now + uid), 1);
	assert_int_equal(let(&p, 12, WIRE_NOTIFY, 10, now), 0);
}

static void a_burst_then_one_each_interval(void **state _unused_)
{
	struct ratelimit l = { 0 };
	usec_t now = 7, t;
	unsigned n = 0;

	while (ratelimit_take(&l, now, 5, 100))
		n++;
	assert_int_equal(n, 5);
	assert_false(ratelimit_take(&l, now + 99, 5, 100));
	assert_int_equal(ratelimit_take_suppressed(&l), 2);
	assert_int_equal(ratelimit_take_suppressed(&l), 0);
	for (t = 0, n = 0; t < 10000; t++)
		n += ratelimit_take(&l, now + t, 5, 100);
	assert_in_range(n, 99, 100);
	assert_true(ratelimit_take(&l, now + 20000, 5, 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_group_moves_what_it_was_given, setup, teardown),
		cmocka_unit_test_setup_teardown(a_broadcast_address_takes_nobodys_place, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_group_reads_and_notifies, setup, teardown),
		cmocka_unit_test(nobody_asks_without_end),
		cmocka_unit_test(a_burst_then_one_each_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
