/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One socket sends to very many ports, where nobody answers, and each of its
 * entries costs as much as a hundred others: it takes nobody's protection. */
#include "lib/guarding.h"

#include <netinet/in.h>
#include <string.h>

#define WORTHY 50
#define CROWD 800

/* What no piece of a guard's work exceeds, and the loop waits for. */
#define STEP_MAX (5 * USEC_PER_MSEC)

static struct conn datagram(uint16_t n)
{
	struct conn c = scene_flow(IPPROTO_UDP, "10.1.66.6", 6666, SERVER4, (uint16_t)(2000 + n),
				   HOST4, (uint16_t)(2000 + n));

	c.status &= ~(uint32_t)(CONN_SEEN_REPLY | CONN_ASSURED);
	return c;
}

/* The crowd is listed first. */
static void populate(struct scene *s)
{
	for (uint16_t i = 0; i < CROWD; i++) {
		struct conn c = datagram(i);

		scene_add(s, &c);
	}
	for (uint16_t i = 0; i < WORTHY; i++) {
		struct conn c = scene_tcp(i);

		scene_add(s, &c);
	}
	s->fake->call_cost = 4;
	s->fake->chain_cost = 1;
	s->req.hold = HOLD_AUTO;
}

static size_t worthy_broken(const struct scene *s)
{
	size_t n = 0;

	for (uint16_t i = 0; i < WORTHY; i++) {
		struct conn c = scene_tcp(i);

		n += !scene_works(s, &c);
	}
	return n;
}

static size_t crowd_there(const struct scene *s)
{
	size_t n = 0;

	for (uint16_t i = 0; i < CROWD; i++) {
		struct conn c = datagram(i);

		n += scene_works(s, &c);
	}
	return n;
}

static void the_deadline_leaves_the_worthless(void **state)
{
	struct scene *s = *state;

	populate(s);
	s->req.strategy = STRATEGY_PIN;
	s->settings.pin_timeout = 30 * USEC_PER_MSEC;
	s->req.timeout = 100 * USEC_PER_MSEC;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DEADLINE, true);
	assert_int_equal(worthy_broken(s), 0);
	assert_true(s->report.entries.lost > 0);
	assert_true(s->report.timing.total < 100 * USEC_PER_MSEC + STEP_MAX);
}

static void the_same_when_it_restores(void **state)
{
	struct scene *s = *state;

	populate(s);
	s->req.timeout = 60 * USEC_PER_MSEC;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DEADLINE, true);
	assert_int_equal(worthy_broken(s), 0);
	assert_true(s->report.entries.lost > 0);
}

/* The flush comes from a work queue, later than anybody may wait: what is there
 * when the deadline passes is not called kept. */
static void what_may_still_go_is_not_called_kept(void **state)
{
	struct scene *s = *state;
	const struct report *r = &s->report;

	populate(s);
	s->fake->flush_after = 90 * USEC_PER_MSEC;
	s->req.timeout = 60 * USEC_PER_MSEC;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DEADLINE, true);
	assert_int_equal(r->entries.untouched, 0);
	assert_int_equal(r->entries.reasons[SKIP_UNVERIFIED], WORTHY + CROWD);
	assert_int_equal(r->result, RESULT_PARTIAL);
	assert_true(scene_warned(s, "unverified"));
	fake_advance(s->fake, USEC_PER_SEC);
	assert_true(s->fake->flushed > 0);
}

/* The kernel was found to flush within the delete, and here it does not: what is
 * seen counts, and it is looked at until the flush has come. */
static void a_late_flush_is_waited_for_against_the_verdict(void **state)
{
	struct scene *s = *state;

	for (uint16_t i = 0; i < WORTHY; i++) {
		struct conn c = scene_tcp(i);

		scene_add(s, &c);
	}
	s->fake->flush_after = 90 * USEC_PER_MSEC;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.entries.restored, WORTHY);
	assert_int_equal(worthy_broken(s), 0);
}

