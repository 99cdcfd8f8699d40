/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard on a fake kernel: whoever deletes an address, and whatever the
 * events say or fail to say, unrelated connections go on. */
#include "lib/guarding.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define FLOWS 200

static void everything_there_is_pinned_at_start(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);

	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).state, GUARD_LIVE);
	assert_true(guarding_status(g).pinned >= FLOWS);
	assert_int_equal(s->fake->unheld_creates, 0);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_foreign_delete(s, VIP6 "/128");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(s->fake->flushed, 0);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guarding_status(g).repairs, 0);
	guard_free(g);
	assert_false(s->fake->held_open);
}

/* The control. */
static void without_a_guard_all_are_flushed(void **state)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_foreign_delete(s, VIP4 "/32");
	assert_true(scene_broken(s, false) >= FLOWS);
}

static void what_is_pinned_is_left_alone(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	unsigned created;

	scene_populate(s, FLOWS);
	guarding_spin(s, g, 5 * USEC_PER_SEC);
	created = s->fake->created;
	guarding_spin(s, g, 30 * USEC_PER_SEC);
	assert_int_equal(s->fake->created, created);
	guard_free(g);
}

static void new_connections_are_pinned_when_established(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn tcp = scene_tcp(1), half = scene_tcp(2), udp;

	udp = scene_flow(IPPROTO_UDP, "10.1.0.9", 5000, SERVER4, 53, HOST4, 6000);
	half.status &= ~(uint32_t)CONN_ASSURED;
	half.tcp_state = CONN_TCP_SYN_SENT;
	guarding_spin(s, g, USEC_PER_SEC);
	fake_plan_birth(s->fake, s->fake->clock + 1000, &tcp, s->dev);
	fake_plan_birth(s->fake, s->fake->clock + 1000, &half, s->dev);
	fake_plan_birth(s->fake, s->fake->clock + 1000, &udp, s->dev);
	guarding_spin(s, g, 1500 * USEC_PER_MSEC);
	assert_int_equal(fake_entry_find(s->fake, &tcp.key)->masq, 0);
	assert_int_equal(fake_entry_find(s->fake, &half.key)->masq, s->dev);
	assert_int_equal(fake_entry_find(s->fake, &udp.key)->masq, s->dev); /* too young */
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(fake_entry_find(s->fake, &udp.key)->masq, 0);
	assert_int_equal(fake_entry_find(s->fake, &half.key)->masq, s->dev);
	guard_free(g);
}

/* It was told before the pin, and is read after it: by then it is of an entry that is no more. */
static void an_event_from_before_the_pin_is_old(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn c = scene_tcp(7);
	struct fake_entry old;
	unsigned i;

	guarding_spin(s, g, 3 * USEC_PER_SEC);
	fake_plan_birth(s->fake, s->fake->clock + 1, &c, s->dev);
	fake_advance(s->fake, 10);
	guard_ready(g);
	assert_int_equal(guarding_status(g).unpinned, 1);
	old = *fake_entry_find(s->fake, &c.key);
	for (i = 0; i < 200 && !guarding_status(g).pinned; i++) {
		fake_advance(s->fake, 10 * USEC_PER_MSEC);
		(void)guard_tick(g);
	}
	assert_int_equal(guarding_status(g).pinned, 1);
	fake_tell(s->fake, &old);
	guard_ready(g);
	assert_int_equal(guarding_status(g).pinned, 1);
	assert_int_equal(guarding_status(g).unpinned, 0);
	/* and when the pinned one ends, nothing of it is left */
	fake_delete_by(s->fake, &c.key, 0);
	guard_ready(g);
	assert_int_equal(guarding_status(g).pinned + guarding_status(g).unpinned, 0);
	guard_free(g);
}

/* Too young to be pinned when somebody deletes a VIP: put back at once. */
static void unpinned_connections_are_restored(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn c = scene_tcp(7);

	scene_populate(s, 20);
	scene_remember(s);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	c = scene_tcp(500);
	fake_plan_birth(s->fake, s->fake->clock + 1, &c, s->dev);
	fake_advance(s->fake, 10);
	guard_ready(g);
	guarding_foreign_delete(s, VIP4 "/32");
	assert_null(fake_entry_find(s->fake, &c.key));
	guarding_spin(s, g, USEC_PER_SEC);
	assert_true(scene_works(s, &c));
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guarding_status(g).restored, 1);
	guard_free(g);
}

