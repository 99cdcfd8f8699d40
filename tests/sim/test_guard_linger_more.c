/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that vanish while the guard is killed, in crowds, or again and again; and what else
 * may happen meanwhile. */
#include "lib/lingering.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "move/remember.h"

/* ---- kills ---- */

/* Ends the guard in the middle of a linger: what is on disk is all that is left. */
static struct guard *linger_kill(struct scene *s, usec_t before)
{
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);

	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, before);
	assert_true(going_has_file(s, "away"));
	return guard_free(g);
}

static void after_a_kill_the_linger_goes_on(void **state)
{
	struct scene *s = *state;
	struct guard *g = linger_kill(s, USEC_PER_SEC);

	fake_advance(s->fake, USEC_PER_SEC);
	g = lingering_new(s, PIN_CONTINUOUS, LINGER);
	guarding_spin(s, g, 2800 * USEC_PER_MSEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(lingering_entries(g), 2 * FLOWS);
	assert_int_equal(guarding_status(g).gone, 0);
	guarding_spin(s, g, 500 * USEC_PER_MSEC); /* five seconds in all, not from the start */
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_int_equal(guarding_status(g).removed, 2 * FLOWS);
	assert_false(going_has_file(s, "away"));
	guard_free(g);
}

static void after_a_kill_it_may_come_back(void **state)
{
	struct scene *s = *state;
	struct guard *g = linger_kill(s, USEC_PER_SEC);

	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	fake_advance(s->fake, 20 * USEC_PER_SEC);
	g = lingering_new(s, PIN_CONTINUOUS, LINGER);
	guarding_spin(s, g, 10 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_false(going_has_file(s, "away"));
	guard_free(g);
}

static void after_a_kill_time_may_be_up(void **state)
{
	struct scene *s = *state;
	struct guard *g = linger_kill(s, USEC_PER_SEC);

	fake_advance(s->fake, LINGER);
	g = lingering_new(s, PIN_CONTINUOUS, LINGER);
	guarding_spin(s, g, 200 * USEC_PER_MSEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	guard_free(g);
}

/* The device went as well, and does not come back. */
static void after_a_kill_the_device_may_be_gone(void **state)
{
	struct scene *s = *state;
	struct guard *g = linger_kill(s, USEC_PER_SEC);

	s->settings.devices = calloc(1, sizeof(*s->settings.devices));
	assert_non_null(s->settings.devices);
	s->settings.devices[0] = lingering_settings(PIN_CONTINUOUS, LINGER);
	s->settings.n_devices = 1;
	fake_link_remove(s->fake, "br-mgmt");
	fake_addr(s->fake, s->pods, HOST4 "/32", NULL);
	g = lingering_new(s, PIN_CONTINUOUS, LINGER);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(going_count(s, OTHER4), 2 * FLOWS);
	guarding_spin(s, g, 3500 * USEC_PER_MSEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_int_equal(going_count(s, HOST4), FLOWS);
	guard_free(g);
}

/* It went while nobody was there: it lingers from the start on. */
static void what_went_unseen_lingers_too(void **state)
{
	struct scene *s = *state;
	struct guard *g;

	guard_free(lingering_begin(s, PIN_CONTINUOUS));
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	scene_remember(s);
	fake_advance(s->fake, 100 * USEC_PER_MSEC);
	g = lingering_new(s, PIN_CONTINUOUS, LINGER);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).gone, 1);
	assert_int_equal(scene_broken(s, false), 0);
	guarding_spin(s, g, LINGER);
	assert_int_equal(going_count(s, OTHER4), 0);
	guard_free(g);
}

static void take_report(void *ud, const struct report *r)
{
	(void)ud;
	assert_int_equal(r->entries.lost, 0);
}

/* Killed in the middle of putting back what the kernel took with the address: whoever finishes that
 * leaves no mark of it, but the next guard knows what was put back, and removes it in the end. */
static void a_kill_loses_nothing(void **state)
{
	for (unsigned steps = 1; steps < 20; steps++) {
		struct purged purged = { 0 };
		char path[128], aside[136];
		struct scene *s;
		struct guard *g;

		assert_int_equal(scene_setup(state), 0);
		s = *state;
		g = lingering_begin(s, PIN_ON_DEMAND);
		s->settings.devices = calloc(1, sizeof(*s->settings.devices));
		assert_non_null(s->settings.devices);
		s->settings.devices[0] = lingering_settings(PIN_ON_DEMAND, LINGER);
		s->settings.n_devices = 1;
		assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
		for (unsigned i = 0; i < steps; i++) {
			guard_ready(g);
			(void)guard_tick(g);
		}
		going_path(s, "repair", path);
		snprintf(aside, sizeof(aside), "%s.kept", path);
		assert_true(!going_has_file(s, "repair") || rename(path, aside) == 0);
		guard_free(g);
		(void)rename(aside, path);
		fake_advance(s->fake, USEC_PER_SEC);
		assert_true(run_recover(&s->env, take_report, NULL) >= 0);
		assert_int_equal(remember_purge(&s->env, &purged), 0);
		assert_int_equal(scene_broken(s, false), 0);
		g = lingering_new(s, PIN_ON_DEMAND, LINGER);
		guarding_spin(s, g, USEC_PER_SEC);
		assert_int_equal(scene_broken(s, false), 0);
		assert_int_equal(guarding_status(g).unproven, 0);
		guarding_spin(s, g, LINGER);
		assert_int_equal(going_count(s, OTHER4), 0);
		assert_int_equal(going_count(s, HOST4), FLOWS);
		guard_free(g);
		scene_teardown(state);
	}
}

/* ---- many, often ---- */

#define MANY 1000

static void many_prefix(uint16_t i, char text[32])
{
	snprintf(text, 32, "192.168.%u.%u/32", 20 + i / 250, 1 + i % 250);
}

static struct guard *many_begin(struct scene *s)
{
	struct guard *g;
	char text[32];

	for (uint16_t i = 0; i < MANY; i++) {
		many_prefix(i, text);
		fake_addr(s->fake, s->dev, text, "");
		text[strcspn(text, "/")] = '\0';
		going_flow(s, i, text);
	}
	s->fake->flush4 = FLUSH_ADDRESS;
	g = lingering_new(s, PIN_CONTINUOUS, LINGER);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, MANY);
	scene_remember(s);
	for (uint16_t i = 0; i < MANY; i++) {
		many_prefix(i, text);
		guarding_foreign_delete(s, text);
	}
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(lingering_entries(g), MANY);
	return g;
}

static void many_vanish_and_come_back(void **state)
{
	struct scene *s = *state;
	struct guard *g = many_begin(s);
	char text[32];

	for (uint16_t i = 0; i < MANY; i++) {
		many_prefix(i, text);
		fake_addr(s->fake, s->dev, text, "");
	}
	guarding_spin(s, g, 10 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guarding_status(g).linger_ends[LINGER_BACK], MANY);
	guard_free(g);
}

static void many_vanish_for_good(void **state)
{
	struct scene *s = *state;
	struct guard *g = many_begin(s);

	guarding_spin(s, g, LINGER);
	assert_int_equal(s->fake->n_entries, 0);
	assert_int_equal(guarding_status(g).removed, MANY);
	assert_int_equal(guarding_status(g).gone, 0);
	guard_free(g);
}

/* Fifty times in a second. */
static void an_address_that_flaps_makes_no_storm(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);
	unsigned writes, lists;

	guarding_spin(s, g, 5 * USEC_PER_SEC);
	scene_remember(s);
	writes = s->fake->ct_writes;
	lists = s->fake->dump.calls;
	for (int i = 0; i < 50; i++) {
		assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
		guarding_spin(s, g, 10 * USEC_PER_MSEC);
		fake_addr(s->fake, s->dev, OTHER4 "/24", "");
		guarding_spin(s, g, 10 * USEC_PER_MSEC);
	}
	guarding_spin(s, g, 10 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(s->fake->ct_writes, writes);
	assert_int_equal(s->fake->dump.calls, lists);
	assert_true(s->fake->heard_watches <= 2);
	assert_int_equal(guarding_status(g).repairs, 0);
	guard_free(g);
}

/* ---- what else happens ---- */

/* The client of a young flow has begun anew before it could be put back. */
static void a_newcomer_is_left_alone(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);
	struct conn c = scene_flow(IPPROTO_TCP, "10.1.8.8", 5000, SERVER4, 80, OTHER4, 31000);
	const struct fake_entry *e;

	fake_tell(s->fake, scene_add(s, &c));
	fake_plan_conflict(s->fake, &c.key, CONFLICT_NEW_FLOW);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	e = fake_entry_find(s->fake, &c.key);
	assert_non_null(e);
	assert_false(tuple_equal(&e->conn.reply, &c.reply));
	assert_int_equal(scene_broken(s, false), 0);
	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	guarding_spin(s, g, 10 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).superseded, 1);
	guard_free(g);
}

