/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When somebody deletes addresses again and again: a failover of many is repaired,
 * a fight over one is not, and what that costs is counted. */
#include "lib/guarding.h"

#include <stdio.h>

#define FLOWS 100

static void vip(char text[32], unsigned i)
{
	snprintf(text, 32, "192.168.11.%u/32", 100 + i);
}

static void add_vips(struct scene *s, unsigned n)
{
	char text[32];

	for (unsigned i = 1; i < n; i++) { /* the first is there */
		vip(text, i);
		fake_addr(s->fake, s->dev, text, NULL);
	}
}

/* N addresses go, PAUSE apart; each delete flushes what lives by then. */
static void fail_over(struct scene *s, struct guard *g, unsigned n, usec_t pause)
{
	char text[32];

	for (unsigned i = 0; i < n; i++) {
		vip(text, i);
		guarding_foreign_delete(s, text);
		guarding_spin(s, g, pause);
	}
	guarding_spin(s, g, 2 * USEC_PER_SEC);
}

static void fails_over_whole(struct scene *s, unsigned n, usec_t pause, unsigned repairs)
{
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);
	struct guard_status st;

	add_vips(s, n);
	for (uint16_t i = 0; i < FLOWS; i++) {
		struct conn c = scene_tcp(i);

		scene_add(s, &c);
		/* and some come while it is under way */
		c = scene_tcp((uint16_t)(2000 + i));
		fake_plan_birth(s->fake, s->fake->clock + USEC_PER_SEC + i * n * pause / FLOWS, &c,
				s->dev);
	}
	scene_remember(s);
	guarding_spin(s, g, USEC_PER_SEC);
	fail_over(s, g, n, pause);
	st = guarding_status(g);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(st.foreign_deletes, n);
	assert_false(st.quarantined);
	assert_int_equal(st.lost, 0);
	assert_true(st.repairs >= 1 && st.repairs <= repairs);
	for (uint16_t i = 0; i < FLOWS; i++) {
		struct conn c = scene_tcp((uint16_t)(2000 + i));

		assert_true(scene_works(s, &c));
	}
	guard_free(g);
}

static void twelve_at_once_are_one_repair(void **state)
{
	fails_over_whole(*state, 12, 1, 1);
}

static void forty_at_once_are_one_repair(void **state)
{
	fails_over_whole(*state, 40, 1, 1);
}

static void forty_one_after_the_other_are_repaired(void **state)
{
	fails_over_whole(*state, 40, 150 * USEC_PER_MSEC, 7);
}

static void forty_slowly_are_repaired(void **state)
{
	fails_over_whole(*state, 40, 1200 * USEC_PER_MSEC, 40);
}

/* One address comes and goes, and new connections die each time. Returns how many
 * are gone. */
static unsigned flap(struct scene *s, struct guard *g, unsigned times, usec_t pause, uint16_t first)
{
	unsigned gone = 0;

	for (uint16_t i = 0; i < times; i++) {
		struct conn c = scene_tcp((uint16_t)(first + i));

		if (!fake_has_addr(s->fake, s->dev, VIP4 "/32"))
			fake_addr(s->fake, s->dev, VIP4 "/32", NULL);
		fake_tell(s->fake, scene_add(s, &c));
		guarding_spin(s, g, 10 * USEC_PER_MSEC);
		guarding_foreign_delete(s, VIP4 "/32");
		guarding_spin(s, g, pause);
		gone += !scene_works(s, &c);
	}
	return gone;
}

static void a_fight_is_given_up_and_its_losses_are_counted(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	unsigned gone;

	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(flap(s, g, 10, 1100 * USEC_PER_MSEC, 1000), 0);
	assert_false(guarding_status(g).quarantined);
	assert_int_equal(guarding_status(g).lost, 0);
	gone = flap(s, g, 10, 1100 * USEC_PER_MSEC, 1100);
	assert_true(guarding_status(g).quarantined);
	assert_true(gone >= 8);
	assert_int_equal(guarding_status(g).lost, gone);
	/* it is over */
	guarding_spin(s, g, 62 * USEC_PER_SEC);
	assert_false(guarding_status(g).quarantined);
	assert_int_equal(flap(s, g, 3, 1100 * USEC_PER_MSEC, 1200), 0);
	assert_int_equal(guarding_status(g).lost, gone);
	guard_free(g);
}

/* However fast: a second of it counts once. */
static void a_fast_fight_is_given_up_too(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	unsigned gone;

	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(flap(s, g, 20, 200 * USEC_PER_MSEC, 1000), 0);
	assert_false(guarding_status(g).quarantined);
	gone = flap(s, g, 60, 200 * USEC_PER_MSEC, 1100);
	assert_true(guarding_status(g).quarantined);
	assert_true(gone > 0);
	assert_int_equal(guarding_status(g).lost, gone);
	guard_free(g);
}

/* What everybody else deletes is still made good. */
static void others_are_repaired_during_a_fight(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);
	struct conn c = scene_tcp(7);

	add_vips(s, 2);
	guarding_spin(s, g, USEC_PER_SEC);
	(void)flap(s, g, 12, 1100 * USEC_PER_MSEC, 1000);
	assert_true(guarding_status(g).quarantined);
	fake_tell(s->fake, scene_add(s, &c));
	guarding_spin(s, g, 10 * USEC_PER_MSEC);
	guarding_foreign_delete(s, "192.168.11.101/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_true(scene_works(s, &c));
	guard_free(g);
}

/* An address that comes and goes and breaks nothing is nobody's fight. */
static void harmless_flaps_do_not_count(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn c = scene_tcp(7);

	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, 5 * USEC_PER_SEC);
	for (unsigned i = 0; i < 30; i++) {
		if (!fake_has_addr(s->fake, s->dev, VIP4 "/32"))
			fake_addr(s->fake, s->dev, VIP4 "/32", NULL);
		guarding_spin(s, g, 10 * USEC_PER_MSEC);
		guarding_foreign_delete(s, VIP4 "/32");
		guarding_spin(s, g, 1100 * USEC_PER_MSEC);
	}
	assert_int_equal(guarding_status(g).repairs, 0);
	assert_false(guarding_status(g).quarantined);
	assert_int_equal(scene_broken(s, false), 0);
	c = scene_tcp(900);
	fake_tell(s->fake, scene_add(s, &c));
	fake_addr(s->fake, s->dev, VIP4 "/32", NULL);
	guarding_spin(s, g, 10 * USEC_PER_MSEC);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_true(scene_works(s, &c));
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(twelve_at_once_are_one_repair),
		CASE(forty_at_once_are_one_repair),
		CASE(forty_one_after_the_other_are_repaired),
		CASE(forty_slowly_are_repaired),
		CASE(a_fight_is_given_up_and_its_losses_are_counted),
		CASE(a_fast_fight_is_given_up_too),
		CASE(others_are_repaired_during_a_fight),
		CASE(harmless_flaps_do_not_count),
	};

	return cmocka_run_group_tests_name("guard_fight", tests, NULL, NULL);
}