static void on_demand_restores_after_a_foreign_delete(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);

	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, 0);
	assert_int_equal(s->fake->ct_writes, 0);
	guarding_foreign_delete(s, VIP4 "/32");
	assert_true(scene_broken(s, false) > 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guarding_status(g).repairs, 1);
	guard_free(g);
}

/* The flush took it, its own traffic brought it back, and then somebody ended it: the guard reads
 * all of that at once, and has to take the last for the truth. */
static void what_came_back_and_was_deleted_stays_away(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);
	struct conn c = scene_tcp(7);

	scene_add(s, &c);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	guarding_foreign_delete(s, VIP4 "/32");
	fake_tell(s->fake, scene_add(s, &c));
	assert_int_equal(fake_delete_by(s->fake, &c.key, 4711), 0);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_null(fake_entry_find(s->fake, &c.key));
	guard_free(g);
}

/* Somebody empties the table and deletes the address, before a slow guard has read that the entries
 * were deleted: they are not what the kernel has flushed. */
static void what_was_deleted_before_the_address_stays_away(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);
	struct conn c[FLOWS];
	unsigned i;

	for (i = 0; i < FLOWS; i++) {
		c[i] = scene_tcp((uint16_t)(i + 1));
		scene_add(s, &c[i]);
	}
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	s->fake->events_at_once = 3;
	for (i = 0; i < FLOWS; i++)
		assert_int_equal(fake_delete_by(s->fake, &c[i].key, 4711), 0);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(s->fake->n_events, 0);
	for (i = 0; i < FLOWS; i++)
		assert_null(fake_entry_find(s->fake, &c[i].key));
	assert_int_equal(guarding_status(g).restored, 0);
	guard_free(g);
}

/* While a flush is waited for, events were lost or another run has the lock, nothing is to be done
 * at once: it asks to be called later, and the daemon sleeps. */
static void it_does_not_spin_while_it_waits(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	unsigned ticks = 0;
	usec_t until, next;

	scene_populate(s, FLOWS);
	guard_ready(g);
	(void)guard_tick(g); /* the first round of pins is open now */
	guarding_foreign_delete(s, VIP4 "/32");
	s->fake->events_lost = 1;
	until = s->fake->clock + 2 * USEC_PER_SEC;
	while (s->fake->clock < until) {
		guard_ready(g);
		next = guard_tick(g);
		if (next > s->fake->clock)
			fake_advance(s->fake, next - s->fake->clock);
		ticks++;
	}
	assert_true(ticks < 200);
	guard_free(g);
}

/* By whom, when, and how many connections there were. */
static void a_foreign_delete_is_told_of(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct guard_foreign_news news;
	unsigned i;

	scene_populate(s, FLOWS);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	s->fake->addr_by = 4711;
	fake_owner_add(s->fake, PORT_ROUTE, 4711, "ip", 4711);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	guard_take_foreign(g, &news);
	assert_int_equal(news.n, 1);
	assert_int_equal(news.beyond, 0);
	assert_int_equal(news.list[0].deed.by, BY_PROGRAM);
	assert_string_equal(news.list[0].deed.comm, "ip");
	assert_int_equal(news.list[0].deed.pid, 4711);
	assert_int_equal(news.list[0].deed.address.len, 32);
	assert_true(news.list[0].pinned > 0);
	assert_false(news.list[0].quarantined);
	guard_take_foreign(g, &news);
	assert_int_equal(news.n, 0);
	for (i = 0; i < GUARD_FOREIGN_NEWS + 3; i++) {
		fake_addr(s->fake, s->dev, VIP4 "/32", "");
		guarding_foreign_delete(s, VIP4 "/32");
		guarding_spin(s, g, 10 * USEC_PER_MSEC);
	}
	guard_take_foreign(g, &news);
	assert_int_equal(news.n, GUARD_FOREIGN_NEWS);
	assert_int_equal(news.beyond, 3);
	guard_free(g);
}

/* Deleted by another program, not by a flush. */
static void purposeful_deletes_are_respected(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_ON_DEMAND);
	struct conn mine = scene_tcp(3);

	scene_populate(s, 20);
	scene_remember(s);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(fake_delete_by(s->fake, &mine.key, 4711), 0);
	guard_ready(g);
	guarding_foreign_delete(s, VIP4 "/32");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_null(fake_entry_find(s->fake, &mine.key));
	assert_int_equal(scene_broken(s, false), 1);
	guard_free(g);
}