static void the_device_may_go_meanwhile(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);

	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	fake_link_remove(s->fake, "br-mgmt");
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(s->fake->n_entries, 0);
	assert_int_equal(guarding_status(g).state, GUARD_ABSENT);
	guard_free(g);
}

/* It is made anew, with another index. */
static void the_device_may_be_another_one(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);
	int dev;

	fake_link_remove(s->fake, "br-mgmt");
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	dev = fake_link_add(s->fake, "br-mgmt", NULL);
	fake_addr(s->fake, dev, HOST4 "/24", "");
	fake_addr(s->fake, dev, OTHER4 "/24", "");
	fake_addr(s->fake, dev, HOST6 "/64", NULL);
	fake_addr(s->fake, dev, OTHER6 "/64", NULL);
	guarding_spin(s, g, 10 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	guard_free(g);
}

/* What is not pinned yet the link takes with it, of whatever address. */
static void link_bounces_keep_everything(void **state)
{
	static const usec_t absences[] = { 0, 50 * USEC_PER_MSEC, 8 * USEC_PER_SEC };
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_ON_DEMAND);

	for (size_t i = 0; i < ARRAY_SIZE(absences); i++) {
		fake_link_set(s->fake, "br-mgmt", false);
		lingering_wait(s, g, absences[i]);
		fake_link_set(s->fake, "br-mgmt", true);
		guarding_spin(s, g, 4 * USEC_PER_SEC); /* the time begins when the link is up */
		fake_addr(s->fake, s->dev, OTHER6 "/64", NULL);
		fake_addr(s->fake, s->dev, HOST6 "/64", NULL);
		guarding_spin(s, g, USEC_PER_SEC);
		assert_int_equal(scene_broken(s, false), 0);
	}
	assert_int_equal(guarding_status(g).lost, 0);
	/* if it does not come back, they go */
	fake_link_set(s->fake, "br-mgmt", false);
	guarding_spin(s, g, 8 * USEC_PER_SEC);
	fake_link_set(s->fake, "br-mgmt", true);
	guarding_spin(s, g, LINGER + 400 * USEC_PER_MSEC);
	assert_int_equal(s->fake->n_entries, 3 * FLOWS);
	guard_free(g);
}

