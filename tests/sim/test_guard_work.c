/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a guard works: in steps, within its memory, under the lock of the device,
 * and with what events and listings leave out. */
#include "lib/guarding.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "move/probe.h"

#define FLOWS 200

/* No step works on more than some hundred entries, however many there are. */
static void repairs_go_in_steps(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);
	unsigned most = 0;

	scene_populate(s, 2000);
	scene_remember(s);
	guarding_spin(s, g, USEC_PER_SEC);
	guarding_foreign_delete(s, VIP4 "/32");
	assert_true(scene_broken(s, false) >= 2000);
	for (int i = 0; i < 100 && scene_broken(s, false); i++) {
		unsigned before = s->fake->created;

		guard_ready(g);
		(void)guard_tick(g);
		most = MAX(most, s->fake->created - before);
		fake_advance(s->fake, 2 * USEC_PER_MSEC);
		assert_true(!scene_broken(s, false) || fake_is_held(s->fake));
	}
	assert_int_equal(scene_broken(s, false), 0);
	assert_true(most > 0 && most <= 256);
	assert_int_equal(s->fake->unheld_creates, 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_false(fake_is_held(s->fake));
	assert_int_equal(guarding_status(g).repairs, 1);
	guard_free(g);
}

/* Traffic has put another mapping in the place of a flushed one, and the event
 * that tells of it comes before the repair. */
static void conflicts_are_replaced(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);

	scene_populate(s, 20);
	scene_remember(s);
	guarding_spin(s, g, USEC_PER_SEC);
	for (uint16_t i = 0; i < 8; i++) {
		struct conn c = scene_tcp(i);

		fake_plan_conflict(s->fake, &c.key, i % 2 ? CONFLICT_OTHER_PORT : CONFLICT_LOCAL);
	}
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	guard_free(g);
}

/* A newer connection of the same client is left alone, and guarded. */
static void a_newer_connection_stays(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);
	struct conn c = scene_tcp(3);
	struct tuple reply;

	scene_populate(s, 20);
	guarding_spin(s, g, USEC_PER_SEC);
	fake_plan_conflict(s->fake, &c.key, CONFLICT_NEW_FLOW);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	reply = fake_entry_find(s->fake, &c.key)->conn.reply;
	assert_false(tuple_equal(&reply, &c.reply));
	assert_int_equal(guarding_status(g).pinned + guarding_status(g).unpinned,
			 s->fake->n_entries);
	guard_free(g);
}

/* Entries that never told of their end, as from before somebody listened
 * (nf_conntrack_events is 2), are missed by the sweep through everything. */
static void silent_flushes_are_repaired(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);

	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, USEC_PER_SEC);
	guarding_foreign_delete(s, VIP4 "/32");
	s->fake->n_events = 0;
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	guard_free(g);
}

/* IPv6 of 4.9: from a work queue, after the address. */
static void late_flushes_are_repaired(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);

	s->fake->flush_after = 300 * USEC_PER_MSEC;
	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, USEC_PER_SEC);
	guarding_foreign_delete(s, VIP6 "/128");
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	assert_int_equal(s->fake->flushed, 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_true(s->fake->flushed > 0);
	assert_int_equal(scene_broken(s, false), 0);
	guard_free(g);
}

static void what_ends_unseen_is_forgotten(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn unpinned = scene_tcp(600);

	scene_populate(s, FLOWS);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	unpinned.status &= ~(uint32_t)CONN_ASSURED;
	fake_tell(s->fake, scene_add(s, &unpinned));
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	for (uint16_t i = 0; i < 50; i++) {
		struct conn c = scene_tcp(i);

		assert_int_equal(fake_delete_by(s->fake, &c.key, 4711), 0);
	}
	assert_int_equal(fake_delete_by(s->fake, &unpinned.key, 4711), 0);
	s->fake->events_lost = 1;
	s->fake->n_events = 0;
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).overruns, 1);
	assert_int_equal(guarding_status(g).pinned, s->fake->n_entries);
	assert_int_equal(guarding_status(g).unpinned, 0);
	guard_free(g);
}

