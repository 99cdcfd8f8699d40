/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries that somebody else has altered, and kernels that make of an entry
 * something else than was asked: whatever the way by which an entry is created
 * again, none is destroyed for it, and what is lost is counted and named. */
#include "lib/altered.h"

#include <netinet/in.h>
#include <string.h>

#define FLOWS 100 /* of IPVS, and as many that are not altered */

static void pin_scene(struct scene *s)
{
	s->req.strategy = STRATEGY_AUTO;
	s->req.hold = HOLD_AUTO;
	s->fake->call_cost = 20;
	scene_populate(s, FLOWS);
}

/* ---- the move ------------------------------------------------------------------- */

static void what_ipvs_altered_is_pinned_as_it_is(void **state)
{
	struct scene *s = *state;

	pin_scene(s);
	altered_add_ipvs(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->flushed, 0);
	assert_int_equal(s->report.entries.pinned, s->report.entries.candidates);
	assert_true(s->report.entries.pinned >= 2 * FLOWS);
	assert_int_equal(s->report.entries.reasons[SKIP_ALTERED], 0);
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_restored(s);
	altered_expect_no_trials(s);
}

static void what_ipvs_altered_is_restored_as_it_is(void **state)
{
	struct scene *s = *state;

	altered_add_ipvs(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL); /* the strategy is restore */
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->flushed, FLOWS);
	assert_int_equal(s->report.entries.restored, FLOWS);
	assert_int_equal(scene_broken(s, false), 0);
}

/* The control: nobody there. */
static void without_us_the_flush_takes_them(void **state)
{
	struct scene *s = *state;

	altered_add_ipvs(s, FLOWS);
	altered_add_strange(s, 3);
	scene_remember(s);
	assert_int_equal(fake_addr_del(s->fake, s->dev, VIP4 "/32"), 0);
	assert_int_equal(scene_broken(s, false), FLOWS + 3);
}

/* A kernel that takes another server for DNAT (as every kernel does that is asked
 * for one) shows it on an entry that is nobody's: the real ones are left alone. */
static void where_it_cannot_be_repeated_it_is_left_alone(void **state)
{
	struct scene *s = *state;

	pin_scene(s);
	altered_add_ipvs(s, FLOWS);
	s->fake->flush4 = FLUSH_ADDRESS;
	s->fake->mangle_all = MANGLE_SERVER;
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.entries.reasons[SKIP_ALTERED], FLOWS);
	assert_int_equal(s->report.entries.mismatch, 0);
	assert_true(s->report.entries.pinned >= FLOWS);
	assert_int_equal(scene_broken(s, false), 0);
	altered_expect_no_trials(s);
}

/* The same where the kernel flushes: they are lost, and it is said so. */
static void what_is_left_alone_and_flushed_is_lost(void **state)
{
	struct scene *s = *state;

	pin_scene(s);
	altered_add_ipvs(s, FLOWS);
	s->fake->mangle_all = MANGLE_SERVER;
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_PARTIAL, true);
	assert_int_equal(s->report.entries.lost, FLOWS);
	assert_int_equal(s->report.entries.reasons[SKIP_ALTERED], 0);
	assert_int_equal(scene_broken(s, false), FLOWS);
	assert_non_null(strstr(s->report.lost[0], "tcp 10.20.0.2:"));
}

/* Altered beyond asking for: neither pinned nor deleted by any strategy. */
static void strange_ones_are_never_touched(struct scene *s, enum strategy strategy)
{
	unsigned made = 0;

	pin_scene(s);
	altered_add_strange(s, 3);
	s->req.strategy = strategy;
	s->fake->flush4 = FLUSH_ADDRESS;
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.entries.reasons[SKIP_ALTERED], 3);
	assert_int_equal(scene_broken(s, false), 0);
	for (uint16_t i = 0; i < 3; i++) {
		struct conn c = altered_strange(i);

		made += fake_entry_find(s->fake, &c.key)->created;
	}
	assert_int_equal(made, 0);
}

static void strange_ones_are_not_pinned(void **state)
{
	struct scene *s = *state;

	strange_ones_are_never_touched(s, STRATEGY_PIN);
	assert_true(s->report.entries.pinned > 0);
}

