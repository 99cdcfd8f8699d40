/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pins while the rest of the table is still being read: what is read late, what happens between,
 * and what a kill leaves is as safe as if all had been read first. */
#include "lib/scene.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "move/remember.h"

#define FLOWS 300

static unsigned created_early;	/* when all is read */
static unsigned created_in_all; /* when the address is about to go */
static size_t missing_early;

static void note_early(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "save"))
		created_early = s->fake->created;
	if (!strcmp(stage, "save"))
		missing_early = s->n_before - s->fake->n_entries;
	if (!strcmp(stage, "look"))
		created_in_all = s->fake->created;
}

static void early_scene(struct scene *s)
{
	s->req.strategy = STRATEGY_AUTO;
	s->req.hold = HOLD_AUTO;
	s->on_stage = note_early;
	s->fake->list_waits = 1;
	s->fake->list_piece = 16;
	created_early = 0;
	scene_populate(s, FLOWS);
	scene_remember(s);
}

static void del(struct scene *s)
{
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(s->fake->unheld_creates, 0);
	assert_int_equal(scene_leftovers(s, NULL), 0);
	scene_check_report(s);
}

static void most_are_pinned_before_all_are_read(void **state)
{
	struct scene *s = *state;

	early_scene(s);
	del(s);
	assert_true(created_early >= FLOWS / 2);
	assert_int_equal(s->fake->flushed, 0);
	assert_int_equal(s->report.entries.pinned, s->report.entries.candidates);
	/* each once */
	assert_int_equal(s->fake->created, s->report.entries.candidates);
	scene_check_restored(s);
}

static void a_reader_that_keeps_up_leaves_no_time(void **state)
{
	struct scene *s = *state;

	early_scene(s);
	s->fake->list_waits = 0;
	del(s);
	assert_int_equal(created_early, 0);
	assert_int_equal(s->report.entries.pinned, s->report.entries.candidates);
}

/* The kernel lost its place in a bucket, and what was pinned meanwhile is in it again. */
static void what_is_listed_again_is_known(void **state)
{
	struct scene *s = *state;

	early_scene(s);
	s->fake->dump_doubles = true;
	del(s);
	assert_true(created_early >= FLOWS / 2);
	assert_int_equal(s->fake->created, s->report.entries.candidates);
	assert_int_equal(s->report.entries.snapshot, s->n_before - FLOWS / 4); /* not IPv6 */
}

static void a_listing_that_breaks_off_is_taken_up(void **state)
{
	struct scene *s = *state;

	early_scene(s);
	s->fake->dumps_torn = 1;
	del(s);
	assert_int_equal(s->report.entries.pinned, s->report.entries.candidates);
	assert_int_equal(s->fake->created, s->report.entries.candidates);
}

/* A table that cannot be read to its end: what was pinned is answered for all the same. */
static void a_listing_without_an_end_forgets_nothing(void **state)
{
	struct scene *s = *state;
	struct purged purged;

	early_scene(s);
	s->fake->dumps_torn = 100;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_PARTIAL, true);
	assert_true(scene_warned(s, "torn-snapshot"));
	assert_true(s->report.entries.pinned > 0);
	assert_int_equal(s->report.entries.lost, 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, HOST4 "/24"), 0);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_true(purged.removed >= s->report.entries.pinned);
}

static void what_is_born_while_it_reads_survives(void **state)
{
	struct scene *s = *state;
	struct conn born[40];

	early_scene(s);
	s->fake->entry_cost = 50;
	for (uint16_t i = 0; i < 40; i++) {
		born[i] = scene_tcp((uint16_t)(2000 + i));
		fake_plan_birth(s->fake, s->fake->clock + i * USEC_PER_MSEC / 2, &born[i], s->dev);
	}
	del(s);
	for (uint16_t i = 0; i < 40; i++)
		assert_true(scene_works(s, &born[i]));
}

static void lost_events_are_made_up_for(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_tcp(3000);

	early_scene(s);
	s->fake->events_lost = 3;
	s->fake->entry_cost = 50;
	fake_plan_birth(s->fake, s->fake->clock + 8 * USEC_PER_MSEC, &c, s->dev);
	del(s);
	assert_true(scene_works(s, &c));
}

