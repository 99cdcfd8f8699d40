/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guard on a busy node, whose kernel flushes long after the address has gone: what
 * it takes comes back or is counted, and what ends otherwise stays away. */
#include "lib/guarding.h"

#include <netinet/in.h>
#include <string.h>

#define FLOWS 100

/* All entries of br-mgmt that go by IPv4 are flushed AFTER an address of it is deleted,
 * and everything in the table is known to the guard by then. */
static struct guard *begin(struct scene *s, usec_t after, bool full_deaths)
{
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);

	s->fake->flush_after = after;
	s->fake->full_deaths = full_deaths;
	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, USEC_PER_SEC);
	return g;
}

static void comes_back(struct scene *s, usec_t after, bool full_deaths)
{
	struct guard *g = begin(s, after, full_deaths);
	struct guard_status st;

	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, after - 10 * USEC_PER_MSEC);
	assert_int_equal(s->fake->flushed, 0);
	assert_true(guard_is_idle(g));
	assert_false(fake_is_held(s->fake));
	guarding_spin(s, g, USEC_PER_SEC);
	st = guarding_status(g);
	assert_true(s->fake->flushed >= FLOWS);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(st.restored, s->fake->flushed);
	assert_int_equal(st.repairs, 1);
	assert_int_equal(st.lost, 0);
	assert_int_equal(s->fake->unheld_creates, 0);
	guard_free(g);
}

static void after_a_second(void **state)
{
	comes_back(*state, USEC_PER_SEC, true);
}

static void after_three_seconds(void **state)
{
	comes_back(*state, 3 * USEC_PER_SEC, true);
}

/* Linux before 5.15 tells next to nothing of a death. */
static void after_three_seconds_of_an_old_kernel(void **state)
{
	comes_back(*state, 3 * USEC_PER_SEC, false);
}

/* Much later it is not that delete's doing. */
static void nothing_comes_back_after_that(void **state)
{
	struct scene *s = *state;
	struct guard *g = begin(s, 6 * USEC_PER_SEC, true);

	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, 8 * USEC_PER_SEC);
	assert_true(s->fake->flushed >= FLOWS);
	assert_int_equal(guarding_status(g).restored, 0);
	assert_int_equal(guarding_status(g).repairs, 0);
	assert_int_equal(s->fake->created, 0);
	guard_free(g);
}

/* The address was not this device's. */
static void nothing_is_expected_of_other_devices(void **state)
{
	struct scene *s = *state;
	struct guard *g = begin(s, 0, true);

	fake_addr(s->fake, s->pods, "10.1.0.2/32", NULL);
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	assert_int_equal(fake_addr_del(s->fake, s->pods, "10.1.0.2/32"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	fake_flush_device(s->fake, s->dev);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).repairs, 0);
	assert_int_equal(s->fake->created, 0);
	guard_free(g);
}

