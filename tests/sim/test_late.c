/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run is stopped, and goes on later: SIGSTOP, a debugger, a frozen cgroup, a
 * paused machine. Past its deadline the address is no longer its to change; in
 * time it looks again, since connections were born meanwhile. */
#include <string.h>

#include "lib/scene.h"

#define FLOWS 40
#define BORN 7

/* Past every deadline here and hold_max after it, well within what a guard or a
 * journal calls fresh. */
#define LONG (20 * USEC_PER_SEC)
/* Within the deadline, beyond hold_max. */
#define SHORT (2 * USEC_PER_SEC)

static struct scene *fresh(void **state)
{
	scene_teardown(state);
	scene_setup(state);
	return *state;
}

static void protect(struct scene *s)
{
	s->req.strategy = STRATEGY_PIN;
	s->req.hold = HOLD_AUTO;
}

static int count_stages(void **state, enum op op, const char *vip)
{
	struct scene *s = *state;
	int n = 0;

	scene_populate(s, FLOWS);
	protect(s);
	scene_move(s, op, vip, NULL);
	scene_expect(s, EXIT_DONE, true);
	while (n < s->n_stages && strcmp(s->stages[n], "move"))
		n++;
	assert_true(n > 5 && n < s->n_stages);
	return n + 1; /* those before the address changes, and the change */
}

static void stop_for_long(struct scene *s, const char *stage)
{
	(void)stage;
	if (s->n_stages == s->act_at + 1)
		fake_advance(s->fake, LONG);
}

static void is_refused_at_each_stage(void **state, enum op op, const char *vip, bool there)
{
	int stages = count_stages(state, op, vip), at;
	struct scene *s;

	for (at = 0; at < stages; at++) {
		s = fresh(state);
		protect(s);
		scene_populate(s, FLOWS);
		scene_remember(s);
		s->act_at = at;
		s->on_stage = stop_for_long;
		scene_move(s, op, vip, NULL);
		scene_expect(s, EXIT_DEADLINE, false);
		assert_non_null(strstr(s->report.error, "nothing changed"));
		assert_true(fake_has_addr(s->fake, s->dev, vip) == there);
		assert_int_equal(scene_broken(s, false), 0);
		assert_false(s->fake->held_open);
		assert_int_equal(s->fake->n_announced, 0);
		assert_int_equal(scene_leftovers(s, NULL), 0);
	}
}

static void del_is_refused_past_its_deadline(void **state)
{
	is_refused_at_each_stage(state, OP_DEL, VIP4 "/32", true);
}

static void add_is_refused_past_its_deadline(void **state)
{
	is_refused_at_each_stage(state, OP_ADD, "192.168.11.55/32", false);
}

static void late_clients_are_not_reset(void **state)
{
	struct scene *s = *state;

	s->req.vip_flows = VIP_FLOWS_RESET;
	scene_populate(s, FLOWS);
	s->act_at = 8; /* after the snapshot */
	s->on_stage = stop_for_long;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DEADLINE, false);
	assert_int_equal(s->fake->n_closed + s->fake->n_reset, 0);
}

/* It waited in a queue. */
static void begun_past_its_deadline_it_changes_nothing(void **state)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	scene_remember(s);
	fake_advance(s->fake, LONG);
	s->req.deadline = s->fake->clock - 2 * USEC_PER_SEC;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DEADLINE, false);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(scene_broken(s, false), 0);
}

static void stop_and_be_born(struct scene *s, const char *stage)
{
	uint16_t i;

	if (strcmp(stage, "look"))
		return;
	for (i = 0; i < BORN; i++) {
		struct conn c = scene_tcp((uint16_t)(FLOWS + 1 + i));

		fake_plan_birth(s->fake, s->fake->clock + USEC_PER_SEC, &c, s->dev);
	}
	fake_advance(s->fake, SHORT);
	scene_remember(s);
}

static void stopped_in_time_it_pins_what_was_born(void **state)
{
	struct scene *s = *state;

	protect(s);
	scene_populate(s, FLOWS);
	s->on_stage = stop_and_be_born;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(scene_broken(s, true), 0);
	assert_int_equal(s->report.entries.flushed, 0);
}

/* The secondaries of 10.9.0.1/24 have come while it was stopped. */
static void stop_and_depend(struct scene *s, const char *stage)
{
	if (strcmp(stage, "look"))
		return;
	fake_addr(s->fake, s->dev, "10.9.0.2/24", NULL);
	fake_advance(s->fake, SHORT);
}

static void stopped_in_time_it_is_refused_anew(void **state)
{
	struct scene *s = *state;

	protect(s);
	fake_addr(s->fake, s->dev, "10.9.0.1/24", NULL);
	scene_populate(s, FLOWS);
	scene_remember(s);
	s->on_stage = stop_and_depend;
	scene_move(s, OP_DEL, "10.9.0.1/24", NULL);
	scene_expect(s, EXIT_UNSAFE, false);
	assert_true(fake_has_addr(s->fake, s->dev, "10.9.0.1/24"));
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(scene_leftovers(s, NULL), 0);
}

static void stop_and_be_faster(struct scene *s, const char *stage)
{
	if (strcmp(stage, "look"))
		return;
	assert_int_equal(fake_addr_del(s->fake, s->dev, VIP4 "/32"), 0);
	fake_advance(s->fake, SHORT);
}

static void somebody_was_faster(void **state)
{
	struct scene *s = *state;

	protect(s);
	scene_populate(s, FLOWS);
	scene_remember(s);
	s->on_stage = stop_and_be_faster;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, false);
	assert_int_equal(scene_broken(s, true), 0);
}

static void stop_and_kill(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "look"))
		fake_advance(s->fake, LONG);
	if (!strcmp(stage, "verify"))
		s->kill_at = s->n_stages - 1;
}

static void count_one(void *ud, const struct report *r)
{
	(void)r;
	++*(int *)ud;
}

/* Killed after that, it is not finished by whoever comes next. */
static void refused_and_killed_it_stays_refused(void **state)
{
	struct scene *s = *state;
	int n = 0;

	protect(s);
	scene_populate(s, FLOWS);
	scene_remember(s);
	s->on_stage = stop_and_kill;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->on_stage = NULL;
	s->kill_at = -1;
	assert_int_equal(run_recover(&s->env, count_one, &n), 1);
	assert_int_equal(n, 1);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(scene_broken(s, false), 0);
}

/* What is slow is not what was stopped: the listing ends at the deadline. */
static void a_slow_listing_does_not_keep_the_address(void **state)
{
	struct scene *s = *state;

	s->fake->entry_cost = 100 * USEC_PER_MSEC; /* all of it: far beyond both */
	s->req.timeout = USEC_PER_SEC;
	scene_populate(s, FLOWS);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(s->report.exit_code, EXIT_DEADLINE);
	assert_true(s->report.changed);
	assert_true(scene_warned(s, "cut-snapshot"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(del_is_refused_past_its_deadline),
		CASE(add_is_refused_past_its_deadline),
		CASE(late_clients_are_not_reset),
		CASE(begun_past_its_deadline_it_changes_nothing),
		CASE(stopped_in_time_it_pins_what_was_born),
		CASE(stopped_in_time_it_is_refused_anew),
		CASE(somebody_was_faster),
		CASE(refused_and_killed_it_stays_refused),
		CASE(a_slow_listing_does_not_keep_the_address),
	};

	return cmocka_run_group_tests_name("late", tests, NULL, NULL);
}
