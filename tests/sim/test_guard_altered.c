/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same for a guard: test_altered.c. */
#include "lib/altered.h"
#include "lib/guarding.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define FLOWS 100 /* of IPVS, and as many that are not altered */

static void a_guard_pins_what_ipvs_altered(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct guard_status st;

	scene_populate(s, FLOWS);
	altered_add_ipvs(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	st = guarding_status(g);
	assert_true(st.pinned >= 2 * FLOWS);
	assert_int_equal(st.altered, 0);
	assert_int_equal(st.lost, 0);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	altered_expect_no_trials(s);
	guard_free(g);
}

static void a_guard_leaves_alone_what_it_cannot_repeat(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct guard_status st;
	unsigned created;

	s->fake->mangle_all = MANGLE_SERVER;
	s->fake->flush4 = s->fake->flush6 = FLUSH_ADDRESS;
	scene_populate(s, FLOWS);
	altered_add_ipvs(s, FLOWS);
	altered_add_strange(s, 3);
	scene_remember(s);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	created = s->fake->created;
	guarding_spin(s, g, 60 * USEC_PER_SEC); /* nor later */
	st = guarding_status(g);
	assert_int_equal(s->fake->created, created);
	assert_int_equal(st.altered, FLOWS + 3);
	assert_int_equal(st.lost, 0);
	assert_int_equal(st.pin_failures, 0);
	assert_true(st.pinned >= FLOWS);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	guard_free(g);
}

/* And counts them where they are flushed. */
static void a_guard_counts_what_it_left_alone_and_is_flushed(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	char lost[GUARD_NAMED_MAX][CONN_LINE_MAX];

	altered_add_strange(s, 3);
	scene_remember(s);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 3);
	assert_int_equal(guarding_status(g).lost, 3);
	assert_int_equal(guarding_status(g).altered, 0);
	assert_int_equal(guard_take_lost(g, lost), 3);
	assert_non_null(strstr(lost[0], "tcp " HOST4 ":5500"));
	assert_int_equal(guard_take_lost(g, lost), 0);
	guard_free(g);
}

static void a_guard_on_demand_puts_back_what_ipvs_altered(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);

	altered_add_ipvs(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	guarding_foreign_delete(s, VIP4 "/32");
	assert_int_equal(s->fake->flushed, FLOWS);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guarding_status(g).restored, FLOWS);
	assert_int_equal(guarding_status(g).lost, 0);
	guard_free(g);
}

/* One of a shape comes out wrong in a guard's pin: it is counted and named, the
 * rest of that shape is left as it is for good, and it says why. */
static void a_guard_loses_one_and_says_so(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	char lost[GUARD_NAMED_MAX][CONN_LINE_MAX];
	struct guard_status st;
	unsigned created;

	s->fake->flush4 = s->fake->flush6 = FLUSH_ADDRESS;
	s->fake->mangle_all = MANGLE_LOCAL;
	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	created = s->fake->created;
	guarding_spin(s, g, 60 * USEC_PER_SEC);
	st = guarding_status(g);
	assert_int_equal(s->fake->created, created);
	assert_int_equal(st.lost, 1);
	assert_int_equal(st.pin_failures, 0);
	assert_true(st.refused);
	assert_non_null(strstr(st.reason, "made something else of tcp " HOST4 ":200"));
	assert_int_equal(guard_take_lost(g, lost), 1);
	assert_non_null(strstr(lost[0], "tcp " HOST4 ":200"));
	assert_int_equal(scene_broken(s, false), 1);
	assert_int_equal(st.pinned, FLOWS + FLOWS / 4 * 2); /* the other two kinds */
	guard_free(g);
}

/* Of a kind that has come out right before, one with another port is traffic's:
 * it is lost and told, and the next ones are pinned as before. */
static void one_that_was_replaced_ends_nothing(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn late = scene_tcp(1010);

	scene_populate(s, FLOWS);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	for (uint16_t i = 0; i < 3; i++) {
		struct conn c = scene_tcp((uint16_t)(1000 + i));

		fake_plan_birth(s->fake, s->fake->clock + 1000, &c, s->dev);
	}
	s->fake->mangle = MANGLE_PORT;
	s->fake->mangle_at = s->fake->create.calls + 2;
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).lost, 1);
	assert_false(guarding_status(g).refused);
	fake_plan_birth(s->fake, s->fake->clock + 1000, &late, s->dev);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(fake_entry_find(s->fake, &late.key)->masq, 0);
	assert_int_equal(guarding_status(g).lost, 1);
	guard_free(g);
}

/* A repair that gets something else than it asked for counts and names it too. */
static void a_repair_counts_what_comes_out_wrong(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);
	char lost[GUARD_NAMED_MAX][CONN_LINE_MAX];

	s->fake->mangle_all = MANGLE_LOCAL;
	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), FLOWS / 4);
	assert_int_equal(guarding_status(g).lost, FLOWS / 4);
	assert_int_equal(guard_take_lost(g, lost), GUARD_NAMED_MAX);
	assert_non_null(strstr(lost[0], "tcp " HOST4 ":2"));
	guard_free(g);
}

/* The pin has taken it away, and the kernel has no room for it just now: it is
 * put back, or counted. */
static void what_a_pin_took_away_is_not_forgotten(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);

	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	for (uint16_t i = 0; i < 3; i++) {
		struct conn c = scene_tcp((uint16_t)(1000 + i));

		fake_plan_birth(s->fake, s->fake->clock + 1000, &c, s->dev);
	}
	s->fake->refuse_at = s->fake->create.calls + 2;
	s->fake->refuse_error = -ENOMEM;
	guarding_spin(s, g, 5 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).lost, 1);
	guard_free(g);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_guard_pins_what_ipvs_altered),
		TEST(a_guard_leaves_alone_what_it_cannot_repeat),
		TEST(a_guard_counts_what_it_left_alone_and_is_flushed),
		TEST(a_guard_on_demand_puts_back_what_ipvs_altered),
		TEST(a_guard_loses_one_and_says_so),
		TEST(one_that_was_replaced_ends_nothing),
		TEST(a_repair_counts_what_comes_out_wrong),
		TEST(what_a_pin_took_away_is_not_forgotten),
	};

	return cmocka_run_group_tests_name("guard altered", tests, NULL, NULL);
}
