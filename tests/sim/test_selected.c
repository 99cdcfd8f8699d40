/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A delete or a guard that is to protect some connections only: these survive, the others are
 * neither touched nor held, and what the flush takes of them is counted as lost. */
#include "lib/guarding.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define FLOWS 40 /* selected, and as many that are not */

#define WEB 443
#define MAIL 25

static struct conn flow(uint16_t n, uint16_t dport)
{
	return scene_flow(IPPROTO_TCP, "10.1.0.9", (uint16_t)(4000 + n), SERVER4, dport, HOST4,
			  (uint16_t)(20000 + n + (dport == WEB ? 0 : 1000)));
}

static void populate(struct scene *s)
{
	for (uint16_t i = 0; i < FLOWS; i++) {
		struct conn web = flow(i, WEB), mail = flow(i, MAIL);

		scene_add(s, &web);
		scene_add(s, &mail);
	}
	scene_remember(s);
}

static unsigned broken(const struct scene *s, uint16_t dport)
{
	unsigned n = 0;

	for (uint16_t i = 0; i < FLOWS; i++) {
		struct conn c = flow(i, dport);

		n += !scene_works(s, &c);
	}
	return n;
}

/* How many of them vipsafe has created anew. */
static unsigned touched(const struct scene *s, uint16_t dport)
{
	unsigned n = 0;

	for (uint16_t i = 0; i < FLOWS; i++) {
		struct conn c = flow(i, dport);
		const struct fake_entry *e = fake_entry_find(s->fake, &c.key);

		n += e && e->created;
	}
	return n;
}

static struct device_settings device(void)
{
	return (struct device_settings){ .name = "br-mgmt",
					 .pin = PIN_CONTINUOUS,
					 .pin_after = 2 * USEC_PER_SEC };
}

static void choose(struct device_settings *d, bool except, const char *text)
{
	struct request_error e;

	d->selection.n = 0;
	assert_int_equal(selection_add(&d->selection, except, text, &e), 0);
}

/* ---- the move ------------------------------------------------------------------- */

static void what_is_selected_survives(struct scene *s, enum strategy strategy)
{
	populate(s);
	s->req.strategy = strategy;
	s->req.hold = HOLD_AUTO;
	scene_move(s, OP_DEL, VIP4 "/32", "only", "proto", "tcp", "dport", "443", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.result, RESULT_OK);
	assert_int_equal(broken(s, WEB), 0);
	assert_int_equal(broken(s, MAIL), FLOWS);
	assert_int_equal(touched(s, MAIL), 0);
	assert_int_equal(s->report.entries.pinned + s->report.entries.restored, FLOWS);
	assert_int_equal(s->report.entries.lost, FLOWS);
	assert_int_equal(s->report.entries.lost_unselected, FLOWS);
	assert_int_equal(s->report.entries.reasons[SKIP_UNSELECTED], 0);
	assert_non_null(strstr(s->report.lost[0], ":25"));
	scene_check_report(s);
	assert_int_equal(scene_leftovers(s, NULL), 0);
}

static void what_is_selected_is_pinned(void **state)
{
	what_is_selected_survives(*state, STRATEGY_PIN);
	assert_int_equal(((struct scene *)*state)->report.entries.pinned, FLOWS);
}

static void what_is_selected_is_restored(void **state)
{
	what_is_selected_survives(*state, STRATEGY_RESTORE);
}

/* The control: without filters nobody is lost. */
static void without_filters_all_are(void **state)
{
	struct scene *s = *state;

	populate(s);
	s->req.strategy = STRATEGY_AUTO;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(broken(s, WEB) + broken(s, MAIL), 0);
	assert_int_equal(s->report.entries.lost, 0);
}

