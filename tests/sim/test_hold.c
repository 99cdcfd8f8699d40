/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hold may cost: a part of a run's time, a small share of a guard's, and no
 * connection when it cannot be had. */
#include "lib/guarding.h"

#define FLOWS 40

static int setup(void **state)
{
	int r = scene_setup(state);
	struct scene *s = *state;

	s->req.strategy = STRATEGY_AUTO;
	s->req.hold = HOLD_AUTO;
	return r;
}

/* ---- a run ---------------------------------------------------------------------------- */

static void one_that_hangs_costs_a_second(void **state)
{
	struct scene *s = *state;
	usec_t began = s->fake->clock;

	scene_populate(s, FLOWS);
	scene_remember(s);
	s->fake->hold_hangs = true;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(scene_warned(s, "no-hold"));
	assert_int_equal(s->fake->held_budget, USEC_PER_SEC);
	assert_in_range(s->fake->clock - began, USEC_PER_SEC, 2 * USEC_PER_SEC);
	assert_int_equal(s->report.hold, HOLD_OFF);
	assert_int_equal(s->report.entries.pinned, s->report.entries.candidates);
	assert_int_equal(scene_broken(s, false), 0);
}

static void or_a_quarter_of_the_time_there_is(void **state)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	scene_remember(s);
	s->fake->hold_hangs = true;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_int_equal(fake_has_addr(s->fake, s->dev, VIP4 "/32"), false);
	fake_addr(s->fake, s->dev, VIP4 "/32", "br-mgmt:1");
	s->req.timeout = 2 * USEC_PER_SEC;
	scene_run(s);
	scene_expect(s, EXIT_DONE, true);
	assert_in_range(s->fake->held_budget, 490 * USEC_PER_MSEC, 500 * USEC_PER_MSEC);
	assert_int_equal(scene_broken(s, false), 0);
}

static void rules_that_stay_are_told(void **state)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	scene_remember(s);
	s->fake->hold_stays = true;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(scene_warned(s, "hold-left"));
	assert_false(fake_is_held(s->fake));
	assert_int_equal(scene_broken(s, false), 0);
}

static void rules_of_one_that_failed_are_removed(void **state)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	scene_remember(s);
	s->fake->hold_fails = true;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(scene_warned(s, "no-hold"));
	assert_false(scene_warned(s, "hold-left"));
	assert_false(s->fake->held_open);
	assert_int_equal(scene_broken(s, false), 0);
}

static void and_told_when_they_stay(void **state)
{
	struct scene *s = *state;

	s->fake->hold_stays = true;
	s->fake->hold_fails = true;
	scene_populate(s, FLOWS);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(scene_warned(s, "no-hold"));
	assert_true(scene_warned(s, "hold-left"));
}

static void a_guard_that_ends_removes_them_too(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);

	scene_populate(s, FLOWS);
	s->fake->hold_fails = true;
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).hold, HOLD_OFF);
	assert_true(s->fake->held_open);
	guard_free(g);
	assert_false(s->fake->held_open);
}

static void a_plan_looks_and_does_nothing(void **state)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	s->fake->writes = 0;
	s->req.plan = true;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_int_equal(s->report.hold, scene_hold(s));
	assert_int_equal(s->fake->held_opened, 0);
	assert_int_equal(s->fake->writes, 0);
	s->req.hold = HOLD_IPTABLES;
	scene_run(s);
	assert_int_equal(s->report.hold, HOLD_IPTABLES);
	assert_string_equal(s->report.hold_why, "");
	s->req.hold = HOLD_OFF;
	scene_run(s);
	assert_int_equal(s->report.hold, HOLD_OFF);
	assert_string_equal(s->report.hold_why, "--hold off");
	s->req.hold = HOLD_AUTO;
	s->fake->hold_lacks = "nft: gone; iptables: no program";
	scene_run(s);
	assert_int_equal(s->report.hold, HOLD_OFF);
	assert_string_equal(s->report.hold_why, s->fake->hold_lacks);
	s->req.strategy = STRATEGY_NONE;
	scene_run(s);
	assert_string_equal(s->report.hold_why, "with --strategy none nothing is pinned");
}

/* ---- a guard -------------------------------------------------------------------------- */

