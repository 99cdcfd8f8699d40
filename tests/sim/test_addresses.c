/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exactly the address that was meant, and what goes along with it. */
#include <errno.h>
#include <string.h>

#include "lib/scene.h"

#define FLOWS 16

static void conflict_with_another_prefix_is_not_touched(void **state)
{
	struct scene *s = *state;

	fake_addr(s->fake, s->dev, VIP4 "/24", NULL);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/24"));
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, false);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/24"));
	assert_int_equal(s->fake->writes, s->fake->ct_writes + 1);
}

static void several_addresses_one_snapshot(void **state)
{
	struct scene *s = *state;
	unsigned dumps;

	fake_addr(s->fake, s->dev, "192.168.11.101/32", NULL);
	fake_addr(s->fake, s->dev, "192.168.11.102/32", NULL);
	scene_populate(s, FLOWS);
	scene_remember(s);
	s->req.strategy = STRATEGY_PIN;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	dumps = s->fake->dump.calls;
	fake_addr(s->fake, s->dev, VIP4 "/32", NULL);
	scene_move(s, OP_DEL, VIP4 "/32", "192.168.11.101/32", "192.168.11.102/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(s->report.outcomes[i], VIP_CHANGED);
	/* no more dumps than for one address */
	assert_true(s->fake->dump.calls - dumps <= dumps);
	assert_int_equal(fake_count_addrs(s->fake, s->dev), 3);
	assert_int_equal(scene_broken(s, false), 0);
}

static void flows_of_every_leaving_address_go(void **state)
{
	struct scene *s = *state;
	struct conn to_second, to_host;

	fake_addr(s->fake, s->dev, "192.168.11.101/32", NULL);
	to_second = scene_flow(6, "10.1.0.9", 4000, "192.168.11.101", 443, HOST4, 4000);
	to_host = scene_flow(6, "10.1.0.9", 4001, HOST4, 443, HOST4, 4001);
	scene_add(s, &to_second);
	scene_add(s, &to_host);
	scene_move(s, OP_DEL, VIP4 "/32", "192.168.11.101/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.entries.reasons[SKIP_OF_VIP], 1);
	assert_null(fake_entry_find(s->fake, &to_second.key));
	assert_true(scene_works(s, &to_host));
}

/* One of two is gone already: the other one goes, and that is a success. */
static void one_of_two_is_gone_already(void **state)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, "192.168.11.101/32", VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.outcomes[0], VIP_ALREADY);
	assert_int_equal(s->report.outcomes[1], VIP_CHANGED);
	assert_int_equal(scene_broken(s, false), 0);
}