static void strange_ones_are_not_restored(void **state)
{
	strange_ones_are_never_touched(*state, STRATEGY_RESTORE);
}

static void strange_ones_that_are_flushed_are_lost(void **state)
{
	struct scene *s = *state;

	pin_scene(s);
	altered_add_strange(s, 3);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_PARTIAL, true);
	assert_int_equal(s->report.entries.lost, 3);
	assert_true(scene_warned(s, "altered"));
	assert_non_null(strstr(s->report.lost[0], "tcp " HOST4 ":5500"));
}

static void a_plan_tells_of_them_and_writes_nothing(void **state)
{
	struct scene *s = *state;

	pin_scene(s);
	altered_add_strange(s, 3);
	altered_add_ipvs(s, 5);
	s->req.plan = true;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_int_equal(s->report.entries.reasons[SKIP_ALTERED], 3);
	assert_true(scene_warned(s, "altered"));
	assert_int_equal(s->fake->writes, 0);
}

/* Behind the leaving address: what is only translated goes with it, what somebody
 * else has made look so does not. */
static void strange_ones_behind_the_vip_are_not_deleted(void **state)
{
	struct scene *s = *state;
	struct conn plain = scene_flow(IPPROTO_TCP, "10.1.0.9", 4000, SERVER4, 25, VIP4, 4001);
	struct conn out = scene_flow(IPPROTO_TCP, "10.1.0.8", 20, "10.20.0.2", 4000, VIP4, 20);

	out.status &= ~(uint32_t)CONN_SRC_NAT; /* IPVS, for a real server's connection */
	s->fake->flush4 = FLUSH_NONE;
	scene_add(s, &plain);
	scene_add(s, &out)->masq = 0;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_false(scene_works(s, &plain));
	assert_true(scene_works(s, &out));
}

/* ---- the first of each shape ------------------------------------------------------- */

static unsigned broken_of(const struct scene *s, const char *src)
{
	struct addr a;
	unsigned n = 0;

	assert_int_equal(addr_parse(src, &a), 0);
	for (size_t i = 0; i < s->n_before; i++)
		n += !memcmp(s->before[i].conn.key.orig.src, a.bytes, 16) &&
		     !scene_works(s, &s->before[i].conn);
	return n;
}

/* Entries of one shape come out wrong: one is lost for it, the others of that
 * shape are left as they are, and all else is pinned. */
static void one_is_lost_and_not_all(void **state)
{
	struct scene *s = *state;

	pin_scene(s);
	s->fake->flush4 = s->fake->flush6 = FLUSH_ADDRESS;
	s->fake->mangle_all = MANGLE_LOCAL; /* those that keep their source */
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_PARTIAL, true);
	assert_int_equal(s->report.entries.mismatch, 1);
	assert_int_equal(s->report.entries.lost, 1);
	assert_non_null(strstr(s->report.lost[0], "tcp " HOST4 ":200"));
	assert_true(scene_warned(s, "mismatch"));
	assert_int_equal(s->report.entries.untouched, FLOWS / 4 - 1);
	assert_int_equal(scene_broken(s, false), 1);
	assert_int_equal(broken_of(s, HOST4), 1);
}

/* Where the flush takes those that were left, they are lost too: restored, they
 * would come out wrong as well. */
static void and_what_is_flushed_is_counted(void **state)
{
	struct scene *s = *state;

	pin_scene(s);
	s->fake->mangle_all = MANGLE_LOCAL;
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_PARTIAL, true);
	assert_int_equal(s->report.entries.lost, FLOWS / 4);
	assert_int_equal(scene_broken(s, false), FLOWS / 4);
}

/* Each shape costs one look, not each entry. */
static void only_the_first_of_a_shape_is_read_back(void **state)
{
	struct scene *s = *state;
	unsigned few, many;

	pin_scene(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	few = s->fake->batch.calls;
	scene_teardown(state);
	scene_setup(state);
	s = *state;
	s->req.strategy = STRATEGY_AUTO;
	s->req.hold = HOLD_AUTO;
	scene_populate(s, 8 * FLOWS);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	many = s->fake->batch.calls;
	/* 700 more are eleven batches of 64 more, and as many to look again */
	assert_true(many < few + 60);
}

/* ---- recover ---------------------------------------------------------------------- */

static void take_report(void *ud, const struct report *r)
{
	struct scene *s = ud;

	s->report = *r;
}

static void kill_at_drop(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "drop"))
		s->kill_at = s->n_stages - 1;
}

