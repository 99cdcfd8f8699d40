/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Somebody else adds an address to a guarded device: the guard removes what leads elsewhere. */
#include "lib/arriving.h"
#include "lib/guarding.h"

#include <netinet/in.h>
#include <stdio.h>

static struct guard *guarded(struct scene *s, enum pin_mode mode)
{
	struct guard *g = guarding_new(s, mode);

	guarding_spin(s, g, 4 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).state, GUARD_LIVE);
	s->env.source = guard_source(g);
	return g;
}

static void foreign_add(struct scene *s, const char *prefix, uint32_t flags)
{
	struct ifaddr a = { .ifindex = s->dev,
			    .flags = flags,
			    .preferred_lft = IFADDR_FOREVER,
			    .valid_lft = IFADDR_FOREVER };

	assert_int_equal(prefix_parse(prefix, PREFIX_LEN_REQUIRED, &a.prefix), 0);
	assert_int_equal(s->fake->kernel.ops->addr_add(s->fake->kernel.ctx, &a), 0);
}

static void check_foreign(struct scene *s, enum pin_mode mode)
{
	struct guard *g;

	arriving_populate(s, 40, KNOWN_KINDS);
	g = guarded(s, mode);
	foreign_add(s, NEW4 "/32", 0);
	guarding_spin(s, g, 200 * USEC_PER_MSEC);
	assert_int_equal(arriving_left(s, 40), 0);
	arriving_expect_others(s, KNOWN_KINDS, s->n_before - 40);
	assert_int_equal(guarding_status(g).arrivals, 1);
	assert_int_equal(guarding_status(g).led_away, 40);
	assert_int_equal(guarding_status(g).lost, 0);
	guard_free(g);
}

static void a_foreign_add_is_seen(void **state)
{
	check_foreign(*state, PIN_CONTINUOUS);
}

static void by_what_is_known(void **state)
{
	struct scene *s = *state;

	s->fake->no_filter = true;
	check_foreign(s, PIN_CONTINUOUS);
}

static void by_what_is_known_and_not_pinned(void **state)
{
	struct scene *s = *state;

	s->fake->no_filter = true;
	check_foreign(s, PIN_ON_DEMAND);
}