/* conntrack -D, of one and of all. */
static void deletes_on_purpose_are_respected(void **state)
{
	struct scene *s = *state;
	struct guard *g = begin(s, 30 * USEC_PER_SEC, true);
	struct conn c = scene_tcp(3);

	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(fake_delete_by(s->fake, &c.key, 4711), 0);
	guarding_spin(s, g, 500 * USEC_PER_MSEC);
	assert_int_equal(scene_broken(s, false), 1);
	while (s->fake->n_entries)
		assert_int_equal(fake_delete_by(s->fake, &s->fake->entries[0].conn.key, 4712), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(s->fake->n_entries, 0);
	assert_int_equal(guarding_status(g).repairs, 0);
	assert_int_equal(guarding_status(g).lost, 0);
	guard_free(g);
}

/* They time out, or have closed, or are reset before they have begun. */
static void ends(struct scene *s, bool full_deaths)
{
	struct guard *g = begin(s, 30 * USEC_PER_SEC, full_deaths);
	struct conn udp, closed = scene_tcp(701), half = scene_tcp(702);

	udp = scene_flow(IPPROTO_UDP, "10.1.0.9", 5000, SERVER4, 53, HOST4, 6000);
	closed.tcp_state = CONN_TCP_TIME_WAIT;
	half.status &= ~(uint32_t)(CONN_ASSURED | CONN_SEEN_REPLY);
	half.tcp_state = CONN_TCP_SYN_SENT;
	fake_entry_expires(s->fake, scene_add(s, &udp), s->fake->clock + 2 * USEC_PER_SEC);
	fake_tell(s->fake, fake_entry_find(s->fake, &udp.key));
	fake_tell(s->fake, scene_add(s, &closed));
	fake_tell(s->fake, scene_add(s, &half));
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(fake_delete_by(s->fake, &closed.key, 0), 0);
	assert_int_equal(fake_delete_by(s->fake, &half.key, 0), 0);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_null(fake_entry_find(s->fake, &udp.key));
	assert_null(fake_entry_find(s->fake, &closed.key));
	assert_null(fake_entry_find(s->fake, &half.key));
	assert_int_equal(guarding_status(g).repairs, 0);
	assert_int_equal(guarding_status(g).lost, 0);
	assert_int_equal(s->fake->created, 0);
	guard_free(g);
}

static void what_ends_by_itself_stays_away(void **state)
{
	ends(*state, true);
}

static void what_ends_by_itself_stays_away_of_an_old_kernel(void **state)
{
	ends(*state, false);
}

/* The ports are somebody else's by the time they are looked for. */
static void what_cannot_come_back_is_counted(void **state)
{
	struct scene *s = *state;
	struct guard *g = begin(s, 2 * USEC_PER_SEC, true);
	char named[GUARD_NAMED_MAX][CONN_LINE_MAX];

	for (uint16_t i = 0; i < 3; i++) {
		struct conn c = scene_tcp(i);

		fake_plan_conflict(s->fake, &c.key, CONFLICT_OTHER_CLIENT);
	}
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 3);
	assert_int_equal(guarding_status(g).lost, 3);
	assert_int_equal(guard_take_lost(g, named), 3);
	guard_free(g);
}

/* Not assured yet: a flush is not the only thing that takes it. */
static void dies_unassured(struct scene *s, uint32_t ct_max, bool comes_back)
{
	struct guard *g = begin(s, 30 * USEC_PER_SEC, true);
	struct conn c = scene_tcp(700);

	c.status &= ~(uint32_t)CONN_ASSURED;
	c.tcp_state = CONN_TCP_SYN_RECV;
	s->fake->ct_max = ct_max;
	s->fake->max_is_untold = false;
	fake_tell(s->fake, scene_add(s, &c));
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(fake_delete_by(s->fake, &c.key, 0), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(fake_entry_find(s->fake, &c.key) != NULL, comes_back);
	assert_int_equal(guarding_status(g).repairs, comes_back);
	guard_free(g);
}

static void a_handshake_comes_back(void **state)
{
	dies_unassured(*state, 65536, true);
}

static void what_a_full_table_drops_stays_away(void **state)
{
	dies_unassured(*state, FLOWS, false);
}

/* After a run of ours that has left all to the guard. */
static void an_own_delete_may_be_late_too(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_tcp(700);
	struct guard *g;

	scene_unprobed(s);
	g = begin(s, 2 * USEC_PER_SEC, true);
	s->fake->probe4 = KERNEL_UNKNOWN;
	fake_plan_birth(s->fake, s->fake->clock + 1500 * USEC_PER_MSEC, &c, s->dev);
	s->env.source = guard_source(g);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->env.source = (struct source){ .ops = NULL };
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->flushed, 0);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_true(s->fake->flushed > 0);
	assert_int_equal(scene_broken(s, true), 0);
	assert_true(scene_works(s, &c));
	assert_int_equal(guarding_status(g).repairs, 0);
	assert_int_equal(guarding_status(g).restored, s->fake->flushed);
	guard_free(g);
}

/* Nothing that the guard makes is a flow of the address that is gone. */
static void what_goes_with_its_address_stays_away(void **state)
{
	struct scene *s = *state;
	struct guard *g = begin(s, USEC_PER_SEC, true);

	guarding_foreign_delete(s, HOST4 "/24");
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	for (uint16_t i = 0; i < FLOWS; i++) {
		struct conn c = scene_tcp(i);

		assert_null(fake_entry_find(s->fake, &c.key));
	}
	assert_int_equal(guarding_status(g).lost, 0);
	guard_free(g);
}