/* The longest a guard keeps the loop, until DONE. */
static usec_t longest_step(struct scene *s, struct guard *g, bool (*done)(const struct scene *s))
{
	usec_t longest = 0;

	for (int i = 0; i < 20000 && !done(s); i++) {
		usec_t began = s->fake->clock;

		guard_ready(g);
		(void)guard_tick(g);
		longest = MAX(longest, s->fake->clock - began);
		fake_advance(s->fake, 100);
	}
	assert_true(done(s));
	return longest;
}

static bool worthy_are_back(const struct scene *s)
{
	return !worthy_broken(s);
}

static bool all_are_back(const struct scene *s)
{
	return !worthy_broken(s) && crowd_there(s) == CROWD;
}

static void a_repair_begins_with_the_worthy(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);

	populate(s);
	guarding_spin(s, g, USEC_PER_SEC);
	guarding_foreign_delete(s, VIP4 "/32");
	assert_int_equal(worthy_broken(s), WORTHY);
	assert_true(longest_step(s, g, worthy_are_back) <= STEP_MAX);
	assert_int_equal(crowd_there(s), 0);
	assert_true(longest_step(s, g, all_are_back) <= STEP_MAX);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).lost, 0);
	assert_int_equal(guarding_status(g).restored, WORTHY + CROWD);
	guard_free(g);
}

static bool worthy_are_pinned(const struct scene *s)
{
	for (uint16_t i = 0; i < WORTHY; i++) {
		struct conn c = scene_tcp(i);
		const struct fake_entry *e = fake_entry_find(s->fake, &c.key);

		if (!e || !e->created)
			return false;
	}
	return true;
}

/* They are known, for a repair; a pin of each would cost what it is not worth. */
static void what_nobody_answers_is_not_pinned(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);

	populate(s);
	guarding_spin(s, g, 50 * USEC_PER_MSEC);
	assert_true(longest_step(s, g, worthy_are_pinned) <= STEP_MAX);
	guarding_spin(s, g, 10 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, WORTHY);
	assert_int_equal(guarding_status(g).unpinned, CROWD);
	guard_free(g);
}

/* It is answered now: then it is pinned, and still in short steps. */
static void an_answered_crowd_is_pinned_in_steps(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	usec_t longest = 0;

	populate(s);
	for (size_t i = 0; i < CROWD; i++)
		s->fake->entries[i].conn.status |= CONN_SEEN_REPLY | CONN_ASSURED;
	guarding_spin(s, g, USEC_PER_SEC);
	for (int i = 0; i < 20000 && guarding_status(g).pinned < WORTHY + CROWD; i++) {
		usec_t began = s->fake->clock;

		guard_ready(g);
		(void)guard_tick(g);
		longest = MAX(longest, s->fake->clock - began);
		fake_advance(s->fake, USEC_PER_MSEC);
	}
	assert_int_equal(guarding_status(g).pinned, WORTHY + CROWD);
	assert_true(longest <= STEP_MAX);
	guard_free(g);
}

/* A move by the daemon does not wait for the crowd: the guard sees to it. */
static void a_move_leaves_the_crowd_to_the_guard(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	const struct report *r = &s->report;
	struct request req;

	populate(s);
	s->req.strategy = STRATEGY_AUTO;
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	request_init(&req, OP_DEL);
	assert_true(guard_serves(g, &req));
	s->env.source = guard_source(g);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->env.source = (struct source){ .ops = NULL };
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(worthy_broken(s), 0);
	assert_true(r->entries.reasons[SKIP_LEFT] > CROWD / 2);
	assert_true(r->timing.total < 6 * STEP_MAX);
	assert_true(longest_step(s, g, all_are_back) <= STEP_MAX);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).restored, r->entries.reasons[SKIP_LEFT]);
	assert_int_equal(guarding_status(g).lost, 0);
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_deadline_leaves_the_worthless),
		CASE(the_same_when_it_restores),
		CASE(what_may_still_go_is_not_called_kept),
		CASE(a_late_flush_is_waited_for_against_the_verdict),
		CASE(a_repair_begins_with_the_worthy),
		CASE(what_nobody_answers_is_not_pinned),
		CASE(an_answered_crowd_is_pinned_in_steps),
		CASE(a_move_leaves_the_crowd_to_the_guard),
	};

	return cmocka_run_group_tests_name("worthless", tests, NULL, NULL);
}