/* The table may be read for long: it is not to wait for that. */
static void what_could_not_be_made_is_made_at_once(void **state)
{
	struct scene *s = *state;

	early_scene(s);
	s->fake->create = (struct fake_call){ .fault = { .nth = 20, .error = -ENOMEM } };
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(created_early > 20);
	assert_int_equal(missing_early, 0);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(s->report.entries.lost, 0);
}

static size_t n_ops;

/* Somebody deletes what has just been pinned, and its traffic makes it anew, at another port. */
static bool replace_one(void *ud, struct ct_op *op)
{
	struct scene *s = ud;
	struct conn c = scene_tcp(1);
	struct fake_entry *e = fake_entry_find(s->fake, &c.key);

	if (op->verb == CT_GET || !e || !e->created || n_ops++ != 40)
		return false;
	assert_int_equal(fake_delete_by(s->fake, &c.key, 4711), 0);
	*fake_translated(&c) ^= htons(0x0400);
	c.status &= ~(uint32_t)CONN_ASSURED;
	e = fake_entry_add(s->fake, &c, NULL, s->dev, 400);
	assert_non_null(e);
	fake_tell(s->fake, e);
	return false;
}

/* Then the flush takes it, as it is not ours any more: somebody has to notice. */
static void what_comes_in_the_place_of_a_pin_is_looked_at(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_tcp(1);

	early_scene(s);
	n_ops = 0;
	s->fake->meddle = replace_one;
	s->fake->meddle_ud = s;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->fake->meddle = NULL;
	assert_true(n_ops > 40);
	scene_check_report(s);
	/* the connection is back at its port, or the report does not count it as kept */
	assert_true(scene_works(s, &c) ||
		    s->report.entries.lost + s->report.entries.superseded > 0);
}

/* Listed in the first step, and not among the few that are pinned first. */
#define HALF_CLOSED 12

static bool is_half_closed;

/* Meanwhile its server says that it will send no more. */
static bool half_close(void *ud, struct ct_op *op)
{
	struct scene *s = ud;
	struct conn c = scene_tcp(HALF_CLOSED);
	struct fake_entry *e = fake_entry_find(s->fake, &c.key);

	if (is_half_closed || op->verb != CT_CREATE || !e)
		return false;
	assert_false(e->created);
	e->conn.tcp_state = CONN_TCP_CLOSE_WAIT;
	fake_tell(s->fake, e);
	is_half_closed = true;
	return false;
}

static void expect_half_closed(struct scene *s)
{
	struct conn c = scene_tcp(HALF_CLOSED);
	struct fake_entry *e = fake_entry_find(s->fake, &c.key);

	assert_true(is_half_closed);
	assert_non_null(e);
	assert_true(e->created);
	assert_int_equal(e->conn.tcp_state, CONN_TCP_CLOSE_WAIT);
}

static void note_half_closed(struct scene *s, const char *stage)
{
	note_early(s, stage);
	if (!strcmp(stage, "save"))
		expect_half_closed(s);
}

/* It is pinned as it is then, and not as it was listed. */
static void what_changes_while_it_waits_is_pinned_as_it_is(void **state)
{
	struct scene *s = *state;

	early_scene(s);
	s->on_stage = note_half_closed;
	is_half_closed = false;
	s->fake->meddle = half_close;
	s->fake->meddle_ud = s;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->fake->meddle = NULL;
	scene_expect(s, EXIT_DONE, true);
	expect_half_closed(s);
}

#define WORTHLESS (FLOWS / 4 * 3)

static unsigned worthy_in_all;

static void note_worthy(struct scene *s, const char *stage)
{
	note_early(s, stage);
	for (uint16_t i = WORTHLESS; i < FLOWS && !strcmp(stage, "look"); i++) {
		struct conn c = scene_tcp(i);
		struct fake_entry *e = fake_entry_find(s->fake, &c.key);

		worthy_in_all += e && e->created;
	}
}

/* Three of four are of no worth, and read first. */
static void time_is_left_for_what_is_worth_more(void **state)
{
	struct scene *s = *state;

	early_scene(s);
	s->on_stage = note_worthy;
	worthy_in_all = 0;
	for (uint16_t i = 0; i < WORTHLESS; i++) {
		struct conn c = scene_tcp(i);
		struct fake_entry *e = fake_entry_find(s->fake, &c.key);

		if (e)
			e->conn.status &= ~(uint32_t)(CONN_SEEN_REPLY | CONN_ASSURED);
	}
	scene_remember(s);
	s->settings.pin_timeout = 20 * USEC_PER_MSEC; /* for less than half of them */
	s->fake->call_cost = 50;
	del(s);
	assert_true(scene_warned(s, "pin-deadline"));
	assert_true(created_early > FLOWS / 4 && created_early < FLOWS);
	assert_int_equal(worthy_in_all, FLOWS / 4);
	assert_true(s->report.entries.restored > 0);
}