static void exceptions_are_left_alone(void **state)
{
	struct scene *s = *state;

	populate(s);
	s->req.strategy = STRATEGY_AUTO;
	s->fake->flush4 = FLUSH_ADDRESS;
	scene_move(s, OP_DEL, VIP4 "/32", "except", "dport", "25", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(broken(s, WEB) + broken(s, MAIL), 0);
	assert_int_equal(touched(s, MAIL), 0);
	assert_int_equal(s->report.entries.reasons[SKIP_UNSELECTED], FLOWS);
	assert_int_equal(s->report.entries.lost, 0);
	scene_check_report(s);
}

/* Where a selected one is lost, it is no success. */
static void a_selected_one_that_is_lost_counts_as_ever(void **state)
{
	struct scene *s = *state;

	populate(s);
	s->req.strategy = STRATEGY_NONE;
	scene_move(s, OP_DEL, VIP4 "/32", "dport", "443", NULL);
	scene_expect(s, EXIT_UNPROTECTED, true);
	assert_int_equal(s->report.entries.lost, 2 * FLOWS);
	assert_int_equal(s->report.entries.lost_unselected, FLOWS);
}

static void a_plan_counts_them(void **state)
{
	struct scene *s = *state;

	populate(s);
	s->req.strategy = STRATEGY_AUTO;
	s->req.plan = true;
	scene_move(s, OP_DEL, VIP4 "/32", "dport", "443", NULL);
	scene_expect(s, EXIT_DONE, false);
	assert_int_equal(s->report.entries.candidates, FLOWS);
	assert_int_equal(s->report.entries.reasons[SKIP_UNSELECTED], FLOWS);
	assert_int_equal(s->fake->writes, 0);
}

/* Nobody is held back if none is selected. */
static void for_none_nothing_is_held(void **state)
{
	struct scene *s = *state;

	populate(s);
	s->req.strategy = STRATEGY_PIN;
	s->req.hold = HOLD_AUTO;
	scene_move(s, OP_DEL, VIP4 "/32", "only", "proto", "udp", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->held_armed, 0);
	assert_int_equal(s->report.entries.lost_unselected, 2 * FLOWS);
	assert_int_equal(s->fake->created, 0);
}

static void settings_of_the_device_select_as_well(void **state)
{
	struct device_settings d = device();
	struct scene *s = *state;

	populate(s);
	choose(&d, true, "dport 25");
	s->settings.devices = &d;
	s->settings.n_devices = 1;
	s->req.strategy = STRATEGY_AUTO;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->settings.devices = NULL;
	s->settings.n_devices = 0;
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(broken(s, WEB), 0);
	assert_int_equal(broken(s, MAIL), FLOWS);
	assert_int_equal(s->report.entries.lost_unselected, FLOWS);
}

static void ignore(void *ud, const struct report *r)
{
	uint64_t *lost = ud;

	lost[0] += r->entries.lost;
	lost[1] += r->entries.lost_unselected;
}

/* Killed at any stage: what is finished afterwards is what was asked for. */
static void a_killed_run_is_finished_so(void **state)
{
	struct scene *s = *state;
	int stages, at;

	populate(s);
	scene_move(s, OP_DEL, VIP4 "/32", "dport", "443", NULL);
	stages = s->n_stages;
	for (at = 0; at < stages; at++) {
		uint64_t lost[2] = { 0 };

		scene_teardown(state);
		scene_setup(state);
		s = *state;
		populate(s);
		s->kill_at = at;
		scene_move(s, OP_DEL, VIP4 "/32", "dport", "443", NULL);
		s->kill_at = -1;
		fake_advance(s->fake, 300 * USEC_PER_MSEC);
		assert_true(run_recover(&s->env, ignore, lost) >= 0);
		assert_int_equal(broken(s, WEB), 0);
		assert_int_equal(touched(s, MAIL), 0);
		assert_int_equal(lost[0], lost[1]);
		if (lost[1])
			assert_int_equal(lost[1], broken(s, MAIL));
	}
}

/* ---- the guard ------------------------------------------------------------------ */

static struct guard *guard_with(struct scene *s, struct device_settings *d, const char *except)
{
	struct guard *g;

	*d = device();
	choose(d, true, except);
	assert_int_equal(guard_new(&s->env, d, &g), 0);
	return g;
}

static void a_guard_pins_what_is_selected(void **state)
{
	struct scene *s = *state;
	struct device_settings d;
	struct guard *g = guard_with(s, &d, "dport 25");
	char lost[GUARD_NAMED_MAX][CONN_LINE_MAX];
	struct conn mail = flow(0, MAIL), web = flow(0, WEB);

	populate(s);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, FLOWS);
	assert_int_equal(guarding_status(g).unpinned, 0);
	assert_int_equal(guarding_status(g).unselected, FLOWS);
	assert_int_equal(touched(s, MAIL), 0);
	assert_int_equal(guard_protection(g, &mail), PROTECTION_UNSELECTED);
	web.id = fake_entry_find(s->fake, &web.key)->conn.id;
	assert_int_equal(guard_protection(g, &web), PROTECTION_PINNED);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(broken(s, WEB), 0);
	assert_int_equal(broken(s, MAIL), FLOWS);
	assert_int_equal(guarding_status(g).lost, FLOWS);
	assert_int_equal(guarding_status(g).unselected, 0);
	assert_int_equal(guarding_status(g).restored, 0);
	assert_int_equal(guard_take_lost(g, lost), GUARD_NAMED_MAX);
	assert_non_null(strstr(lost[0], ":25"));
	guard_free(g);
}

