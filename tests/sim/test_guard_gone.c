/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that go while no guard runs: the next one, or recover --stale, removes
 * what the one before had pinned to them, and nothing else. */
#include "lib/going.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "move/remember.h"

static void the_next_guard_removes_them(void **state)
{
	struct scene *s = *state;
	struct guard_status st;
	struct guard *g;

	going_begin(s);
	going_lose(s);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, USEC_PER_SEC);
	st = guarding_status(g);
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_int_equal(going_count(s, HOST4), FLOWS);
	assert_int_equal(st.removed, FLOWS);
	assert_int_equal(st.gone, 1);
	assert_int_equal(st.unproven, 0);
	assert_int_equal(st.lost, 0);
	guard_free(g);
	/* and that is that */
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).gone, 0);
	guard_free(g);
}

static void so_does_recover(void **state)
{
	struct scene *s = *state;
	struct purged purged;

	going_begin(s);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, 0);
	going_lose(s);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, FLOWS);
	assert_int_equal(purged.unproven, 0);
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_int_equal(going_count(s, HOST4), FLOWS);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, 0);
}

/* One that was there before all guards, or that somebody else has made. */
static void what_is_not_ours_is_left(void **state)
{
	struct scene *s = *state;
	struct purged purged;
	struct guard *g;
	struct conn c;

	going_begin(s);
	going_lose(s);
	c = scene_flow(IPPROTO_UDP, "10.1.9.9", 4000, SERVER4, 53, OTHER4, 30000);
	fake_entry_add(s->fake, &c, NULL, 0, 400);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, FLOWS);
	assert_int_equal(purged.unproven, 1);
	assert_int_equal(going_count(s, OTHER4), 1);
	scene_teardown(state);

	assert_int_equal(scene_setup(state), 0);
	s = *state;
	going_begin(s);
	going_lose(s);
	fake_entry_add(s->fake, &c, NULL, 0, 400);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).removed, FLOWS);
	assert_int_equal(guarding_status(g).unproven, 1);
	assert_int_equal(going_count(s, OTHER4), 1);
	guard_free(g);
}

/* However its birth and the first listing meet. */
static void what_is_born_meanwhile_is_counted_once(void **state)
{
	uint64_t most = 0;

	for (usec_t at = 0; at < 300; at += 10) {
		struct scene *s = *state;
		struct guard *g;
		struct conn c;

		going_begin(s);
		going_lose(s);
		c = scene_flow(IPPROTO_UDP, "10.1.9.9", 4000, SERVER4, 53, OTHER4, 30000);
		fake_plan_birth(s->fake, s->fake->clock + at, &c, 0);
		g = guarding_new(s, PIN_CONTINUOUS);
		guarding_spin(s, g, USEC_PER_SEC);
		assert_true(guarding_status(g).unproven <= 1);
		most = MAX(most, guarding_status(g).unproven);
		guard_free(g);
		scene_teardown(state);
		assert_int_equal(scene_setup(state), 0);
	}
	assert_int_equal(most, 1);
}

/* The same tuples, but it is another entry. */
static void another_id_is_another_entry(void **state)
{
	struct scene *s = *state;
	struct purged purged;
	size_t i;

	going_begin(s);
	going_lose(s);
	for (i = 0; i < s->fake->n_entries; i++)
		s->fake->entries[i].conn.id += 1000000;
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, 0);
	assert_int_equal(purged.unproven, FLOWS);
	assert_int_equal(going_count(s, OTHER4), FLOWS);
}

static void no_proof_no_removal(void **state)
{
	struct scene *s = *state;
	struct purged purged;
	struct guard *g;
	char path[128];

	going_begin(s);
	going_lose(s);
	going_path(s, "pins", path);
	assert_int_equal(unlink(path), 0);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).removed, 0);
	assert_int_equal(guarding_status(g).unproven, FLOWS);
	assert_int_equal(guarding_status(g).gone, 1);
	assert_int_equal(going_count(s, OTHER4), FLOWS);
	guard_free(g);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, 0);
}

/* It has only gone to another device of the node. */
static void an_address_that_moved_is_no_loss(void **state)
{
	struct scene *s = *state;
	struct purged purged;
	struct guard *g;

	going_begin(s);
	going_lose(s);
	fake_addr(s->fake, s->pods, OTHER4 "/24", "");
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, 0);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(going_count(s, OTHER4), FLOWS);
	assert_int_equal(guarding_status(g).gone, 0);
	/* until it goes from there, too */
	assert_int_equal(fake_addr_del(s->fake, s->pods, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_int_equal(guarding_status(g).removed, FLOWS);
	guard_free(g);
}

/* A link that is down takes addresses away for a while. */
static void while_the_link_is_down_nothing_is_lost(void **state)
{
	struct scene *s = *state;
	struct purged purged;
	struct guard *g;
	size_t l;

	going_begin(s);
	going_lose(s);
	for (l = 0; l < s->fake->n_links; l++)
		if (s->fake->links[l].ifindex == s->dev)
			s->fake->links[l].up = false;
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, 0);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(going_count(s, OTHER4), FLOWS);
	for (l = 0; l < s->fake->n_links; l++)
		s->fake->links[l].up = true;
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	guard_free(g);
}

