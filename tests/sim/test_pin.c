/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pinning: nothing is left for the flush to take, no packet meets a gap, and
 * what we have created is remembered and cleared away in its time. */
#include "lib/scene.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "move/remember.h"

#define FLOWS 300

static void pin_scene(struct scene *s, uint16_t flows)
{
	s->req.strategy = STRATEGY_AUTO;
	s->req.hold = HOLD_AUTO;
	s->fake->call_cost = 20;
	scene_populate(s, flows);
	scene_remember(s);
}

static bool warned(const struct scene *s, const char *code)
{
	for (size_t i = 0; i < s->report.n_warnings; i++)
		if (!strcmp(s->report.warnings[i].code, code))
			return true;
	return false;
}

static void affected_kernel_finds_nothing_to_flush(void **state)
{
	struct scene *s = *state;

	pin_scene(s, FLOWS);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.strategy, STRATEGY_PIN);
	assert_int_equal(s->report.hold, scene_hold(s));
	assert_int_equal(s->fake->flushed, 0);
	assert_int_equal(s->report.entries.flushed, 0);
	assert_int_equal(s->report.entries.pinned, s->report.entries.candidates);
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_report(s);
	scene_check_restored(s);
}

/* The control: the same table, nobody there. */
static void without_a_pin_all_are_flushed(void **state)
{
	struct scene *s = *state;

	pin_scene(s, FLOWS);
	assert_int_equal(fake_addr_del(s->fake, s->dev, VIP4 "/32"), 0);
	assert_true(scene_broken(s, false) >= FLOWS);
}

static void no_create_happens_unheld(void **state)
{
	struct scene *s = *state;

	s->fake->entry_cost = 500; /* slow enough for the hold to need arming anew */
	s->settings.pin_timeout = 60 * USEC_PER_SEC;
	s->settings.timeout = 600 * USEC_PER_SEC;
	pin_scene(s, FLOWS);
	s->fake->call_cost = USEC_PER_MSEC;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(s->fake->created >= FLOWS);
	assert_true(s->fake->held_armed > 1);
	assert_int_equal(s->fake->unheld_creates, 0);
	assert_int_equal(s->fake->held_opened, 1);
	assert_int_equal(s->fake->held_closed, 1);
}

static void works_without_a_hold_and_says_so(void **state)
{
	struct scene *s = *state;

	s->fake->no_hold = true;
	pin_scene(s, FLOWS);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.hold, HOLD_OFF);
	assert_true(warned(s, "no-hold"));
	assert_int_equal(scene_broken(s, false), 0);
}

static void hold_off_opens_none(void **state)
{
	struct scene *s = *state;

	pin_scene(s, FLOWS);
	s->req.hold = HOLD_OFF;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->held_opened, 0);
	assert_int_equal(s->report.hold, HOLD_OFF);
	assert_false(warned(s, "no-hold"));
}

static void deadline_leaves_the_rest_to_restore(void **state)
{
	struct scene *s = *state;

	pin_scene(s, 1000);
	s->fake->call_cost = 5 * USEC_PER_MSEC;
	s->settings.pin_timeout = 30 * USEC_PER_MSEC;
	s->settings.timeout = 600 * USEC_PER_SEC;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(warned(s, "pin-deadline"));
	assert_true(s->report.entries.pinned > 0);
	assert_true(s->report.entries.restored > 0);
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_report(s);
}

static void full_table_is_not_pinned(void **state)
{
	struct scene *s = *state;

	pin_scene(s, FLOWS);
	s->fake->ct_max = (uint32_t)(s->fake->n_entries * 100 / 97);
	s->fake->max_is_untold = false;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.strategy, STRATEGY_RESTORE);
	assert_true(warned(s, "no-room"));
	assert_int_equal(s->report.entries.pinned, 0);
	assert_true(s->report.entries.restored >= FLOWS);
	assert_int_equal(scene_broken(s, false), 0);
}

static void offloaded_entries_are_skipped_and_counted(void **state)
{
	struct scene *s = *state;

	pin_scene(s, FLOWS);
	s->fake->busy_nth = 10;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(warned(s, "offloaded"));
	assert_true(s->report.entries.restored > 0); /* they were flushed */
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_report(s);
}

