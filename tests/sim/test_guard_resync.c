/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After lost events the table is read again in steps. What happens between them is known in
 * the end as well, and an address that goes meanwhile breaks nothing. */
#include "lib/guarding.h"

#include <string.h>

#include "../lib/random.h"

#define FLOWS 1000

/* What the longest call may take. */
#define CALL_MAX (5 * USEC_PER_MSEC)

/* The caller's other work. */
#define BETWEEN USEC_PER_MSEC

static struct guard *resync_guard(struct scene *s, enum pin_mode mode)
{
	struct guard *g = guarding_new(s, mode);

	scene_populate(s, FLOWS);
	scene_remember(s);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	s->fake->entry_cost = 9;
	return g;
}

/* One round of the caller's loop; no call takes long. */
static void resync_round(struct scene *s, struct guard *g)
{
	usec_t at = s->fake->clock;

	guard_ready(g);
	assert_true(s->fake->clock - at <= CALL_MAX);
	at = s->fake->clock;
	(void)guard_tick(g);
	assert_true(s->fake->clock - at <= CALL_MAX);
	fake_advance(s->fake, BETWEEN);
}

/* Events are lost, and it has begun to read the table, with STEPS steps done. */
static void resync_begin(struct scene *s, struct guard *g, unsigned steps)
{
	s->fake->events_lost = 1;
	for (int i = 0; i < 1000 && guarding_status(g).state != GUARD_SYNCING; i++)
		resync_round(s, g);
	while (steps--)
		resync_round(s, g);
	assert_int_equal(guarding_status(g).state, GUARD_SYNCING);
}

static void resync_end(struct scene *s, struct guard *g)
{
	for (int i = 0; i < 1000 && guarding_status(g).state != GUARD_LIVE; i++)
		resync_round(s, g);
	assert_int_equal(guarding_status(g).state, GUARD_LIVE);
}

struct compared {
	const struct scene *s;
	size_t n;
};

static int resync_compare(void *ud, const struct conn_key *key, uint32_t id, bool pinned _unused_)
{
	struct compared *c = ud;
	const struct fake_entry *e = fake_entry_find(c->s->fake, key);

	assert_non_null(e);
	assert_int_equal(e->conn.id, id);
	c->n++;
	return 0;
}

/* It knows every entry of the device, and no other. */
static void resync_check(const struct scene *s, const struct guard *g)
{
	struct compared c = { .s = s };

	assert_int_equal(guard_each(g, resync_compare, &c), 0);
	assert_int_equal(c.n, s->fake->n_entries);
}

/* A request and the watchdog have their turn at least so often while the table is read. */
static void a_large_table_holds_nobody_up(void **state)
{
	struct scene *s = *state;
	struct guard *g = resync_guard(s, PIN_ON_DEMAND);
	unsigned answered = 0;

	resync_begin(s, g, 0);
	for (; guarding_status(g).state == GUARD_SYNCING; answered++) {
		struct conn c = scene_tcp((uint16_t)(answered % FLOWS));

		resync_round(s, g);
		assert_int_equal(guard_protection(g, &fake_entry_find(s->fake, &c.key)->conn),
				 PROTECTION_UNPINNED);
	}
	assert_int_equal(guarding_status(g).state, GUARD_LIVE);
	assert_true(answered >= s->fake->n_entries * s->fake->entry_cost / CALL_MAX);
	assert_int_equal(guarding_status(g).relists, 2);
	resync_check(s, g);
	guard_free(g);
}

static void resync_change(struct scene *s, struct rnd *r)
{
	struct conn c = scene_tcp((uint16_t)rnd(r, 2 * FLOWS));
	struct fake_entry *e = fake_entry_find(s->fake, &c.key);

	if (!e)
		fake_tell(s->fake, scene_add(s, &c));
	else if (rnd(r, 4))
		assert_int_equal(fake_delete_by(s->fake, &c.key, rnd(r, 2) ? 4711 : 0), 0);
	else
		fake_tell(s->fake, e);
	if (e && rnd(r, 3) == 0 && !fake_entry_find(s->fake, &c.key))
		fake_tell(s->fake, scene_add(s, &c)); /* anew, with another id */
}

static void resync_changing(void **state, enum pin_mode mode)
{
	struct rnd r = rnd_begin("what_happens_between_the_steps_is_known");

	for (unsigned round = 0; round < 5; round++) {
		struct scene *s;
		struct guard *g;

		scene_teardown(state);
		scene_setup(state);
		s = *state;
		g = resync_guard(s, mode);
		resync_begin(s, g, 0);
		while (guarding_status(g).state == GUARD_SYNCING) {
			for (unsigned n = rnd(&r, 200); n--;)
				resync_change(s, &r);
			resync_round(s, g);
		}
		guarding_spin(s, g, USEC_PER_SEC);
		resync_check(s, g);
		assert_int_equal(guarding_status(g).relists, 2);
		guard_free(g);
	}
}