static void a_guard_on_demand_restores_what_is_selected(void **state)
{
	struct scene *s = *state;
	struct device_settings d = device();
	struct guard *g;

	choose(&d, false, "dport 443");
	d.pin = PIN_ON_DEMAND;
	assert_int_equal(guard_new(&s->env, &d, &g), 0);
	populate(s);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).unselected, FLOWS);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(broken(s, WEB), 0);
	assert_int_equal(broken(s, MAIL), FLOWS);
	assert_int_equal(guarding_status(g).restored, FLOWS);
	assert_int_equal(guarding_status(g).lost, FLOWS);
	guard_free(g);
}

/* What ends by itself is not lost. */
static void what_ends_by_itself_is_not_lost(void **state)
{
	struct scene *s = *state;
	struct device_settings d;
	struct guard *g = guard_with(s, &d, "dport 25");

	populate(s);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	guarding_spin(s, g, 500 * USEC_PER_SEC); /* longer than they last */
	assert_int_equal(guarding_status(g).lost, 0);
	guard_free(g);
}

/* A reload takes effect in both directions; what is pinned stays so. */
static void other_settings_take_effect(void **state)
{
	struct scene *s = *state;
	struct device_settings d;
	struct guard *g = guard_with(s, &d, "dport 25");

	populate(s);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	d.selection.n = 0;
	guard_set(g, &d, false);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, 2 * FLOWS);
	assert_int_equal(guarding_status(g).unselected, 0);
	choose(&d, true, "dport 25");
	guard_set(g, &d, false);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guarding_status(g).lost, 0);
	guard_free(g);
}

/* A run that the guard serves counts them, too, and its own filters besides. */
static void a_run_counts_what_its_guard_leaves_out(void **state)
{
	struct scene *s = *state;
	struct device_settings d;
	struct guard *g = guard_with(s, &d, "dport 25");

	populate(s);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	request_init(&s->req, OP_DEL);
	assert_true(guard_serves(g, &s->req));
	s->env.source = guard_source(g);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->env.source = (struct source){ .ops = NULL };
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.before, BEFORE_SHADOW);
	assert_int_equal(s->report.entries.lost_unselected, FLOWS);
	assert_int_equal(s->report.entries.pinned, FLOWS);
	assert_int_equal(broken(s, WEB), 0);
	assert_int_equal(broken(s, MAIL), FLOWS);
	guard_free(g);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_selected_is_pinned),
		TEST(what_is_selected_is_restored),
		TEST(without_filters_all_are),
		TEST(exceptions_are_left_alone),
		TEST(a_selected_one_that_is_lost_counts_as_ever),
		TEST(a_plan_counts_them),
		TEST(for_none_nothing_is_held),
		TEST(settings_of_the_device_select_as_well),
		TEST(a_killed_run_is_finished_so),
		TEST(a_guard_pins_what_is_selected),
		TEST(a_guard_on_demand_restores_what_is_selected),
		TEST(what_ends_by_itself_is_not_lost),
		TEST(other_settings_take_effect),
		TEST(a_run_counts_what_its_guard_leaves_out),
	};

	return cmocka_run_group_tests_name("selected", tests, NULL, NULL);
}