/* An overrun that goes on is not answered by one listing after the other. */
static void lost_events_do_not_lead_to_endless_reading(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	unsigned dumps;

	scene_populate(s, FLOWS);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	dumps = s->fake->dump.calls;
	s->fake->events_lost = 1000000;
	guarding_spin(s, g, 5 * USEC_PER_SEC);
	assert_true(s->fake->dump.calls - dumps <= 21);
	s->fake->events_lost = 0;
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).state, GUARD_LIVE);
	guard_free(g);
}

static void memory_is_bounded(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct request req;

	s->settings.shadow_max = 1000;
	scene_populate(s, 1000); /* and 250 of each other kind */
	guarding_spin(s, g, 5 * USEC_PER_SEC);
	assert_true(guarding_status(g).full);
	assert_int_equal(guarding_status(g).state, GUARD_LIVE);
	assert_non_null(strstr(guarding_status(g).reason, "shadow_max = 1000"));
	assert_int_equal(guarding_status(g).pinned + guarding_status(g).unpinned, 1000);
	/* a move then looks for itself */
	request_init(&req, OP_DEL);
	assert_false(guard_serves(g, &req));
	/* and when it has shrunk, all of them are known again */
	for (uint16_t i = 0; i < 900; i++) {
		struct conn c = scene_tcp(i);

		assert_int_equal(fake_delete_by(s->fake, &c.key, 4711), 0);
	}
	guarding_spin(s, g, 5 * USEC_PER_SEC);
	assert_false(guarding_status(g).full);
	assert_null(strstr(guarding_status(g).reason, "shadow_max"));
	assert_int_equal(guarding_status(g).pinned, s->fake->n_entries);
	guard_free(g);
}

static struct conn with_helper(uint16_t n)
{
	struct conn c = scene_tcp(n);

	c.has_helper = true;
	return c;
}

/* Linux up to 4.9: what a pin would cost is more than it gains. */
static void helpers_are_spared_where_they_are_lost(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn c = with_helper(300);
	unsigned created;

	s->fake->forgets_helpers = true;
	scene_populate(s, 20);
	scene_add(s, &c);
	guarding_spin(s, g, 5 * USEC_PER_SEC);
	assert_true(fake_entry_find(s->fake, &c.key)->conn.has_helper);
	assert_int_equal(fake_entry_find(s->fake, &c.key)->masq, s->dev);
	assert_int_equal(guarding_status(g).unpinned, 1);
	assert_int_equal(guarding_status(g).helpers, 1);
	assert_int_equal(guarding_status(g).pin_failures, 0);
	/* the trial is not repeated, and nothing is left of it */
	created = s->fake->created;
	c = with_helper(301);
	fake_tell(s->fake, scene_add(s, &c));
	guarding_spin(s, g, 30 * USEC_PER_SEC);
	assert_int_equal(s->fake->created, created);
	assert_int_equal(guarding_status(g).pinned + 2, s->fake->n_entries);
	guard_free(g);
}

/* The probe has tried it in a namespace of its own: the guard makes no entry for that. */
static void what_the_probe_knows_is_not_tried_again(void **state)
{
	const struct probe_result known = { .ipv4 = KERNEL_AFFECTED,
					    .ipv6 = KERNEL_AFFECTED,
					    .helpers = HELPERS_FORGOTTEN };
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn c = with_helper(300);

	s->fake->forgets_helpers = true;
	assert_int_equal(probe_result_store(s->dir, s->env.boot_id, &known), 0);
	scene_add(s, &c);
	guarding_spin(s, g, 5 * USEC_PER_SEC);
	assert_int_equal(s->fake->created, 0);
	assert_true(fake_entry_find(s->fake, &c.key)->conn.has_helper);
	assert_int_equal(guarding_status(g).helpers, 1);
	guard_free(g);
}