/* Born at any moment of the run; with events, and by listing without. */
static void born_meanwhile(struct scene *s)
{
	struct conn born[40];
	usec_t at = s->fake->clock;

	for (uint16_t i = 0; i < 40; i++) {
		born[i] = scene_tcp((uint16_t)(2000 + i));
		fake_plan_birth(s->fake, at + i * USEC_PER_MSEC / 4, &born[i], s->dev);
	}
	s->fake->delete_cost = 2 * USEC_PER_MSEC;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	fake_advance(s->fake, 20 * USEC_PER_MSEC);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	for (uint16_t i = 0; i < 40; i++)
		assert_true(scene_works(s, &born[i]));
	scene_check_report(s);
}

static void flows_born_meanwhile_survive(void **state)
{
	struct scene *s = *state;

	pin_scene(s, FLOWS);
	born_meanwhile(s);
}

static void flows_born_meanwhile_survive_a_restore(void **state)
{
	struct scene *s = *state;

	pin_scene(s, FLOWS);
	s->req.strategy = STRATEGY_RESTORE;
	born_meanwhile(s);
}

static void lost_events_are_made_up_for(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_tcp(3000);

	pin_scene(s, FLOWS);
	s->fake->events_lost = 2;
	fake_plan_birth(s->fake, s->fake->clock + 300, &c, s->dev);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	assert_true(scene_works(s, &c));
}

static void no_events_are_said_and_made_up_for(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_tcp(3000);

	pin_scene(s, FLOWS);
	s->fake->no_events = true;
	fake_plan_birth(s->fake, s->fake->clock + 300, &c, s->dev);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(warned(s, "no-events"));
	assert_int_equal(scene_broken(s, false), 0);
	assert_true(scene_works(s, &c));
}

static void end_one(struct scene *s, const char *stage)
{
	struct conn c = scene_tcp(7);

	if (!strcmp(stage, "pin"))
		fake_entry_remove_at(s->fake,
				     (size_t)(fake_entry_find(s->fake, &c.key) - s->fake->entries));
}

/* Refused between the snapshot and its pin: our create must not revive it. */
static void ended_flow_is_not_brought_back(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_tcp(7);
	struct fake_entry *e;

	pin_scene(s, FLOWS);
	e = fake_entry_find(s->fake, &c.key);
	e->conn.status &= ~(uint32_t)(CONN_SEEN_REPLY | CONN_ASSURED);
	e->conn.tcp_state = CONN_TCP_SYN_SENT;
	s->on_stage = end_one;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_null(fake_entry_find(s->fake, &c.key));
	assert_int_equal(s->report.entries.reasons[SKIP_ENDED], 1);
	assert_int_equal(scene_broken(s, false), 1);
	scene_check_report(s);
}

static void somebody_deletes_another(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "pin"))
		assert_int_equal(fake_addr_del(s->fake, s->dev, "192.168.11.101/32"), 0);
}

/* keepalived deletes its VIPs one by one while its notify script runs us: what
 * that flushes has not ended. */
static void foreign_flush_before_the_pin_is_made_good(void **state)
{
	struct scene *s = *state;

	fake_addr(s->fake, s->dev, "192.168.11.101/32", NULL);
	pin_scene(s, FLOWS);
	s->fake->list_waits = 0;
	s->on_stage = somebody_deletes_another;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_true(s->fake->flushed >= FLOWS);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(s->report.entries.reasons[SKIP_ENDED], 0);
	scene_check_restored(s);
}

/* A mark is set just before the delete. The event tells of that and leaves the
 * state and the window scales out: no entry can be made from it. */
static void tell_of_a_mark(struct scene *s, const char *stage)
{
	struct conn c = scene_tcp(7);
	struct fake_entry e;

	if (strcmp(stage, "move"))
		return;
	e = *fake_entry_find(s->fake, &c.key);
	e.conn.tcp_state = CONN_TCP_NONE;
	e.payload_len = 0;
	fake_tell(s->fake, &e);
}

static void event_without_a_state_does_not_replace_one(void **state)
{
	struct scene *s = *state;

	pin_scene(s, FLOWS);
	s->req.strategy = STRATEGY_RESTORE;
	s->on_stage = tell_of_a_mark;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
}

static void close_one(struct scene *s, const char *stage)
{
	struct conn c = scene_tcp(7);
	struct fake_entry *e = fake_entry_find(s->fake, &c.key);

	if (strcmp(stage, "pin"))
		return;
	e->conn.tcp_state = CONN_TCP_TIME_WAIT;
	fake_tell(s->fake, e);
}

/* What has closed since the snapshot is left to the kernel. */
static void closed_meanwhile_is_not_pinned(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_tcp(7);

	pin_scene(s, FLOWS);
	s->fake->list_waits = 0;
	s->on_stage = close_one;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_null(fake_entry_find(s->fake, &c.key));
	assert_int_equal(s->report.entries.reasons[SKIP_CLOSING], 1);
	assert_int_equal(scene_broken(s, false), 1);
}

