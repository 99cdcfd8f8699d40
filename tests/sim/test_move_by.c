/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An address that has to be gone by a certain time: what is not pinned by then is held and
 * restored, and what could not even be read is told of. */
#include "lib/guarding.h"

#include <string.h>

#define FLOWS 1500
#define BY (200 * USEC_PER_MSEC)

/* Of each message; to pin all takes twice BY. */
#define SLOW 80

static usec_t gone_at; /* when the stage after the move began */

static void note_move(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "drop"))
		gone_at = s->fake->clock;
}

static void bound_scene(struct scene *s)
{
	s->req.strategy = STRATEGY_PIN;
	s->req.hold = HOLD_AUTO;
	s->settings.timeout = 600 * USEC_PER_SEC;
	s->settings.pin_timeout = 60 * USEC_PER_SEC;
	s->on_stage = note_move;
	scene_populate(s, FLOWS);
	scene_remember(s);
	gone_at = 0;
}

/* How long the address stayed. */
static usec_t del(struct scene *s, usec_t by)
{
	usec_t began = s->fake->clock;

	s->req.move_by = by;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_true(s->report.changed);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_true(gone_at > 0);
	assert_true(s->report.timing.until_moved <= gone_at - began);
	if (!s->env.source.ops) /* the hold is the guard's */
		assert_false(s->fake->held_open);
	assert_int_equal(s->fake->unheld_creates, 0);
	scene_check_report(s);
	return gone_at - began;
}

static void slow_pins_end_in_time(void **state)
{
	struct scene *s = *state;

	bound_scene(s);
	s->fake->call_cost = SLOW;
	assert_true(del(s, BY) <= BY);
	scene_expect(s, EXIT_DONE, true);
	assert_true(s->report.entries.pinned > 0);
	assert_true(s->report.entries.restored > 0);
	assert_true(scene_warned(s, "pin-deadline"));
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_restored(s);
}

static void without_it_they_do_not(void **state)
{
	struct scene *s = *state;

	bound_scene(s);
	s->fake->call_cost = SLOW;
	assert_true(del(s, 0) > BY);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.entries.restored, 0);
	assert_int_equal(scene_broken(s, false), 0);
}

static void with_time_enough_it_changes_nothing(void **state)
{
	struct scene *s = *state;

	bound_scene(s);
	assert_true(del(s, 10 * BY) <= 10 * BY);
	scene_expect(s, EXIT_DONE, true);
	assert_false(scene_warned(s, "pin-deadline") || scene_warned(s, "cut-snapshot"));
	assert_int_equal(s->report.entries.restored, 0);
	assert_int_equal(scene_broken(s, false), 0);
}

/* No more than was read can be brought back. */
static void a_slow_dump_ends_in_time_and_says_so(void **state)
{
	struct scene *s = *state;
	size_t all = 0;

	bound_scene(s);
	all = s->n_before;
	s->fake->entry_cost = USEC_PER_MSEC;
	assert_true(del(s, BY) <= BY);
	scene_expect(s, EXIT_PARTIAL, true);
	assert_true(scene_warned(s, "cut-snapshot"));
	assert_true(s->report.entries.snapshot > 50 && s->report.entries.snapshot < all);
	assert_int_equal(s->report.entries.lost, 0);
	assert_true(scene_broken(s, false) > 0);
}

/* Events were lost: the table is read again, but not for long. */
static void lose_events(struct scene *s, const char *stage)
{
	note_move(s, stage);
	if (!strcmp(stage, "pin"))
		s->fake->events_lost = 1;
}

static void a_second_dump_ends_in_time(void **state)
{
	struct scene *s = *state;

	bound_scene(s);
	s->on_stage = lose_events;
	s->fake->call_cost = 10;
	s->fake->entry_cost = 36; /* a dump takes 95 ms: not twice in that time */
	assert_true(del(s, BY) <= BY);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
}