static void a_foreign_flap_is_seen(void **state)
{
	struct scene *s = *state;
	struct guard *g;

	arriving_populate(s, 4, KNOWN_KINDS);
	g = guarded(s, PIN_CONTINUOUS);
	foreign_add(s, NEW4 "/32", 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(arriving_left(s, 4), 0);
	/* it goes, the pod sends, and it is back, before anybody has looked */
	guarding_foreign_delete(s, NEW4 "/32");
	arriving_begin(s, arriving_led_away(1));
	foreign_add(s, NEW4 "/32", 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(arriving_left(s, 4), 0);
	assert_int_equal(guarding_status(g).arrivals, 2);
	guard_free(g);
}

/* Many are added in a row: the guard wakes up for the first, and reads that the next is there
 * before it is told of it. */
static void adds_in_a_row_are_seen(void **state)
{
	struct scene *s = *state;
	struct ifaddr later;
	struct guard *g;

	arriving_populate(s, 4, KNOWN_KINDS);
	g = guarded(s, PIN_CONTINUOUS);
	foreign_add(s, "192.168.99.1/32", 0);
	foreign_add(s, NEW4 "/32", 0);
	later = s->fake->addr_events[--s->fake->n_addr_events].addr;
	guarding_spin(s, g, 200 * USEC_PER_MSEC);
	fake_tell_addr(s->fake, &later, false);
	guarding_spin(s, g, 200 * USEC_PER_MSEC);
	assert_int_equal(arriving_left(s, 4), 0);
	assert_int_equal(guarding_status(g).arrivals, 2);
	fake_tell_addr(s->fake, &later, false); /* its lifetime was renewed */
	guarding_spin(s, g, 200 * USEC_PER_MSEC);
	assert_int_equal(guarding_status(g).arrivals, 2);
	guard_free(g);
}

/* However many have come and gone for good before. */
static void a_late_foreign_flap_is_seen(void **state)
{
	struct scene *s = *state;
	struct guard *g;
	char prefix[32];

	g = guarded(s, PIN_CONTINUOUS);
	foreign_add(s, NEW4 "/32", 0);
	for (int i = 0; i < 80; i++) {
		snprintf(prefix, sizeof(prefix), "192.168.99.%d/32", i + 1);
		foreign_add(s, prefix, 0);
		guarding_spin(s, g, 10 * USEC_PER_MSEC);
		guarding_foreign_delete(s, prefix);
		guarding_spin(s, g, 10 * USEC_PER_MSEC);
	}
	guarding_spin(s, g, USEC_PER_SEC);
	guarding_foreign_delete(s, NEW4 "/32");
	arriving_begin(s, arriving_led_away(1));
	foreign_add(s, NEW4 "/32", 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(arriving_left(s, 4), 0);
	guard_free(g);
}

/* Not before it is used: another node may have it. */
static void a_tentative_address_is_waited_for(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_flow(IPPROTO_UDP, "fd00:1::9", 5000, NEW6, 53, HOST6, 30000);
	struct ifaddr used;
	struct guard *g;

	arriving_put(s, c);
	g = guarded(s, PIN_CONTINUOUS);
	foreign_add(s, NEW6 "/128", 0);
	guarding_spin(s, g, 500 * USEC_PER_MSEC);
	assert_int_equal(guarding_status(g).arrivals, 0);
	assert_true(arriving_is_there(s, &c));
	guarding_spin(s, g, USEC_PER_SEC);
	used = s->fake->addrs[s->fake->n_addrs - 1];
	used.flags = 0;
	fake_tell_addr(s->fake, &used, false);
	guarding_spin(s, g, 500 * USEC_PER_MSEC);
	assert_int_equal(guarding_status(g).arrivals, 1);
	assert_false(arriving_is_there(s, &c));
	fake_tell_addr(s->fake, &used, false); /* its lifetime was renewed */
	guarding_spin(s, g, 500 * USEC_PER_MSEC);
	assert_int_equal(guarding_status(g).arrivals, 1);
	guard_free(g);
}

/* A run of ours looks itself; and what the guard had pinned it forgets. */
static void the_guard_serves_a_run(void **state)
{
	struct scene *s = *state;
	struct guard *g;

	s->req.strategy = STRATEGY_AUTO;
	s->req.hold = HOLD_AUTO;
	arriving_populate(s, 40, KNOWN_KINDS);
	g = guarded(s, PIN_CONTINUOUS);
	assert_true(guard_serves(g, &s->req));
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	/* without a filter it goes by what the guard knows, to which the plain one is nothing */
	arriving_expect_counts(s, 40, KNOWN_KINDS - s->fake->no_filter);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).arrivals, 0);
	assert_int_equal(guarding_status(g).lost, 0);
	assert_int_equal(arriving_left(s, 40), 0);
	guard_free(g);
}

/* Fifty times a second: looked at ten times. */
static void a_flapping_address_is_damped(void **state)
{
	struct scene *s = *state;
	unsigned looks;
	struct guard *g;

	arriving_populate(s, 4, KNOWN_KINDS);
	g = guarded(s, PIN_CONTINUOUS);
	looks = s->fake->dump_to.calls;
	for (int i = 0; i < 50; i++) {
		foreign_add(s, NEW4 "/32", 0);
		guarding_spin(s, g, 10 * USEC_PER_MSEC);
		guarding_foreign_delete(s, NEW4 "/32");
		guarding_spin(s, g, 10 * USEC_PER_MSEC);
	}
	assert_true(s->fake->dump_to.calls - looks <= 12);
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_foreign_add_is_seen),
		CASE(by_what_is_known),
		CASE(by_what_is_known_and_not_pinned),
		CASE(a_foreign_flap_is_seen),
		CASE(a_late_foreign_flap_is_seen),
		CASE(adds_in_a_row_are_seen),
		CASE(a_tentative_address_is_waited_for),
		CASE(the_guard_serves_a_run),
		CASE(a_flapping_address_is_damped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