static void a_second_passes(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "pin"))
		fake_advance(s->fake, USEC_PER_SEC);
}

/* Rounded down twice its time is over; the flow may go on all the same. */
static void last_second_is_not_cut_off(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_flow(IPPROTO_UDP, "10.1.9.9", 5353, SERVER4, 53, HOST4, 6000);

	pin_scene(s, FLOWS);
	assert_non_null(fake_entry_add(s->fake, &c, NULL, s->dev, 2));
	s->on_stage = a_second_passes;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(scene_works(s, &c));
	assert_int_equal(scene_broken(s, false), 0);
}

static void fixed_kernel_is_not_pinned(void **state)
{
	struct scene *s = *state;

	pin_scene(s, FLOWS);
	s->fake->flush4 = FLUSH_ADDRESS;
	s->fake->probe4 = KERNEL_FIXED;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->ct_writes, 0);
	assert_int_equal(s->fake->held_opened, 0);
}

static void pin_by_force_on_a_fixed_kernel(void **state)
{
	struct scene *s = *state;

	pin_scene(s, FLOWS);
	s->fake->flush4 = FLUSH_ADDRESS;
	s->fake->probe4 = KERNEL_FIXED;
	s->req.strategy = STRATEGY_PIN;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.strategy, STRATEGY_PIN);
	assert_true(s->report.entries.pinned >= FLOWS);
	assert_int_equal(scene_broken(s, false), 0);
}

/* The kernel would have removed them when their address went. */
static void stale_entries_are_purged_later(void **state)
{
	struct scene *s = *state;
	struct purged purged;

	pin_scene(s, FLOWS);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, 0);
	assert_int_equal(scene_broken(s, false), 0);

	assert_int_equal(fake_addr_del(s->fake, s->dev, HOST4 "/24"), 0);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_true(purged.removed >= FLOWS);
	for (uint16_t i = 0; i < FLOWS; i++) {
		struct conn c = scene_tcp(i);

		assert_null(fake_entry_find(s->fake, &c.key));
	}
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, 0);
}

static void ignore(void *ud _unused_, const struct report *r _unused_)
{
}

static void kill_at_each_stage_leaves_all_working(void **state)
{
	struct scene *s = *state;

	for (s->kill_at = 0; s->kill_at < 20; s->kill_at++) {
		if (!fake_has_addr(s->fake, s->dev, VIP4 "/32"))
			fake_addr(s->fake, s->dev, VIP4 "/32", "br-mgmt:1");
		while (s->fake->n_entries)
			fake_entry_remove_at(s->fake, 0);
		pin_scene(s, 50);
		scene_move(s, OP_DEL, VIP4 "/32", NULL);
		assert_true(run_recover(&s->env, ignore, NULL) >= 0);
		fake_advance(s->fake, USEC_PER_SEC);
		assert_int_equal(scene_broken(s, false), 0);
		assert_int_equal(scene_leftovers(s, NULL), 0);
		if (fake_has_addr(s->fake, s->dev, VIP4 "/32"))
			assert_int_equal(fake_addr_del(s->fake, s->dev, VIP4 "/32"), 0);
		fake_hold_close(s->fake, USEC_NEVER);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(affected_kernel_finds_nothing_to_flush),
		CASE(without_a_pin_all_are_flushed),
		CASE(no_create_happens_unheld),
		CASE(works_without_a_hold_and_says_so),
		CASE(hold_off_opens_none),
		CASE(deadline_leaves_the_rest_to_restore),
		CASE(full_table_is_not_pinned),
		CASE(offloaded_entries_are_skipped_and_counted),
		CASE(flows_born_meanwhile_survive),
		CASE(flows_born_meanwhile_survive_a_restore),
		CASE(lost_events_are_made_up_for),
		CASE(no_events_are_said_and_made_up_for),
		CASE(ended_flow_is_not_brought_back),
		CASE(foreign_flush_before_the_pin_is_made_good),
		CASE(event_without_a_state_does_not_replace_one),
		CASE(closed_meanwhile_is_not_pinned),
		CASE(last_second_is_not_cut_off),
		CASE(fixed_kernel_is_not_pinned),
		CASE(pin_by_force_on_a_fixed_kernel),
		CASE(stale_entries_are_purged_later),
		CASE(kill_at_each_stage_leaves_all_working),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
