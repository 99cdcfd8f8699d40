/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guard that is killed in the midst of a repair leaves, and what it does to
 * what it has begun when it is to end, or to work by other settings. */
#include "lib/guarding.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FLOWS 60
#define MANY 2500 /* more than are saved in one step: 2048 */
#define TOLD_MAX 8

struct told {
	struct report reports[TOLD_MAX];
	size_t n;
};

static void on_report(void *ud, const struct report *r)
{
	struct told *t = ud;

	assert_true(t->n < TOLD_MAX);
	t->reports[t->n++] = *r;
}

static void repair_path(const struct scene *s, char path[128])
{
	snprintf(path, 128, "%s/repair-br-mgmt", s->dir);
}

static bool has_file(const struct scene *s)
{
	char path[128];
	struct stat st;

	repair_path(s, path);
	return stat(path, &st) == 0;
}

/* As SIGKILL does: the guard does not come to tidy up. */
static void kill_guard(struct scene *s, struct guard *g)
{
	char path[128], aside[136];

	repair_path(s, path);
	snprintf(aside, sizeof(aside), "%s.kept", path);
	assert_true(!has_file(s) || rename(path, aside) == 0);
	guard_free(g);
	(void)rename(aside, path);
}

static struct guard *begin_with(struct scene *s, unsigned flows)
{
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);

	scene_populate(s, flows);
	scene_remember(s);
	guarding_spin(s, g, USEC_PER_SEC);
	return g;
}

static struct guard *begin(struct scene *s)
{
	return begin_with(s, FLOWS);
}

/* Wherever it is killed, once it has done a step: everything comes back. */
static void a_kill_loses_nothing(void **state)
{
	for (unsigned steps = 1; steps < 30; steps++) {
		struct told told = { .n = 0 };
		struct scene *s;
		struct guard *g;

		assert_int_equal(scene_setup(state), 0);
		s = *state;
		g = begin(s);
		guarding_foreign_delete(s, VIP4 "/32");
		for (unsigned i = 0; i < steps; i++) {
			guard_ready(g);
			(void)guard_tick(g);
		}
		assert_true(has_file(s));
		kill_guard(s, g);
		fake_advance(s->fake, 3 * USEC_PER_SEC);
		assert_int_equal(run_recover(&s->env, on_report, &told), 1);
		assert_int_equal(scene_broken(s, false), 0);
		assert_true(told.reports[0].recovered);
		assert_int_equal(told.reports[0].entries.lost, 0);
		assert_false(has_file(s));
		scene_teardown(state);
	}
}

/* More than one step writes: none is put back while another is not on disk yet. Killed after
 * MORE steps since the first one that put some back. */
static void many_killed(void **state, unsigned more)
{
	struct told told = { .n = 0 };
	struct scene *s = *state;
	struct guard *g;
	unsigned before;

	g = begin_with(s, MANY);
	guarding_foreign_delete(s, VIP4 "/32");
	assert_true(scene_broken(s, false) >= MANY);
	before = s->fake->created;
	for (unsigned i = 0; i < 200 && (s->fake->created == before || more--); i++) {
		guard_ready(g);
		(void)guard_tick(g);
	}
	assert_true(s->fake->created > before);
	assert_true(scene_broken(s, false) > MANY / 2); /* it was in the midst of it */
	kill_guard(s, g);
	assert_int_equal(run_recover(&s->env, on_report, &told), 1);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(told.reports[0].entries.lost, 0);
}

static void all_is_saved_before_the_first_comes_back(void **state)
{
	many_killed(state, 0);
}

static void and_before_those_after_it(void **state)
{
	many_killed(state, 5);
}

/* Nor is one put back while another that came later, and is flushed by now, is not on disk yet. */
static void what_comes_later_is_saved_first_too(void **state)
{
	for (unsigned steps = 0; steps < 4; steps++) {
		struct told told = { .n = 0 };
		struct conn late = scene_tcp(MANY + 1);
		struct scene *s;
		struct guard *g;
		unsigned before, more = steps;

		assert_int_equal(scene_setup(state), 0);
		s = *state;
		g = begin_with(s, MANY);
		guarding_foreign_delete(s, VIP4 "/32");
		before = s->fake->created;
		for (unsigned i = 0; i < 200 && (s->fake->created == before || more--); i++) {
			guard_ready(g);
			(void)guard_tick(g);
		}
		fake_tell(s->fake, scene_add(s, &late));
		guard_ready(g);
		fake_addr(s->fake, s->dev, VIP4 "/32", NULL);
		guarding_foreign_delete(s, VIP4 "/32");
		assert_null(fake_entry_find(s->fake, &late.key));
		guard_ready(g);
		for (before = s->fake->created; s->fake->created == before;)
			(void)guard_tick(g);
		kill_guard(s, g);
		assert_int_equal(run_recover(&s->env, on_report, &told), 1);
		assert_non_null(fake_entry_find(s->fake, &late.key));
		scene_teardown(state);
	}
}

