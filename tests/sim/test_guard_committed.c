/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of another node that conntrackd writes to the table: the guard awaits them, and
 * treats them as what it has pinned itself. */
#include "lib/lingering.h"

#include <netinet/in.h>

#define PEER 77 /* netlink port of conntrackd */

static struct conn replica(uint16_t i)
{
	return scene_flow(IPPROTO_TCP, "10.1.7.7", (uint16_t)(5000 + i), SERVER4, 443, OTHER4,
			  (uint16_t)(30000 + i));
}

static void commit(struct scene *s, uint32_t by)
{
	for (uint16_t i = 0; i < FLOWS; i++) {
		struct conn c = replica(i);

		if (!fake_entry_find(s->fake, &c.key))
			assert_non_null(fake_entry_add(s->fake, &c, NULL, 0, 400));
		assert_int_equal(fake_pin_by(s->fake, &c.key, by), 0);
	}
}

static size_t there(const struct scene *s)
{
	size_t n = 0;

	for (uint16_t i = 0; i < FLOWS; i++) {
		struct conn c = replica(i);

		n += fake_entry_find(s->fake, &c.key) != NULL;
	}
	return n;
}

static enum protection protection(const struct scene *s, const struct guard *g)
{
	struct conn c = replica(0);

	c.id = fake_entry_find(s->fake, &c.key)->conn.id;
	return guard_protection(g, &c);
}

static void awaits(struct guard *g)
{
	struct addr a;

	assert_int_equal(addr_parse(OTHER4, &a), 0);
	guard_await(g, &a);
}

/* conntrackd does not tell the port of SCTP: the kernel has chosen one. */
static void what_may_have_another_port_is_counted(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_flow(IPPROTO_SCTP, "10.1.7.7", 5000, SERVER4, 443, OTHER4, 20000);
	struct guard *g = lingering_new(s, PIN_CONTINUOUS, LINGER);

	guarding_spin(s, g, 2 * USEC_PER_SEC);
	awaits(g);
	assert_non_null(fake_entry_add(s->fake, &c, NULL, 0, 400));
	assert_int_equal(fake_pin_by(s->fake, &c.key, PEER), 0);
	commit(s, PEER);
	guarding_spin(s, g, 50 * USEC_PER_MSEC);
	assert_int_equal(guarding_status(g).committed, FLOWS + 1);
	assert_int_equal(guarding_status(g).unsure, 1);
	guard_free(g);
}

static void begin(struct scene *s, struct guard **ret)
{
	*ret = lingering_new(s, PIN_CONTINUOUS, LINGER);
	s->fake->flush4 = s->fake->flush6 = FLUSH_ADDRESS;
	guarding_spin(s, *ret, 2 * USEC_PER_SEC);
	awaits(*ret);
	commit(s, PEER);
	guarding_spin(s, *ret, 50 * USEC_PER_MSEC);
}

static void what_is_committed_is_as_good_as_pinned(void **state)
{
	for (unsigned create_is_new = 0; create_is_new < 2; create_is_new++) {
		struct scene *s = *state;
		struct guard *g;

		s->fake->create_is_update = !create_is_new;
		begin(s, &g);
		assert_int_equal(guarding_status(g).pinned, FLOWS);
		fake_addr(s->fake, s->dev, OTHER4 "/24", "");
		guard_await(g, NULL);
		guarding_spin(s, g, 6 * USEC_PER_SEC);
		assert_int_equal(guarding_status(g).pins, 0);
		assert_int_equal(protection(s, g), PROTECTION_COMMITTED);
		/* and goes as what is pinned does */
		assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
		guarding_spin(s, g, LINGER - USEC_PER_SEC);
		assert_int_equal(there(s), FLOWS);
		guarding_spin(s, g, 2 * USEC_PER_SEC);
		assert_int_equal(there(s), 0);
		assert_int_equal(guarding_status(g).removed, FLOWS);
		guard_free(g);
	}
}

/* BACKUP comes before the address has come. */
static void an_address_may_not_come(void **state)
{
	struct scene *s = *state;
	struct guard *g;

	begin(s, &g);
	guard_await(g, NULL);
	guarding_spin(s, g, LINGER - USEC_PER_SEC);
	assert_int_equal(there(s), FLOWS);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(there(s), 0);
	guard_free(g);
}

static void a_guard_after_a_kill_knows_them(void **state)
{
	struct scene *s = *state;
	struct guard *g;

	begin(s, &g);
	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	guard_await(g, NULL);
	guarding_spin(s, g, USEC_PER_SEC);
	guard_free(g);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	g = lingering_new(s, PIN_CONTINUOUS, LINGER);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, FLOWS);
	assert_int_equal(protection(s, g), PROTECTION_LINGERING);
	guarding_spin(s, g, LINGER + USEC_PER_SEC);
	assert_int_equal(there(s), 0);
	guard_free(g);
}

/* Of what comes by itself, or is not awaited, nothing is taken for a replica. */
static void others_are_pinned(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_new(s, PIN_CONTINUOUS, LINGER);

	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	commit(s, PEER);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pins, FLOWS);
	assert_int_equal(protection(s, g), PROTECTION_PINNED);
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_committed_is_as_good_as_pinned), CASE(an_address_may_not_come),
		CASE(a_guard_after_a_kill_knows_them),	      CASE(others_are_pinned),
		CASE(what_may_have_another_port_is_counted),
	};

	return cmocka_run_group_tests_name("guard_committed", tests, NULL, NULL);
}