static void helpers_are_pinned_where_they_are_kept(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn c = with_helper(300);

	s->fake->forgets_helpers = false;
	scene_boot(s);
	scene_populate(s, 20);
	scene_add(s, &c);
	guarding_spin(s, g, 5 * USEC_PER_SEC);
	assert_int_equal(fake_entry_find(s->fake, &c.key)->masq, 0);
	assert_true(fake_entry_find(s->fake, &c.key)->conn.has_helper);
	assert_int_equal(guarding_status(g).pinned, s->fake->n_entries);
	guard_free(g);
}

/* `vipsafe del --local` and `vipsafe recover` close the hold of the device. */
static void rules_that_were_taken_away_are_made_anew(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn c = scene_tcp(400), d = scene_tcp(401);

	scene_populate(s, 20);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	assert_true(s->fake->held_open);
	fake_take_hold(s->fake);
	fake_tell(s->fake, scene_add(s, &c));
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(fake_entry_find(s->fake, &c.key)->masq, 0);
	assert_int_equal(s->fake->unheld_creates, 0);
	fake_take_hold(s->fake);
	fake_tell(s->fake, scene_add(s, &d));
	guard_ready(g);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_true(scene_works(s, &d));
	assert_int_equal(s->fake->unheld_creates, 0);
	guard_free(g);
}

/* Of the device; its closing gives it back. */
static int hold_lock(const struct scene *s)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/lock-br-mgmt", s->dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

/* Whoever has the lock of the device sees to its entries himself. */
static void a_run_beside_is_not_disturbed(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn c = scene_tcp(400);
	int fd;

	guarding_spin(s, g, 2 * USEC_PER_SEC);
	fd = hold_lock(s);
	fake_tell(s->fake, scene_add(s, &c));
	guarding_spin(s, g, 400 * USEC_PER_MSEC);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, 200 * USEC_PER_MSEC);
	assert_null(fake_entry_find(s->fake, &c.key));
	close(fd);
	guarding_spin(s, g, 200 * USEC_PER_MSEC);
	assert_true(scene_works(s, &c));
	guard_free(g);
}

/* Stuck, or somebody else's idea of a lock. */
static void a_lock_is_not_waited_for_forever(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn c = scene_tcp(400);
	int fd;

	guarding_spin(s, g, 2 * USEC_PER_SEC);
	fd = hold_lock(s);
	fake_tell(s->fake, scene_add(s, &c));
	guard_ready(g);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_true(scene_works(s, &c));
	close(fd);
	guard_free(g);
}

static void another_device_of_that_name_is_guarded(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn c = scene_tcp(1);
	int dev;

	guarding_spin(s, g, 2 * USEC_PER_SEC);
	fake_link_remove(s->fake, "br-mgmt");
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).state, GUARD_ABSENT);
	assert_false(s->fake->held_open);
	dev = fake_link_add(s->fake, "br-mgmt", NULL);
	assert_int_not_equal(dev, s->dev);
	fake_addr(s->fake, dev, HOST4 "/24", NULL);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).state, GUARD_LIVE);
	assert_int_equal(guard_ifindex(g), dev);
	assert_int_equal(s->fake->held_on, dev);
	assert_non_null(fake_entry_add(s->fake, &c, NULL, dev, 400));
	fake_tell(s->fake, fake_entry_find(s->fake, &c.key));
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(fake_entry_find(s->fake, &c.key)->masq, 0);
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(repairs_go_in_steps),
		CASE(conflicts_are_replaced),
		CASE(a_newer_connection_stays),
		CASE(silent_flushes_are_repaired),
		CASE(late_flushes_are_repaired),
		CASE(what_ends_unseen_is_forgotten),
		CASE(lost_events_do_not_lead_to_endless_reading),
		CASE(memory_is_bounded),
		CASE(helpers_are_spared_where_they_are_lost),
		CASE(what_the_probe_knows_is_not_tried_again),
		CASE(helpers_are_pinned_where_they_are_kept),
		CASE(rules_that_were_taken_away_are_made_anew),
		CASE(a_run_beside_is_not_disturbed),
		CASE(a_lock_is_not_waited_for_forever),
		CASE(another_device_of_that_name_is_guarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