static void a_lost_address_takes_its_pinned_entries_along(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	usec_t began;

	scene_populate(s, FLOWS);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	guarding_foreign_delete(s, HOST4 "/24");
	began = s->fake->clock;
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	assert_true(s->fake->clock - began < 150 * USEC_PER_MSEC);
	for (uint16_t i = 0; i < FLOWS; i++) {
		struct conn c = scene_tcp(i);

		assert_null(fake_entry_find(s->fake, &c.key));
	}
	assert_true(guarding_status(g).removed >= FLOWS);
	guard_free(g);
}

static void an_address_that_comes_back_keeps_them(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);

	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	guarding_foreign_delete(s, HOST4 "/24");
	fake_advance(s->fake, 5 * USEC_PER_MSEC);
	fake_addr(s->fake, s->dev, HOST4 "/24", "br-mgmt");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guarding_status(g).removed, 0);
	guard_free(g);
}

static void a_new_address_is_guarded_too(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn c =
		scene_flow(IPPROTO_TCP, "10.1.0.9", 5000, SERVER4, 80, "192.168.11.50", 6000);

	guarding_spin(s, g, 2 * USEC_PER_SEC);
	fake_addr(s->fake, s->dev, "192.168.11.50/24", NULL);
	guarding_spin(s, g, USEC_PER_SEC);
	fake_plan_birth(s->fake, s->fake->clock + 1, &c, s->dev);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(fake_entry_find(s->fake, &c.key)->masq, 0);
	guard_free(g);
}

/* The link is down and has taken the address along: it may come back late. */
static void a_link_that_is_down_is_waited_for(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);

	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	s->fake->links[0].up = false;
	guarding_foreign_delete(s, HOST6 "/64");
	guarding_spin(s, g, 5 * USEC_PER_SEC);
	s->fake->links[0].up = true;
	fake_addr(s->fake, s->dev, HOST6 "/64", NULL);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guarding_status(g).removed, 0);
	guard_free(g);
}

static void lost_events_lead_to_reading_again(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct conn c = scene_tcp(900);

	scene_populate(s, FLOWS);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	s->fake->events_lost = 1;
	fake_plan_birth(s->fake, s->fake->clock + 1, &c, s->dev);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).overruns, 1);
	assert_int_equal(guarding_status(g).state, GUARD_LIVE);
	assert_int_equal(fake_entry_find(s->fake, &c.key)->masq, 0);
	guard_free(g);
}

static void an_absent_device_is_waited_for(void **state)
{
	struct scene *s = *state;
	struct device_settings d = { .name = "late0", .pin = PIN_CONTINUOUS };
	struct guard *g;

	assert_int_equal(guard_new(&s->env, &d, &g), 0);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).state, GUARD_ABSENT);
	fake_link_add(s->fake, "late0", NULL);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).state, GUARD_LIVE);
	guard_free(g);
}

static void no_conntrack_is_said(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);

	s->fake->no_conntrack = true;
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).state, GUARD_DEGRADED);
	assert_true(strlen(guarding_status(g).reason) > 0);
	s->fake->no_conntrack = false;
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).state, GUARD_LIVE);
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(everything_there_is_pinned_at_start),
		CASE(without_a_guard_all_are_flushed),
		CASE(what_is_pinned_is_left_alone),
		CASE(new_connections_are_pinned_when_established),
		CASE(an_event_from_before_the_pin_is_old),
		CASE(unpinned_connections_are_restored),
		CASE(on_demand_restores_after_a_foreign_delete),
		CASE(what_came_back_and_was_deleted_stays_away),
		CASE(what_was_deleted_before_the_address_stays_away),
		CASE(it_does_not_spin_while_it_waits),
		CASE(a_foreign_delete_is_told_of),
		CASE(purposeful_deletes_are_respected),
		CASE(a_lost_address_takes_its_pinned_entries_along),
		CASE(an_address_that_comes_back_keeps_them),
		CASE(a_new_address_is_guarded_too),
		CASE(a_link_that_is_down_is_waited_for),
		CASE(lost_events_lead_to_reading_again),
		CASE(an_absent_device_is_waited_for),
		CASE(no_conntrack_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