static void nothing_is_probed(void **state)
{
	struct scene *s = *state;

	bound_scene(s);
	s->req.strategy = STRATEGY_AUTO;
	assert_true(del(s, BY) <= BY);
	assert_int_equal(s->fake->experiments, 0);
	assert_int_equal(scene_broken(s, false), 0);
}

/* It waited for another run that long. */
static void one_that_is_late_already_goes_at_once(void **state)
{
	struct scene *s = *state;

	bound_scene(s);
	fake_advance(s->fake, USEC_PER_SEC);
	s->req.move_at = s->fake->clock - USEC_PER_MSEC;
	assert_true(del(s, BY) <= 10 * USEC_PER_MSEC);
	assert_true(scene_warned(s, "cut-snapshot"));
}

static void the_flush_may_come_late(void **state)
{
	struct scene *s = *state;

	bound_scene(s);
	s->fake->call_cost = SLOW;
	s->fake->flush_after = 120 * USEC_PER_MSEC;
	assert_true(del(s, BY) <= BY);
	scene_expect(s, EXIT_DONE, true);
	assert_true(s->report.entries.restored > 0);
	assert_int_equal(scene_broken(s, false), 0);
}

/* The client's next packet would map it anew: while it is held it does not. */
static void what_is_restored_was_held(void **state)
{
	struct scene *s = *state;
	uint16_t i;

	bound_scene(s);
	for (i = 1; i <= FLOWS; i++) {
		struct conn c = scene_tcp(i);

		fake_plan_conflict(s->fake, &c.key, CONFLICT_OTHER_PORT);
	}
	s->fake->call_cost = SLOW;
	assert_true(del(s, BY) <= BY);
	scene_expect(s, EXIT_DONE, true);
	assert_true(s->report.entries.restored > 0);
	assert_int_equal(scene_broken(s, false), 0);
}

/* What a guard knows has not to be read, and what a run leaves it restores. */
static void with_a_guard_nothing_is_cut(void **state)
{
	struct scene *s = *state;
	struct guard *g;

	bound_scene(s);
	g = guarding_new(s, PIN_ON_DEMAND);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	s->fake->call_cost = SLOW;
	s->fake->entry_cost = USEC_PER_MSEC; /* it would be cut if it were listed */
	s->req.strategy = STRATEGY_AUTO;
	s->env.source = guard_source(g);
	assert_true(del(s, BY) <= BY);
	s->env.source = (struct source){ .ops = NULL };
	assert_false(scene_warned(s, "cut-snapshot"));
	s->fake->entry_cost = 0;
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_false(fake_is_held(s->fake));
	guard_free(g);
}

static void with_a_guard_none_is_lost_even_then(void **state)
{
	struct scene *s = *state;
	struct guard *g;

	bound_scene(s);
	g = guarding_new(s, PIN_ON_DEMAND);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	s->req.strategy = STRATEGY_AUTO;
	s->req.move_at = s->fake->clock - USEC_PER_MSEC;
	s->env.source = guard_source(g);
	assert_true(del(s, BY) <= 10 * USEC_PER_MSEC);
	s->env.source = (struct source){ .ops = NULL };
	assert_int_equal(s->report.entries.snapshot, 0);
	assert_true(scene_warned(s, "pin-deadline"));
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_false(fake_is_held(s->fake));
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(slow_pins_end_in_time),
		CASE(without_it_they_do_not),
		CASE(with_time_enough_it_changes_nothing),
		CASE(a_slow_dump_ends_in_time_and_says_so),
		CASE(a_second_dump_ends_in_time),
		CASE(nothing_is_probed),
		CASE(one_that_is_late_already_goes_at_once),
		CASE(the_flush_may_come_late),
		CASE(what_is_restored_was_held),
		CASE(with_a_guard_nothing_is_cut),
		CASE(with_a_guard_none_is_lost_even_then),
	};

	return cmocka_run_group_tests_name("move_by", tests, NULL, NULL);
}