/* A delete that is not made good any more is not made good late, either. */
static void a_late_fight_is_counted(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);
	uint64_t repairs = 0;
	unsigned gone = 0;

	s->fake->flush_after = USEC_PER_SEC;
	s->fake->full_deaths = true;
	guarding_spin(s, g, USEC_PER_SEC);
	for (uint16_t i = 0; i < 20; i++) {
		struct conn c = scene_tcp((uint16_t)(1000 + i));
		bool quarantined = guarding_status(g).quarantined;

		if (!fake_has_addr(s->fake, s->dev, VIP4 "/32"))
			fake_addr(s->fake, s->dev, VIP4 "/32", NULL);
		fake_tell(s->fake, scene_add(s, &c));
		guarding_spin(s, g, 10 * USEC_PER_MSEC);
		guarding_foreign_delete(s, VIP4 "/32");
		guarding_spin(s, g, 2100 * USEC_PER_MSEC);
		assert_int_equal(scene_works(s, &c), !quarantined);
		gone += quarantined;
		repairs += !quarantined;
	}
	assert_true(gone >= 5);
	assert_int_equal(guarding_status(g).lost, gone);
	assert_int_equal(guarding_status(g).repairs, repairs);
	guard_free(g);
}

static void birth_at_the_move(struct scene *s, const char *stage)
{
	struct conn c = scene_tcp(800);

	if (!strcmp(stage, "move")) {
		fake_plan_birth(s->fake, s->fake->clock, &c, s->dev);
		fake_advance(s->fake, 1);
	}
}

/* What a run of ours restores is not lost, though a fight has gone before it. */
static void a_run_after_a_fight_loses_nothing(struct scene *s, usec_t after)
{
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);
	struct conn c = scene_tcp(800);
	uint64_t lost;

	s->fake->full_deaths = true;
	fake_addr(s->fake, s->dev, "192.168.11.50/24", NULL);
	guarding_spin(s, g, USEC_PER_SEC);
	for (uint16_t i = 0; i < 20; i++) {
		struct conn one = scene_tcp((uint16_t)(1000 + i));

		if (!fake_has_addr(s->fake, s->dev, VIP4 "/32"))
			fake_addr(s->fake, s->dev, VIP4 "/32", NULL);
		fake_tell(s->fake, scene_add(s, &one));
		guarding_spin(s, g, 10 * USEC_PER_MSEC);
		guarding_foreign_delete(s, VIP4 "/32");
		guarding_spin(s, g, i < 19 ? 2100 * USEC_PER_MSEC : after);
	}
	assert_true(guarding_status(g).quarantined);
	lost = guarding_status(g).lost;
	s->on_stage = birth_at_the_move;
	s->env.source = guard_source(g);
	scene_move(s, OP_DEL, "192.168.11.50/24", NULL);
	s->env.source = (struct source){ .ops = NULL };
	s->on_stage = NULL;
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.entries.restored, 1);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_true(scene_works(s, &c));
	assert_int_equal(guarding_status(g).lost, lost);
	guard_free(g);
}

static void a_run_right_after_a_fight_loses_nothing(void **state)
{
	a_run_after_a_fight_loses_nothing(*state, 100 * USEC_PER_MSEC);
}

static void a_run_soon_after_a_fight_loses_nothing(void **state)
{
	a_run_after_a_fight_loses_nothing(*state, USEC_PER_SEC);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(after_a_second),
		CASE(after_three_seconds),
		CASE(after_three_seconds_of_an_old_kernel),
		CASE(nothing_comes_back_after_that),
		CASE(nothing_is_expected_of_other_devices),
		CASE(deletes_on_purpose_are_respected),
		CASE(what_ends_by_itself_stays_away),
		CASE(what_ends_by_itself_stays_away_of_an_old_kernel),
		CASE(what_cannot_come_back_is_counted),
		CASE(a_handshake_comes_back),
		CASE(what_a_full_table_drops_stays_away),
		CASE(an_own_delete_may_be_late_too),
		CASE(what_goes_with_its_address_stays_away),
		CASE(a_late_fight_is_counted),
		CASE(a_run_right_after_a_fight_loses_nothing),
		CASE(a_run_soon_after_a_fight_loses_nothing),
	};

	return cmocka_run_group_tests_name("guard_late", tests, NULL, NULL);
}