/* The second of two is refused: what is done stays done, and is repaired. */
static void second_address_refused(void **state)
{
	struct scene *s = *state;

	fake_addr(s->fake, s->dev, "192.168.11.101/32", NULL);
	s->fake->addr_del.fault = (struct fake_fault){ 2, UINT32_MAX, -EBUSY };
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", "192.168.11.101/32", NULL);
	assert_true(s->report.exit_code != EXIT_DONE);
	assert_true(strlen(s->report.error) > 0);
	assert_int_equal(s->report.outcomes[1], VIP_FAILED);
	assert_true(fake_has_addr(s->fake, s->dev, "192.168.11.101/32"));
	assert_true(s->report.changed == !fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	/* "nothing changed" must be true where it is said */
	if (s->report.exit_code == EXIT_KERNEL_REFUSED)
		assert_false(s->report.changed);
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_report(s);
}

static void primary_with_secondaries_is_refused(void **state)
{
	struct scene *s = *state;

	fake_addr(s->fake, s->dev, "192.168.11.8/24", "br-mgmt:8");
	scene_populate(s, FLOWS);
	scene_move(s, OP_DEL, HOST4 "/24", NULL);
	scene_expect(s, EXIT_UNSAFE, false);
	assert_int_equal(s->report.result, RESULT_REFUSED);
	assert_non_null(strstr(s->report.error, "192.168.11.8"));
	assert_int_equal(s->fake->writes, 0);
	assert_true(fake_has_addr(s->fake, s->dev, "192.168.11.8/24"));
}

static void plan_says_what_would_be_refused(void **state)
{
	struct scene *s = *state;

	s->req.plan = true;
	fake_addr(s->fake, s->dev, "192.168.11.8/24", "br-mgmt:8");
	scene_move(s, OP_DEL, HOST4 "/24", NULL);
	scene_expect(s, EXIT_UNSAFE, false);
	assert_non_null(strstr(s->report.error, "192.168.11.8"));
	assert_int_equal(s->fake->writes, 0);
}

static void primary_with_secondaries_goes_by_force(void **state)
{
	struct scene *s = *state;

	fake_addr(s->fake, s->dev, "192.168.11.8/24", "br-mgmt:8");
	s->req.force = true;
	scene_move(s, OP_DEL, HOST4 "/24", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_false(fake_has_addr(s->fake, s->dev, HOST4 "/24"));
	assert_false(fake_has_addr(s->fake, s->dev, "192.168.11.8/24"));
}

/* Flows of a secondary that went along are as dead as the primary's own. */
static void flows_of_secondaries_gone_along_are_not_restored(void **state)
{
	struct scene *s = *state;
	struct conn of_secondary, of_vip;

	fake_addr(s->fake, s->dev, "192.168.11.8/24", "br-mgmt:8");
	of_secondary = scene_flow(6, "10.1.0.9", 4000, SERVER4, 443, "192.168.11.8", 4000);
	of_vip = scene_flow(6, "10.1.0.9", 4001, SERVER4, 443, VIP4, 4001);
	scene_add(s, &of_secondary);
	scene_add(s, &of_vip);
	s->req.force = true;
	scene_move(s, OP_DEL, HOST4 "/24", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_null(fake_entry_find(s->fake, &of_secondary.key));
	assert_true(scene_works(s, &of_vip));
}

static void promotion_makes_it_safe(void **state)
{
	struct scene *s = *state;

	s->fake->promote_secondaries = true;
	fake_addr(s->fake, s->dev, "192.168.11.8/24", "br-mgmt:8");
	scene_move(s, OP_DEL, HOST4 "/24", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(fake_has_addr(s->fake, s->dev, "192.168.11.8/24"));
}

/* Secondaries that are to go as well are no reason to refuse. */
static void primary_and_its_secondary_together(void **state)
{
	struct scene *s = *state;

	fake_addr(s->fake, s->dev, "192.168.11.8/24", "br-mgmt:8");
	scene_move(s, OP_DEL, "192.168.11.8/24", HOST4 "/24", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.outcomes[0], VIP_CHANGED);
	assert_int_equal(s->report.outcomes[1], VIP_CHANGED);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
}

static void last_ipv4_address_is_warned_of(void **state)
{
	struct scene *s = *state;

	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_false(scene_warned(s, "last-ipv4-address"));
	s->req.force = true; /* test_insist.c */
	scene_move(s, OP_DEL, HOST4 "/24", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(scene_warned(s, "last-ipv4-address"));
	assert_false(fake_has_addr(s->fake, s->dev, HOST4 "/24"));
}

static void duplicate_address_detection_is_awaited(void **state)
{
	struct scene *s = *state;
	usec_t start = s->fake->clock;

	s->fake->dad_time = 1500 * USEC_PER_MSEC;
	scene_move(s, OP_ADD, "fd00:11::101/64", "dad", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(s->fake->clock - start >= s->fake->dad_time);
}

/* An address somebody else has is no VIP of ours: said, and not announced. */
static void failed_duplicate_address_detection_is_reported(void **state)
{
	struct scene *s = *state;

	scene_populate(s, 40);
	scene_remember(s);
	s->fake->dad_fails = true;
	scene_move(s, OP_ADD, "fd00:11::101/64", "dad", NULL);
	assert_int_equal(s->report.exit_code, EXIT_UNSAFE);
	assert_int_equal(s->fake->n_announced, 0);
	assert_false(fake_has_addr(s->fake, s->dev, "fd00:11::101/64"));
	assert_int_equal(scene_broken(s, false), 0);
}

/* To delete it again flushes like any other delete. */
static void taking_back_without_protection_breaks(void **state)
{
	struct scene *s = *state;

	scene_populate(s, 40);
	scene_remember(s);
	s->fake->dad_fails = true;
	s->req.strategy = STRATEGY_NONE;
	scene_move(s, OP_ADD, "fd00:11::101/64", "dad", NULL);
	assert_false(fake_has_addr(s->fake, s->dev, "fd00:11::101/64"));
	assert_true(scene_broken(s, false) > 0);
	assert_true(scene_warned(s, "taken-back"));
}

static void ipv6_is_usable_at_once_by_default(void **state)
{
	struct scene *s = *state;

	scene_move(s, OP_ADD, "fd00:11::101/128", NULL);
	scene_expect(s, EXIT_DONE, true);
	for (size_t i = 0; i < s->fake->n_addrs; i++)
		assert_false(s->fake->addrs[i].flags & IFADDR_TENTATIVE);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(conflict_with_another_prefix_is_not_touched),
		CASE(several_addresses_one_snapshot),
		CASE(flows_of_every_leaving_address_go),
		CASE(one_of_two_is_gone_already),
		CASE(second_address_refused),
		CASE(primary_with_secondaries_is_refused),
		CASE(plan_says_what_would_be_refused),
		CASE(primary_with_secondaries_goes_by_force),
		CASE(flows_of_secondaries_gone_along_are_not_restored),
		CASE(promotion_makes_it_safe),
		CASE(primary_and_its_secondary_together),
		CASE(last_ipv4_address_is_warned_of),
		CASE(duplicate_address_detection_is_awaited),
		CASE(failed_duplicate_address_detection_is_reported),
		CASE(taking_back_without_protection_breaks),
		CASE(ipv6_is_usable_at_once_by_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
