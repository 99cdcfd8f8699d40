/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flushes that come late, and dumps that cannot be believed. */
#include <sys/socket.h>

#include "lib/scene.h"

#define FLOWS 40

static void assert_all_alive(struct scene *s)
{
	/* whatever the kernel still had in mind happens now */
	fake_advance(s->fake, 5 * USEC_PER_SEC);
	assert_int_equal(s->fake->n_pending, 0);
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_restored(s);
}

static void late_flush(void **state, usec_t after, const char *vip)
{
	struct scene *s = *state;

	s->fake->flush_after = after;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, vip, NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_all_alive(s);
	assert_true(s->fake->flushed + s->report.entries.pinned > 0);
}

static void flush_1ms_late(void **state)
{
	late_flush(state, USEC_PER_MSEC, VIP6 "/128");
}

static void flush_50ms_late(void **state)
{
	late_flush(state, 50 * USEC_PER_MSEC, VIP6 "/128");
}

/* The latest seen on a real kernel (docs/kernel.md 1). */
static void flush_200ms_late(void **state)
{
	late_flush(state, 200 * USEC_PER_MSEC, VIP6 "/128");
}

/* Affected kernels flush IPv4 at once; one that could not be judged need not. */
static void ipv4_flush_late_too(void **state)
{
	struct scene *s = *state;

	s->fake->probe4 = KERNEL_UNKNOWN;
	late_flush(state, 100 * USEC_PER_MSEC, VIP4 "/32");
}

/* Each listing takes longer than a flush may be late, and the run never gives up the processor that
 * the flush needs: what was quiet meanwhile is not over. */
static void a_starved_flush_is_waited_for(void **state)
{
	struct scene *s = *state;

	s->fake->flush_after = USEC_PER_MSEC;
	s->fake->flush_starves = true;
	s->fake->call_cost = 60 * USEC_PER_MSEC;
	s->req.strategy = STRATEGY_RESTORE;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP6 "/128", NULL);
	s->fake->flush_starves = false;
	scene_expect(s, EXIT_DONE, true);
	fake_advance(s->fake, 5 * USEC_PER_SEC);
	assert_int_equal(s->fake->n_pending, 0);
	assert_true(s->fake->flushed > 0);
	assert_int_equal(scene_broken(s, false), 0);
}

/* A work queue that is as late as the run itself, each time it sleeps. */
static void a_machine_that_wakes_late_is_waited_for(void **state)
{
	struct scene *s = *state;

	s->fake->flush_after = 1000 * USEC_PER_MSEC;
	s->fake->wakes_late = 60 * USEC_PER_MSEC;
	s->req.strategy = STRATEGY_RESTORE;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP6 "/128", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(s->fake->flushed > 0);
	fake_advance(s->fake, 5 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
}

/* A flush that takes much is listed once it has taken it, and not before as well. */
static void a_great_flush_is_let_go_on(void **state)
{
	struct scene *s = *state;

	s->fake->flush_after = 3 * USEC_PER_MSEC;
	s->fake->probe4 = KERNEL_UNKNOWN;
	s->req.strategy = STRATEGY_RESTORE;
	for (uint16_t n = 1; n <= 5000; n++) {
		struct conn c = scene_tcp(n);

		scene_add(s, &c);
	}
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_all_alive(s);
	assert_int_equal(s->report.entries.restored, 5000);
	/* the snapshot, what is missing, and what was made of it */
	assert_int_equal(s->fake->dump.calls, 3);
}

/* Two addresses, two flushes. What traffic made anew after the first is
 * masqueraded again, so the second takes it although nothing was missing then. */
static void restore_undone_by_a_second_flush_is_repeated(void **state)
{
	struct scene *s = *state;

	fake_addr(s->fake, s->dev, "fd00:11::101/128", NULL);
	s->fake->flush_after = 50 * USEC_PER_MSEC;
	s->fake->delete_cost = 60 * USEC_PER_MSEC;
	scene_populate(s, FLOWS);
	for (size_t i = 0; i < s->fake->n_entries; i++)
		if (s->fake->entries[i].conn.key.family == AF_INET6 && s->fake->n_conflicts < 5)
			fake_plan_conflict(s->fake, &s->fake->entries[i].conn.key,
					   CONFLICT_IDENTICAL);
	assert_true(s->fake->n_conflicts > 0);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP6 "/128", "fd00:11::101/128", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_all_alive(s);
}

/* Settling is bounded: no flush comes, the run ends all the same and soon. */
static void settling_ends(void **state)
{
	struct scene *s = *state;
	usec_t start = s->fake->clock;

	s->fake->flush6 = FLUSH_NONE;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP6 "/128", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(s->fake->clock - start < 3 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
}

static void torn_dump_is_taken_again(void **state)
{
	struct scene *s = *state;

	s->fake->dumps_torn = 1;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.entries.snapshot >= FLOWS, 1);
	assert_all_alive(s);
}

/* Torn for ever: half a snapshot is better than none, but it must be said. */
static void endlessly_torn_dump_is_said(void **state)
{
	struct scene *s = *state;

	s->fake->dumps_torn = 1000;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_true(s->report.changed);
	assert_true(s->fake->dump.calls < 50);
	assert_true(s->report.n_warnings > 0);
	assert_true(scene_broken(s, false) > 0);
	assert_true(s->report.exit_code == EXIT_PARTIAL || s->report.exit_code == EXIT_UNPROTECTED);
	scene_check_report(s);
}

/* The verification alone is torn: nothing may be taken for gone that is not. */
static void torn_verification_is_taken_again(void **state)
{
	struct scene *s = *state;

	s->fake->torn_from = 2;
	s->fake->dumps_torn = 1;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_all_alive(s);
}

static void doubled_dump_counts_once(void **state)
{
	struct scene *s = *state;

	s->fake->dump_doubles = true;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(s->report.entries.snapshot <= s->n_before);
	assert_int_equal(s->fake->created, s->fake->flushed + s->report.entries.pinned);
	assert_all_alive(s);
}

/* Entries the verification did not see are there all the same: creating them
 * again is refused, and that is no loss. */
static void entries_hidden_from_verification_are_not_lost(void **state)
{
	struct scene *s = *state;

	s->fake->hide_dump = 2;
	s->fake->hide_nth = 4;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP6 "/128", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.entries.lost, 0);
	assert_all_alive(s);
}

/* The flush of a whole device in time with the slowest dump. */
static void slow_dumps_do_not_matter(void **state)
{
	struct scene *s = *state;

	s->fake->entry_cost = 500;
	s->fake->probe4 = KERNEL_UNKNOWN;
	s->fake->flush_after = 30 * USEC_PER_MSEC;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_all_alive(s);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(flush_1ms_late),
		CASE(flush_50ms_late),
		CASE(flush_200ms_late),
		CASE(ipv4_flush_late_too),
		CASE(a_starved_flush_is_waited_for),
		CASE(a_machine_that_wakes_late_is_waited_for),
		CASE(a_great_flush_is_let_go_on),
		CASE(restore_undone_by_a_second_flush_is_repeated),
		CASE(settling_ends),
		CASE(torn_dump_is_taken_again),
		CASE(endlessly_torn_dump_is_said),
		CASE(torn_verification_is_taken_again),
		CASE(doubled_dump_counts_once),
		CASE(entries_hidden_from_verification_are_not_lost),
		CASE(slow_dumps_do_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
