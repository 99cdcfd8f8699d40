/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events that are lost without a word: the guard notices by the kernel's number of
 * entries, and reads the table for nothing only now and then. */
#include "lib/guarding.h"

#define FLOWS 200
#define LOST 20

/* Connections number FIRST … FIRST+N-1 come into being. */
static void born(struct scene *s, uint16_t first, uint16_t n)
{
	for (uint16_t i = first; i < first + n; i++) {
		struct conn c = scene_tcp(i);

		fake_tell(s->fake, scene_add(s, &c));
	}
}

/* And end by themselves. */
static void died(struct scene *s, uint16_t first, uint16_t n)
{
	for (uint16_t i = first; i < first + n; i++) {
		struct conn c = scene_tcp(i);

		assert_int_equal(fake_delete_by(s->fake, &c.key, 0), 0);
	}
}

static struct guard *guarding_some(struct scene *s)
{
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);

	scene_populate(s, FLOWS);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).relists, 1);
	return g;
}

/* The kernel has lost what it had to tell, and says nothing of it: within some seconds the
 * guard knows and pins them all the same, and a delete harms none. */
static void births_that_nobody_told_of(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_some(s);

	born(s, 1000, LOST);
	s->fake->events_dropped = 1;
	guarding_spin(s, g, 8 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).relists, 1); /* it may still be churn */
	guarding_spin(s, g, 8 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).relists, 2);
	assert_int_equal(guarding_status(g).overruns, 1);
	scene_remember(s);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(s->fake->flushed, 0);
	assert_int_equal(scene_broken(s, false), 0);
	guarding_spin(s, g, 60 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).relists, 2);
	guard_free(g);
}

/* The control: none of them is known, and the flush breaks all. */
static void before_it_is_noticed(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_some(s);

	born(s, 1000, LOST);
	s->fake->events_dropped = 1;
	guarding_spin(s, g, 8 * USEC_PER_SEC);
	guarding_foreign_delete(s, VIP4 "/32");
	assert_int_equal(s->fake->flushed, LOST);
	guard_free(g);
}

/* However the kernel tells of an overrun, the table is read at once. */
static void an_overrun_is_noticed_at_once(void **state)
{
	struct scene *s = *state;

	for (unsigned zero = 0; zero < 2; zero++) {
		struct guard *g = guarding_some(s);

		s->fake->overrun_is_zero = zero;
		born(s, 1000, LOST);
		s->fake->events_lost = 1;
		guarding_spin(s, g, 4 * USEC_PER_SEC);
		assert_int_equal(guarding_status(g).relists, 2);
		guarding_foreign_delete(s, VIP4 "/32");
		assert_int_equal(s->fake->flushed, 0);
		guard_free(g);
		scene_teardown(state);
		assert_int_equal(scene_setup(state), 0);
		s = *state;
	}
}

/* What comes and goes is told of: the table is not read for it. */
static void a_busy_node(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_some(s);

	for (unsigned round = 0; round < 60; round++) {
		born(s, 1000, 300);
		guarding_spin(s, g, 400 * USEC_PER_MSEC);
		died(s, 1000, round % 2 ? 300 : 280);
		if (round % 2 == 0)
			died(s, 1280, 20);
		guarding_spin(s, g, 600 * USEC_PER_MSEC);
	}
	assert_int_equal(guarding_status(g).relists, 1);
	guard_free(g);
}

static void a_few_are_churn(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_some(s);

	born(s, 1000, 5);
	s->fake->events_dropped = 1;
	guarding_spin(s, g, 60 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).relists, 1);
	guard_free(g);
}

/* A ruleset can keep the kernel from telling of deaths: each time that the table has shown
 * nothing new, it is read later. */
static void deaths_that_are_never_told_of(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_some(s);

	for (unsigned round = 0; round < 600; round++) {
		born(s, (uint16_t)(1000 + 20 * round), 20);
		guarding_spin(s, g, 500 * USEC_PER_MSEC);
		died(s, (uint16_t)(1000 + 20 * round), 20);
		s->fake->events_dropped = 1;
		guarding_spin(s, g, 500 * USEC_PER_MSEC);
	}
	assert_in_range(guarding_status(g).relists, 2, 7);
	assert_int_equal(guarding_status(g).overruns, 0);
	guard_free(g);
}

/* Up to Linux 4.9 and RHEL 7, only the first half of another's pin is told of as what it is. */
static void pins_of_others(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_some(s);

	for (unsigned create_is_new = 0; create_is_new < 2; create_is_new++) {
		s->fake->create_is_update = !create_is_new;
		for (uint16_t i = 0; i < 50; i++) {
			struct conn c = scene_tcp(i);

			assert_int_equal(fake_pin_by(s->fake, &c.key, 77), 0);
		}
		guarding_spin(s, g, 30 * USEC_PER_SEC);
		assert_int_equal(guarding_status(g).relists, 1);
	}
	guard_free(g);
}

/* What the guard itself puts back or removes is told to nobody. */
static void work_of_the_guard(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);

	scene_populate(s, FLOWS);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	scene_remember(s);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, 60 * USEC_PER_SEC);
	assert_true(guarding_status(g).restored >= FLOWS);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guarding_status(g).relists, 1);
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(births_that_nobody_told_of),
		CASE(before_it_is_noticed),
		CASE(an_overrun_is_noticed_at_once),
		CASE(a_busy_node),
		CASE(a_few_are_churn),
		CASE(deaths_that_are_never_told_of),
		CASE(pins_of_others),
		CASE(work_of_the_guard),
	};

	return cmocka_run_group_tests_name("guard_count", tests, NULL, NULL);
}
