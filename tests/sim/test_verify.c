/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries a run looks at after the move: by key what a flush can take and a sample of what
 * was pinned; all of them if something may have escaped it. */
#include "lib/scene.h"

#include <arpa/inet.h>
#include <string.h>

/* More pinned ones than the sample, so that some are not in it. */
#define FLOWS 2000

static struct conn one(uint16_t n)
{
	return scene_tcp(n);
}

static void verify_scene(struct scene *s, uint16_t n)
{
	s->req.strategy = STRATEGY_PIN;
	s->req.hold = HOLD_AUTO;
	for (uint16_t i = 1; i <= n; i++) {
		struct conn c = one(i);

		scene_add(s, &c);
	}
	scene_remember(s);
}

static void all_is_well(const struct scene *s)
{
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_report(s);
}

static void what_is_pinned_is_not_listed_again(void **state)
{
	struct scene *s = *state;

	verify_scene(s, FLOWS);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	all_is_well(s);
	assert_int_equal(s->report.entries.pinned, FLOWS);
	assert_int_equal(s->fake->dump.calls, 1);
	assert_true(s->fake->get.calls <= 1024 + 64);
}

/* N are named as lost, and only they: what stands in their place is not what was asked for. */
static void told_of_lost(const struct scene *s, size_t n)
{
	scene_expect(s, EXIT_PARTIAL, true);
	assert_int_equal(s->report.entries.lost, n);
	assert_int_equal(scene_broken(s, false), n);
	assert_true(s->report.n_lost > 0);
	scene_check_report(s);
}

/* Somebody deletes connection N, and a packet maps it anew. FLOWS / 2 is not in the sample. */
static void remap(struct scene *s, uint16_t n, bool told)
{
	struct conn c = one(n), other = c;
	struct fake_entry *e;

	assert_int_equal(fake_delete_by(s->fake, &c.key, 77), 0);
	*fake_translated(&other) ^= htons(0x8000);
	e = scene_add(s, &other);
	e->conn.status &= ~(uint32_t)CONN_ASSURED; /* not answered yet */
	if (told)
		fake_tell(s->fake, e);
	assert_false(scene_works(s, &c));
}

static void remap_told(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "verify"))
		remap(s, FLOWS / 2, true);
}

static void remap_untold(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "verify"))
		remap(s, FLOWS / 2, false);
}

static void remap_lost(struct scene *s, const char *stage)
{
	if (strcmp(stage, "verify"))
		return;
	remap(s, FLOWS / 2, true);
	s->fake->events_lost = 1;
}

static void what_an_event_tells_of_is_looked_at(void **state)
{
	struct scene *s = *state;

	verify_scene(s, FLOWS);
	s->on_stage = remap_told;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	told_of_lost(s, 1);
}

/* What the sample leaves out: without an event nobody looks. */
static void what_no_event_tells_of_is_not(void **state)
{
	struct scene *s = *state;

	verify_scene(s, FLOWS);
	s->on_stage = remap_untold;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 1);
	assert_int_equal(s->fake->dump.calls, 1);
}

static void lost_events_make_it_list_all(void **state)
{
	struct scene *s = *state;

	verify_scene(s, FLOWS);
	s->on_stage = remap_lost;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	told_of_lost(s, 1);
	assert_true(s->fake->dump.calls > 1);
}

/* While pinning: what they told of was found by the dump that follows. */
static void lose_early(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "pin"))
		s->fake->events_lost = 1;
}

static void lost_events_that_were_made_up_for_do_not(void **state)
{
	struct scene *s = *state;

	verify_scene(s, FLOWS);
	s->on_stage = lose_early;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	all_is_well(s);
	assert_int_equal(s->fake->dump.calls, 2);
}

static void without_events_all_is_listed(void **state)
{
	struct scene *s = *state;

	verify_scene(s, FLOWS);
	s->fake->no_events = true;
	s->on_stage = remap_untold;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	told_of_lost(s, 1);
}

static void a_torn_snapshot_makes_it_list_all(void **state)
{
	struct scene *s = *state;

	verify_scene(s, FLOWS);
	s->fake->torn_from = 1;
	s->fake->dumps_torn = 3; /* all tries of the first dump */
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_true(s->report.changed);
	assert_true(scene_warned(s, "torn-snapshot"));
	assert_true(s->fake->dump.calls > 3);
}

/* Of the first half of the table: one of the sample that is not as it should be speaks for
 * others that nobody looks at. */
static void remap_many(struct scene *s, const char *stage)
{
	if (strcmp(stage, "verify"))
		return;
	for (uint16_t i = 1; i <= FLOWS / 2; i++)
		remap(s, i, false);
}

static void a_bad_sample_makes_it_list_all(void **state)
{
	struct scene *s = *state;

	verify_scene(s, FLOWS);
	s->on_stage = remap_many;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	told_of_lost(s, FLOWS / 2);
	assert_true(s->fake->dump.calls > 1);
}

/* No time to pin: most is asked for, and a dump costs less. */
static void much_unpinned_is_listed(void **state)
{
	struct scene *s = *state;

	verify_scene(s, 2 * FLOWS);
	s->fake->call_cost = 5 * USEC_PER_MSEC;
	s->settings.pin_timeout = 100 * USEC_PER_MSEC;
	s->settings.timeout = 600 * USEC_PER_SEC;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	all_is_well(s);
	assert_true(s->report.entries.restored > FLOWS);
	assert_true(s->fake->dump.calls > 1);
}

/* What was left to be restored is looked at, what was pinned is not. */
static void little_unpinned_is_asked_for(void **state)
{
	struct scene *s = *state;

	verify_scene(s, FLOWS);
	s->fake->busy_nth = 10; /* offloaded ones cannot be pinned, and are flushed */
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	all_is_well(s);
	assert_true(s->report.entries.restored > 0);
	assert_int_equal(s->report.entries.lost, 0);
	assert_int_equal(s->fake->dump.calls, 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_pinned_is_not_listed_again),
		CASE(what_an_event_tells_of_is_looked_at),
		CASE(what_no_event_tells_of_is_not),
		CASE(lost_events_make_it_list_all),
		CASE(lost_events_that_were_made_up_for_do_not),
		CASE(without_events_all_is_listed),
		CASE(a_torn_snapshot_makes_it_list_all),
		CASE(a_bad_sample_makes_it_list_all),
		CASE(much_unpinned_is_listed),
		CASE(little_unpinned_is_asked_for),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