static void what_happens_between_the_steps_is_known(void **state)
{
	resync_changing(state, PIN_ON_DEMAND);
}

static void and_if_all_is_pinned(void **state)
{
	resync_changing(state, PIN_CONTINUOUS);
}

/* A piece of the listing tells what the connection was before: it is pinned all the same. */
static void a_change_is_not_undone_by_an_older_piece(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarding_new(s, PIN_CONTINUOUS);
	struct fake_entry *e;
	struct conn c;

	for (uint16_t i = 0; i < 100; i++) {
		c = scene_tcp(i);
		c.status &= ~(uint32_t)CONN_ASSURED;
		c.tcp_state = CONN_TCP_SYN_RECV;
		scene_add(s, &c);
	}
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, 0);
	s->fake->entry_cost = 9;
	resync_begin(s, g, 0);
	for (uint16_t i = 0; i < 100; i++) {
		c = scene_tcp(i);
		e = fake_entry_find(s->fake, &c.key);
		e->conn.status |= CONN_ASSURED;
		e->conn.tcp_state = CONN_TCP_ESTABLISHED;
		fake_tell(s->fake, e);
	}
	guard_ready(g);
	assert_int_equal(guarding_status(g).state, GUARD_SYNCING);
	resync_end(s, g);
	s->fake->entry_cost = 0;
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, 100);
	guard_free(g);
}

/* Events are lost while it reads: once more. */
static void more_events_are_lost_meanwhile(void **state)
{
	struct scene *s = *state;
	struct guard *g = resync_guard(s, PIN_ON_DEMAND);

	resync_begin(s, g, 1);
	for (uint16_t i = 0; i < 50; i++) {
		struct conn c = scene_tcp(i);

		assert_int_equal(fake_delete_by(s->fake, &c.key, 0), 0);
	}
	s->fake->n_events = 0;
	s->fake->events_lost = 1;
	resync_end(s, g);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).relists, 3);
	assert_int_equal(guarding_status(g).overruns, 2);
	resync_check(s, g);
	guard_free(g);
}

/* Reading waits until the repair is over. */
static void an_address_goes_meanwhile(void **state)
{
	for (unsigned steps = 0; steps < 4; steps++) {
		struct scene *s;
		struct guard *g;

		scene_teardown(state);
		scene_setup(state);
		s = *state;
		g = resync_guard(s, PIN_ON_DEMAND);
		resync_begin(s, g, steps);
		guarding_foreign_delete(s, VIP4 "/32");
		assert_true(scene_broken(s, false) >= FLOWS);
		s->fake->entry_cost = 0;
		guarding_spin(s, g, 4 * USEC_PER_SEC);
		assert_int_equal(scene_broken(s, false), 0);
		assert_int_equal(guarding_status(g).lost, 0);
		assert_int_equal(guarding_status(g).state, GUARD_LIVE);
		resync_check(s, g);
		guard_free(g);
	}
}

/* The control: what is known is out of date, so it is not put back. */
static void an_address_goes_before(void **state)
{
	struct scene *s = *state;
	struct guard *g = resync_guard(s, PIN_ON_DEMAND);

	s->fake->events_lost = 1;
	guard_ready(g);
	assert_int_equal(guarding_status(g).state, GUARD_STALE);
	guarding_foreign_delete(s, VIP4 "/32");
	s->fake->entry_cost = 0;
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	assert_true(scene_broken(s, false) >= FLOWS);
	guard_free(g);
}

/* Connections whose end was not told of, and that the listing has not come to: a repair must not
 * bring them back. */
static void the_dead_stay_dead(void **state)
{
	struct scene *s = *state;
	struct guard *g = resync_guard(s, PIN_ON_DEMAND);

	for (uint16_t i = FLOWS - 50; i < FLOWS; i++) {
		struct conn c = scene_tcp(i);

		assert_int_equal(fake_delete_by(s->fake, &c.key, 0), 0);
	}
	s->fake->n_events = 0;
	resync_begin(s, g, 1);
	guarding_foreign_delete(s, VIP4 "/32");
	s->fake->entry_cost = 0;
	guarding_spin(s, g, 4 * USEC_PER_SEC);
	for (uint16_t i = FLOWS - 50; i < FLOWS; i++) {
		struct conn c = scene_tcp(i);

		assert_null(fake_entry_find(s->fake, &c.key));
	}
	assert_int_equal(scene_broken(s, false), 50);
	resync_check(s, g);
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_large_table_holds_nobody_up),
		CASE(what_happens_between_the_steps_is_known),
		CASE(and_if_all_is_pinned),
		CASE(a_change_is_not_undone_by_an_older_piece),
		CASE(more_events_are_lost_meanwhile),
		CASE(an_address_goes_meanwhile),
		CASE(an_address_goes_before),
		CASE(the_dead_stay_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