/* Twice nobody was there, and in between nothing was pinned anew. */
static void proof_outlives_many_guards(void **state)
{
	struct scene *s = *state;
	struct guard *g;
	int i;

	going_begin(s);
	for (i = 0; i < 5; i++) {
		g = guarding_new(s, PIN_ON_DEMAND);
		guarding_spin(s, g, USEC_PER_SEC);
		assert_int_equal(guarding_status(g).pins, 0);
		guard_free(g);
	}
	going_lose(s);
	g = guarding_new(s, PIN_ON_DEMAND);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).removed, FLOWS);
	assert_int_equal(going_count(s, HOST4), FLOWS);
	guard_free(g);
}

/* The guard sees to it by itself. */
static void a_living_guard_is_left_alone(void **state)
{
	struct scene *s = *state;
	struct purged purged;
	struct guard *g;

	going_begin(s);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	going_lose(s);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	guard_free(g);
}

/* More than a guard notes at a time. */
static void many_go_at_once(void **state)
{
	struct scene *s = *state;
	char text[32];
	struct guard *g;
	uint16_t i;

	for (i = 1; i <= 100; i++) {
		snprintf(text, sizeof(text), "192.168.12.%u/32", i);
		fake_addr(s->fake, s->dev, text, "");
		text[strcspn(text, "/")] = '\0';
		going_flow(s, i, text);
	}
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, 100);
	s->fake->flush4 = FLUSH_ADDRESS;
	for (i = 1; i <= 100; i++) {
		snprintf(text, sizeof(text), "192.168.12.%u/32", i);
		guarding_foreign_delete(s, text);
	}
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).removed, 100);
	assert_int_equal(guarding_status(g).gone, 0);
	assert_int_equal(s->fake->n_entries, 0);
	guard_free(g);
}

/* An event of it was lost: the next listing of addresses tells. */
static void a_loss_that_was_not_told_is_seen(void **state)
{
	struct scene *s = *state;
	struct guard *g;

	going_begin(s);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	s->fake->watching_addrs = false;
	going_lose(s);
	s->fake->watching_addrs = true;
	s->fake->addr_events_lost = 1;
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_true(guarding_status(g).removed > 0);
	assert_int_equal(guarding_status(g).overruns, 1);
	assert_int_equal(guarding_status(g).gone, 0); /* it was guarded */
	guard_free(g);
}

/* vipsafe del ADDR --vip-flows keep: they stay for as long as they like. */
static void keep_on_purpose(struct scene *s, bool served)
{
	struct guard *g;

	going_begin(s);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	if (served)
		s->env.source = guard_source(g);
	else
		g = guard_free(g);
	s->req.vip_flows = VIP_FLOWS_KEEP;
	scene_move(s, OP_DEL, OTHER4 "/24", NULL);
	s->env.source = (struct source){ .ops = NULL };
	assert_int_equal(going_count(s, OTHER4), FLOWS);
	if (g)
		guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(going_count(s, OTHER4), FLOWS);
	guard_free(g);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(going_count(s, OTHER4), FLOWS);
	assert_int_equal(guarding_status(g).gone, 0);
	guard_free(g);
}

static void address_events_are_lost(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "move"))
		s->fake->addr_events_lost = 1;
}

static void what_is_kept_on_purpose_stays_without_events(void **state)
{
	struct scene *s = *state;

	s->on_stage = address_events_are_lost;
	keep_on_purpose(s, true);
}

static void what_is_kept_on_purpose_stays(void **state)
{
	keep_on_purpose(*state, true);
	scene_teardown(state);
	assert_int_equal(scene_setup(state), 0);
	keep_on_purpose(*state, false);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_next_guard_removes_them),
		CASE(so_does_recover),
		CASE(what_is_not_ours_is_left),
		CASE(what_is_born_meanwhile_is_counted_once),
		CASE(another_id_is_another_entry),
		CASE(no_proof_no_removal),
		CASE(an_address_that_moved_is_no_loss),
		CASE(while_the_link_is_down_nothing_is_lost),
		CASE(proof_outlives_many_guards),
		CASE(a_living_guard_is_left_alone),
		CASE(many_go_at_once),
		CASE(a_loss_that_was_not_told_is_seen),
		CASE(what_is_kept_on_purpose_stays_without_events),
		CASE(what_is_kept_on_purpose_stays),
	};

	return cmocka_run_group_tests_name("guard_gone", tests, NULL, NULL);
}