/* The flush was not even told of: what could be flushed is on disk all the same. */
static void what_was_not_heard_of_comes_back_too(void **state)
{
	struct scene *s = *state;
	struct told told = { .n = 0 };
	struct guard *g = begin(s);

	s->fake->flush_after = 50 * USEC_PER_MSEC;
	guarding_foreign_delete(s, VIP4 "/32");
	guard_ready(g);
	(void)guard_tick(g);
	kill_guard(s, g);
	fake_advance(s->fake, USEC_PER_SEC);
	assert_true(scene_broken(s, false) >= FLOWS);
	assert_int_equal(run_recover(&s->env, on_report, &told), 1);
	assert_int_equal(scene_broken(s, false), 0);
}

/* Its guard lives: nobody else sees to it. */
static void a_living_guard_is_left_alone(void **state)
{
	struct scene *s = *state;
	struct told told = { .n = 0 };
	struct guard *g = begin(s);

	guarding_foreign_delete(s, VIP4 "/32");
	guard_ready(g);
	(void)guard_tick(g);
	assert_true(has_file(s));
	assert_int_equal(run_recover(&s->env, on_report, &told), 0);
	assert_true(has_file(s));
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_false(has_file(s));
	guard_free(g);
}

/* Later, what is missing has ended by itself as likely as not. */
static void an_old_one_is_told_of_and_left(void **state)
{
	struct scene *s = *state;
	struct told told = { .n = 0 };
	struct guard *g = begin(s);
	unsigned created;

	guarding_foreign_delete(s, VIP4 "/32");
	guard_ready(g);
	(void)guard_tick(g);
	kill_guard(s, g);
	created = s->fake->created;
	fake_advance(s->fake, 120 * USEC_PER_SEC);
	assert_int_equal(run_recover(&s->env, on_report, &told), 1);
	assert_int_equal(s->fake->created, created);
	assert_int_equal(told.reports[0].exit_code, EXIT_UNPROTECTED);
	assert_string_equal(told.reports[0].warnings[0].code, "repair-too-old");
	assert_false(has_file(s));
}

/* Nowhere to write to: the repair is done all the same, and it is told of. */
static void without_a_directory_it_repairs(void **state)
{
	struct scene *s = *state;
	struct guard *g = begin(s);

	snprintf(s->settings.run_dir, sizeof(s->settings.run_dir), "/proc/nowhere");
	assert_int_equal(guarding_status(g).unsaved, 0);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_true(guarding_status(g).unsaved >= 1);
	assert_int_equal(guarding_status(g).unsaved_error, -ENOENT);
	guard_free(g);
}

/* Other settings in the midst of it, and nothing is read again. */
static void other_settings_leave_what_is_known(void **state)
{
	struct scene *s = *state;
	struct guard *g = begin(s);
	struct device_settings d = { .name = "br-mgmt",
				     .pin = PIN_CONTINUOUS,
				     .pin_after = 5 * USEC_PER_SEC };
	unsigned dumps = s->fake->dump.calls;

	guarding_foreign_delete(s, VIP4 "/32");
	guard_ready(g);
	assert_false(guard_is_idle(g));
	guard_set(g, &d, true);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_true(guard_is_idle(g));
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(s->fake->dump.calls, dumps);
	assert_int_equal(guarding_status(g).mode, PIN_CONTINUOUS);
	guarding_spin(s, g, 10 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).unpinned, 0);
	assert_true(guarding_status(g).pinned >= FLOWS);
	d.pin = PIN_ON_DEMAND;
	guard_set(g, &d, false);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).mode, PIN_ON_DEMAND);
	guard_free(g);
}

/* To end, it only has to be let go on until it is idle. */
static void it_is_idle_when_all_is_back(void **state)
{
	struct scene *s = *state;
	struct guard *g = begin(s);
	usec_t began;

	assert_true(guard_is_idle(g));
	guarding_foreign_delete(s, VIP4 "/32");
	guard_ready(g); /* asked to end before it has read of the delete */
	began = s->fake->clock;
	while (!guard_is_idle(g)) {
		guard_ready(g);
		(void)guard_tick(g);
		fake_advance(s->fake, USEC_PER_MSEC);
		assert_true(s->fake->clock - began < 2 * USEC_PER_SEC);
	}
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guard_unfinished(g), 0);
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kill_loses_nothing),
		CASE(what_was_not_heard_of_comes_back_too),
		CASE(a_living_guard_is_left_alone),
		CASE(an_old_one_is_told_of_and_left),
		CASE(without_a_directory_it_repairs),
		CASE(other_settings_leave_what_is_known),
		CASE(it_is_idle_when_all_is_back),
		CASE(all_is_saved_before_the_first_comes_back),
		CASE(and_before_those_after_it),
		cmocka_unit_test(what_comes_later_is_saved_first_too),
	};

	return cmocka_run_group_tests_name("guard_save", tests, NULL, NULL);
}