static void a_killed_run_is_finished_with_them(void **state)
{
	struct scene *s = *state;

	altered_add_ipvs(s, FLOWS);
	altered_add_strange(s, 2);
	scene_remember(s);
	s->on_stage = kill_at_drop;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_int_equal(s->fake->flushed, FLOWS + 2);
	s->on_stage = NULL;
	s->kill_at = -1;
	assert_int_equal(run_recover(&s->env, take_report, s), 1);
	assert_int_equal(s->report.entries.restored, FLOWS);
	assert_int_equal(s->report.entries.lost, 2);
	assert_int_equal(s->report.exit_code, EXIT_PARTIAL);
	assert_int_equal(scene_broken(s, false), 2);
}

/* Its own traffic brings an entry of IPVS back, altered as before, with another
 * port: that is replaced. One that goes to another server by now is not. */
static void conflicts_of_ipvs_are_replaced_if_they_are_alike(void **state)
{
	struct scene *s = *state;

	altered_add_ipvs(s, 6);
	scene_remember(s);
	for (uint16_t i = 0; i < 3; i++) {
		struct conn c = altered_ipvs(i);

		fake_plan_conflict(s->fake, &c.key, CONFLICT_OTHER_PORT);
	}
	for (uint16_t i = 3; i < 6; i++) {
		struct conn c = altered_ipvs(i);

		fake_plan_conflict(s->fake, &c.key, CONFLICT_OTHER_SERVER);
	}
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_PARTIAL, true);
	assert_int_equal(s->report.entries.restored, 3);
	assert_int_equal(s->report.entries.lost, 3);
	assert_true(scene_warned(s, "altered-meanwhile"));
	for (uint16_t i = 0; i < 6; i++) {
		struct conn c = altered_ipvs(i);

		assert_true(scene_works(s, &c) == (i < 3));
		assert_non_null(fake_entry_find(s->fake, &c.key));
	}
}

/* ---- kernels that leave the destination out --------------------------------------- */

/* nf_tables before 4.18, for the node's own connections: only the source is done
 * with. ctnetlink sets up both, which is no reason to delete it. */
static void a_destination_done_with_is_as_good(void **state)
{
	struct scene *s = *state;

	pin_scene(s);
	for (uint16_t i = 0; i < 10; i++) {
		struct conn c = scene_flow(IPPROTO_TCP, HOST4, (uint16_t)(60000 + i), SERVER4, 22,
					   HOST4, (uint16_t)(61000 + i));

		c.status &= ~(uint32_t)CONN_DST_NAT_DONE;
		scene_add(s, &c);
	}
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.entries.mismatch, 0);
	assert_int_equal(scene_broken(s, false), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_ipvs_altered_is_pinned_as_it_is),
		TEST(what_ipvs_altered_is_restored_as_it_is),
		TEST(without_us_the_flush_takes_them),
		TEST(where_it_cannot_be_repeated_it_is_left_alone),
		TEST(what_is_left_alone_and_flushed_is_lost),
		TEST(strange_ones_are_not_pinned),
		TEST(strange_ones_are_not_restored),
		TEST(strange_ones_that_are_flushed_are_lost),
		TEST(a_plan_tells_of_them_and_writes_nothing),
		TEST(strange_ones_behind_the_vip_are_not_deleted),
		TEST(one_is_lost_and_not_all),
		TEST(and_what_is_flushed_is_counted),
		TEST(only_the_first_of_a_shape_is_read_back),
		TEST(a_killed_run_is_finished_with_them),
		TEST(conflicts_of_ipvs_are_replaced_if_they_are_alike),
		TEST(a_destination_done_with_is_as_good),
	};

	return cmocka_run_group_tests_name("altered", tests, NULL, NULL);
}