/* A kill could not be made good. */
static void without_a_journal_nothing_comes_early(void **state)
{
	struct scene *s = *state;

	early_scene(s);
	snprintf(s->settings.run_dir, sizeof(s->settings.run_dir), "/proc/nowhere");
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	snprintf(s->settings.run_dir, sizeof(s->settings.run_dir), "%s", s->dir);
	assert_int_equal(created_early, 0);
}

/* First of all it has to be read. */
static void nothing_comes_early_where_time_is_short(void **state)
{
	struct scene *s = *state;

	early_scene(s);
	s->req.move_by = USEC_PER_SEC;
	del(s);
	assert_int_equal(created_early, 0);
	assert_int_equal(s->report.entries.pinned, s->report.entries.candidates);
}

static void early_pins_have_no_time_of_their_own(void **state)
{
	struct scene *s = *state;

	early_scene(s);
	s->settings.pin_timeout = 20 * USEC_PER_MSEC;
	s->settings.timeout = 600 * USEC_PER_SEC;
	s->fake->call_cost = 5 * USEC_PER_MSEC;
	del(s);
	assert_true(scene_warned(s, "pin-deadline"));
	assert_true(s->report.entries.pinned > 0 && s->report.entries.restored > 0);
	assert_true(created_early > 0);
	assert_int_equal(created_in_all, created_early); /* there was no time left for more */
}

static void ignore(void *ud _unused_, const struct report *r _unused_)
{
}

/* Once as it is, then again with the kill as all has been read. */
static void kill_as_all_is_read(struct scene *s, struct fake_fault fault)
{
	early_scene(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	for (s->kill_at = 0; strcmp(s->stages[s->kill_at], "save") != 0;)
		s->kill_at++;
	fake_addr(s->fake, s->dev, VIP4 "/32", "br-mgmt:1");
	while (s->fake->n_entries)
		fake_entry_remove_at(s->fake, 0);
	early_scene(s);
	s->fake->create = (struct fake_call){ .fault = fault };
	s->fake->created = 0;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_true(s->fake->created >= FLOWS / 2);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
}

/* What it had pinned recovery pins again and remembers; what it had not read is lost to nobody. */
static void a_kill_before_all_is_read_is_made_good(void **state)
{
	struct scene *s = *state;
	struct purged purged;

	kill_as_all_is_read(s, (struct fake_fault){ .nth = 0 });
	assert_int_equal(run_recover(&s->env, ignore, NULL), 1);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(scene_leftovers(s, NULL), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, HOST4 "/24"), 0);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_true(purged.removed >= FLOWS);
}

/* It was on disk before it was deleted. */
static void what_a_kill_leaves_unmade_is_made(void **state)
{
	struct scene *s = *state;

	kill_as_all_is_read(s, (struct fake_fault){ .nth = 20, .times = 2, .error = -ENOMEM });
	assert_true(scene_broken(s, false) > 0);
	assert_int_equal(run_recover(&s->env, ignore, NULL), 1);
	assert_int_equal(scene_broken(s, false), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(most_are_pinned_before_all_are_read),
		CASE(a_reader_that_keeps_up_leaves_no_time),
		CASE(what_is_listed_again_is_known),
		CASE(a_listing_that_breaks_off_is_taken_up),
		CASE(a_listing_without_an_end_forgets_nothing),
		CASE(what_is_born_while_it_reads_survives),
		CASE(lost_events_are_made_up_for),
		CASE(what_could_not_be_made_is_made_at_once),
		CASE(what_comes_in_the_place_of_a_pin_is_looked_at),
		CASE(what_changes_while_it_waits_is_pinned_as_it_is),
		CASE(time_is_left_for_what_is_worth_more),
		CASE(without_a_journal_nothing_comes_early),
		CASE(nothing_comes_early_where_time_is_short),
		CASE(early_pins_have_no_time_of_their_own),
		CASE(a_kill_before_all_is_read_is_made_good),
		CASE(what_a_kill_leaves_unmade_is_made),
	};

	return cmocka_run_group_tests_name("pin_early", tests, NULL, NULL);
}