/* No address goes with it. */
static void so_do_link_bounces_without_ipv6(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_new(s, PIN_CONTINUOUS, LINGER);

	assert_int_equal(fake_addr_del(s->fake, s->dev, HOST6 "/64"), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, VIP6 "/128"), 0);
	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	lingering_young(s);
	guarding_spin(s, g, 10 * USEC_PER_MSEC);
	scene_remember(s);
	for (int i = 0; i < 3; i++) {
		fake_link_set(s->fake, "br-mgmt", false);
		fake_link_set(s->fake, "br-mgmt", true);
		guarding_spin(s, g, 50 * USEC_PER_MSEC);
		assert_int_equal(scene_broken(s, false), 0);
	}
	assert_int_equal(guarding_status(g).lost, 0);
	guard_free(g);
}

static void settings_apply_to_what_lingers(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);
	struct device_settings d = lingering_settings(PIN_CONTINUOUS, 20 * USEC_PER_SEC);

	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	guard_set(g, &d, false);
	guarding_spin(s, g, 10 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	d.linger = 0;
	guard_set(g, &d, false);
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	guard_free(g);
}

/* A daemon that is to stop does not wait for it. */
static void a_linger_keeps_nobody_waiting(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);

	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_true(guard_is_idle(g));
	guard_free(g);
}