/* Made beside it, the rules keep it from nothing but from pinning without them. */
static void a_guard_does_not_wait_for_rules(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	usec_t began = s->fake->clock;

	scene_populate(s, FLOWS);
	s->fake->hold_takes = 3 * USEC_PER_SEC;
	guard_tick(g);
	assert_in_range(s->fake->clock - began, 0, 10 * USEC_PER_MSEC);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).state, GUARD_LIVE);
	assert_int_equal(guarding_status(g).hold, HOLD_OFF);
	assert_string_equal(guarding_status(g).reason, "the hold is not in place yet");
	assert_int_equal(s->fake->created, 0);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).hold, scene_hold(s));
	assert_true(guarding_status(g).pinned >= FLOWS);
	assert_int_equal(s->fake->unheld_creates, 0);
	guard_free(g);
}

static void it_goes_on_without_and_tries_again(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);

	scene_populate(s, FLOWS);
	s->fake->hold_hangs = true;
	guarding_spin(s, g, 8 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).hold, HOLD_OFF);
	assert_true(guarding_status(g).pinned >= FLOWS);
	s->fake->hold_hangs = false;
	guarding_spin(s, g, 12 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).hold, scene_hold(s));
	guard_free(g);
}

/* On a machine where a pin takes twenty times what it should, and connections come
 * faster than it can pin them. */
static void pins_take_a_hundredth_of_the_time(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	usec_t began, held;
	uint64_t pins;

	guarding_spin(s, g, 3 * USEC_PER_SEC);
	s->fake->call_cost = 50;
	began = s->fake->clock;
	held = s->fake->held_for;
	pins = guarding_status(g).pins;
	for (uint16_t i = 0; i < 2000; i++) {
		struct conn c = scene_tcp(i);

		fake_tell(s->fake, scene_add(s, &c));
		guarding_spin(s, g, 5 * USEC_PER_MSEC);
		assert_false(fake_is_held(s->fake)); /* let go of as soon as it is done */
	}
	assert_true(guarding_status(g).pins - pins > 100);
	assert_true(s->fake->held_for > held);
	assert_in_range(s->fake->held_for - held, 1, (s->fake->clock - began) / 100);
	/* and it says so itself */
	assert_true(guarding_status(g).held_usec >= s->fake->held_for - held);
	guard_free(g);
}

/* Others run before packets are held back and not meanwhile; what has been pinned is read
 * back when they are let go of. */
static void a_busy_machine_is_not_held_for(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	unsigned armed;

	guarding_spin(s, g, 3 * USEC_PER_SEC);
	s->fake->others_take = 20 * USEC_PER_MSEC;
	s->fake->call_cost = 10;
	s->fake->stepped_aside = 0;
	armed = s->fake->held_armed;
	for (uint16_t i = 0; i < 100; i++) {
		struct conn c = scene_tcp(i);

		fake_tell(s->fake, scene_add(s, &c));
	}
	guarding_spin(s, g, 10 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, 100);
	assert_true(s->fake->stepped_aside > 0);
	assert_int_equal(s->fake->held_aside, 0);
	/* once for each time, and not for the reading back */
	assert_int_equal(s->fake->held_armed - armed, s->fake->stepped_aside);
	assert_int_equal(guarding_status(g).holds, s->fake->stepped_aside);
	assert_in_range(guarding_status(g).held_usec, 1, 10 * USEC_PER_MSEC);
	guard_free(g);
}

/* What was there before the guard is pinned soon all the same. */
static void the_first_pins_are_not_kept_waiting(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);

	s->fake->call_cost = 5;
	for (uint16_t i = 0; i < 5000; i++) {
		struct conn c = scene_tcp(i);

		scene_add(s, &c);
	}
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, 5000);
	guard_free(g);
}

static void a_repair_does_not_leave_it_armed(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);

	scene_populate(s, FLOWS);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	scene_remember(s);
	guarding_foreign_delete(s, VIP4 "/32");
	guard_ready(g);
	while (!s->fake->held_armed || s->fake->armed_at + USEC_PER_SEC > s->fake->clock)
		guarding_spin(s, g, 5 * USEC_PER_MSEC);
	assert_int_equal(scene_broken(s, false), 0);
	/* removed, not left to end by itself */
	assert_int_equal(s->fake->held_until, 0);
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(one_that_hangs_costs_a_second),
		CASE(or_a_quarter_of_the_time_there_is),
		CASE(rules_that_stay_are_told),
		CASE(rules_of_one_that_failed_are_removed),
		CASE(and_told_when_they_stay),
		CASE(a_guard_that_ends_removes_them_too),
		CASE(a_plan_looks_and_does_nothing),
		CASE(a_guard_does_not_wait_for_rules),
		CASE(it_goes_on_without_and_tries_again),
		CASE(pins_take_a_hundredth_of_the_time),
		CASE(a_busy_machine_is_not_held_for),
		CASE(the_first_pins_are_not_kept_waiting),
		CASE(a_repair_does_not_leave_it_armed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