/* An event of it was lost: the next listing of addresses tells. */
static void a_loss_that_was_not_told_lingers(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);

	guarding_spin(s, g, 5 * USEC_PER_SEC);
	scene_remember(s);
	s->fake->watching_addrs = false;
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	s->fake->watching_addrs = true;
	s->fake->addr_events_lost = 1;
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	guarding_spin(s, g, LINGER);
	assert_int_equal(going_count(s, OTHER4), 0);
	guard_free(g);
}

/* Offloaded entries cannot be deleted before Linux 5.11. They are not forgotten. */
static void what_cannot_be_deleted_goes_later(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);

	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	s->fake->busy_nth = 1;
	guarding_spin(s, g, 2 * LINGER);
	assert_int_equal(going_count(s, OTHER4), 2 * FLOWS);
	assert_int_equal(guarding_status(g).linger_ends[LINGER_TIME], 0);
	s->fake->busy_nth = 0;
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_int_equal(guarding_status(g).linger_ends[LINGER_TIME], 1);
	assert_int_equal(guarding_status(g).removed, 2 * FLOWS);
	guard_free(g);
}

/* It comes back and is found to be a duplicate: it is on the device, and another host's. */
static void a_duplicate_is_not_back(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);
	struct ifaddr failed = { .ifindex = s->dev };

	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER6 "/64"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(lingering_entries(g), FLOWS);
	s->fake->dad_fails = true;
	assert_int_equal(prefix_parse(OTHER6 "/64", PREFIX_LEN_REQUIRED, &failed.prefix), 0);
	assert_int_equal(s->env.kernel.ops->addr_add(s->env.kernel.ctx, &failed), 0);
	guarding_spin(s, g, 1100 * USEC_PER_MSEC);
	failed.flags = IFADDR_TENTATIVE | IFADDR_DADFAILED | IFADDR_PERMANENT;
	fake_tell_addr(s->fake, &failed, false);
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	assert_int_equal(going_count(s, OTHER6), 0);
	assert_int_equal(going_count(s, HOST6), FLOWS);
	assert_int_equal(guarding_status(g).linger_ends[LINGER_HEARD], 1);
	guard_free(g);
}

/* The run directory cannot be written for a moment. */
static void what_could_not_be_written_is_written_later(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);

	snprintf(s->settings.run_dir, sizeof(s->settings.run_dir), "/proc/%s", "none");
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_true(guarding_status(g).unsaved > 0);
	snprintf(s->settings.run_dir, sizeof(s->settings.run_dir), "%s", s->dir);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_true(going_has_file(s, "away"));
	assert_int_equal(lingering_entries(g), 2 * FLOWS);
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(after_a_kill_the_linger_goes_on),
		CASE(after_a_kill_it_may_come_back),
		CASE(after_a_kill_time_may_be_up),
		CASE(after_a_kill_the_device_may_be_gone),
		CASE(what_went_unseen_lingers_too),
		cmocka_unit_test(a_kill_loses_nothing),
		CASE(many_vanish_and_come_back),
		CASE(many_vanish_for_good),
		CASE(an_address_that_flaps_makes_no_storm),
		CASE(a_newcomer_is_left_alone),
		CASE(the_device_may_go_meanwhile),
		CASE(the_device_may_be_another_one),
		CASE(link_bounces_keep_everything),
		CASE(so_do_link_bounces_without_ipv6),
		CASE(settings_apply_to_what_lingers),
		CASE(a_linger_keeps_nobody_waiting),
		CASE(a_loss_that_was_not_told_lingers),
		CASE(what_cannot_be_deleted_goes_later),
		CASE(a_duplicate_is_not_back),
		CASE(what_could_not_be_written_is_written_later),
	};

	return cmocka_run_group_tests_name("guard_linger_more", tests, NULL, NULL);
}
