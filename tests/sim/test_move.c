/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main promise: an address goes, everybody else's flows stay; and where
 * nothing is to be done nothing is written. */
#include <string.h>

#include "lib/scene.h"

#define FLOWS 64

/* Control: the same node, the same table, the same delete without vipsafe. */
static void without_vipsafe_flows_break(void **state)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	scene_remember(s);
	assert_int_equal(fake_addr_del(s->fake, s->dev, VIP4 "/32"), 0);
	/* IPv4 masqueraded: pods and local ones. Not: IPv6, static NAT. */
	assert_int_equal(scene_broken(s, false), FLOWS + FLOWS / 4);
}

static void del_keeps_unrelated_flows(void **state)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.result, RESULT_OK);
	assert_int_equal(s->report.kernel, KERNEL_AFFECTED);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_true(fake_has_addr(s->fake, s->dev, HOST4 "/24"));
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_restored(s);
	/* the fake's flush really took place, or a pin made it find nothing */
	assert_int_equal(s->fake->flushed + s->report.entries.pinned, FLOWS + FLOWS / 4);
	assert_int_equal(s->report.entries.flushed, s->fake->flushed);
	assert_int_equal(s->report.entries.restored, s->fake->flushed);
}

static void del_ipv6_keeps_unrelated_flows(void **state)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP6 "/128", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_false(fake_has_addr(s->fake, s->dev, VIP6 "/128"));
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_restored(s);
}

static void alternative_device_name_is_accepted(void **state)
{
	struct scene *s = *state;

	s->fake->short_attributes = false;
	scene_populate(s, 8);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	fake_addr(s->fake, s->dev, VIP4 "/32", NULL);
	strcpy(s->req.device, "mgmt0");
	scene_run(s);
	scene_expect(s, EXIT_DONE, true);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(scene_broken(s, false), 0);
}

/* What old kernels do not know is said in words. */
static void what_an_old_kernel_does_not_know_is_said(void **state)
{
	struct scene *s = *state;

	s->fake->short_attributes = true;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	strcpy(s->req.device, "the-management-network");
	scene_run(s);
	assert_int_equal(s->report.exit_code, EXIT_KERNEL_REFUSED);
	assert_non_null(strstr(s->report.error, "no alternative names"));
	scene_move(s, OP_ADD, VIP4 "/32", NULL);
	assert_false(scene_warned(s, "metric-ignored"));
	for (unsigned knows = 0; knows < 2; knows++) {
		assert_int_equal(fake_addr_del(s->fake, s->dev, VIP4 "/32"), 0);
		s->fake->short_attributes = !knows;
		s->req.vips[0].metric = 100;
		s->req.vips[0].extra.proto = 77;
		s->req.vips[0].extra.autojoin = true;
		scene_run(s);
		scene_expect(s, EXIT_DONE, true);
		assert_int_equal(scene_warned(s, "metric-ignored"), !knows);
		assert_int_equal(scene_warned(s, "proto-ignored"), !knows);
		assert_int_equal(scene_warned(s, "autojoin-ignored"), !knows);
	}
}

#define PEER_ONE "10.0.0.1"
#define PEER_TWO "10.0.0.2"

static void with_peer(struct scene *s, const char *peer)
{
	s->req.vips[0].extra = (struct vip_extra){ 0 };
	if (peer)
		assert_int_equal(addr_parse(peer, &s->req.vips[0].extra.peer), 0);
	scene_run(s);
}

/* IPv4 has an address once for each peer. */
static void an_address_is_told_from_itself_by_its_peer(void **state)
{
	struct scene *s = *state;
	struct addr one;

	scene_populate(s, 8);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->req.op = OP_ADD;
	with_peer(s, PEER_ONE);
	scene_expect(s, EXIT_DONE, true);
	with_peer(s, PEER_ONE);
	scene_expect(s, EXIT_DONE, false);
	with_peer(s, PEER_TWO);
	scene_expect(s, EXIT_DONE, true);
	assert_true(scene_warned(s, "other-holder"));
	s->req.op = OP_DEL;
	with_peer(s, "10.0.0.3");
	scene_expect(s, EXIT_DONE, false);
	with_peer(s, NULL);
	assert_int_equal(s->report.exit_code, EXIT_UNSAFE);
	assert_non_null(strstr(s->report.error, "several peers, " PEER_ONE " and " PEER_TWO));
	with_peer(s, PEER_TWO);
	scene_expect(s, EXIT_DONE, true);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	/* there is only one now */
	with_peer(s, NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(addr_parse(PEER_ONE, &one), 0);
	assert_true(addr_equal(&s->report.extra[0].peer, &one));
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(scene_broken(s, false), 0);
}

static void unknown_kernel_is_treated_as_affected(void **state)
{
	struct scene *s = *state;

	s->fake->probe4 = s->fake->probe6 = KERNEL_UNKNOWN;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.kernel, KERNEL_UNKNOWN);
	assert_int_equal(scene_broken(s, false), 0);
}

/* A wrong probe answer must cost nothing either: the flush is seen by the
 * verification when a strategy is asked for. */
static void forced_restore_works_whatever_the_probe_said(void **state)
{
	struct scene *s = *state;

	s->fake->probe4 = s->fake->probe6 = KERNEL_FIXED;
	s->req.strategy = STRATEGY_RESTORE;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.strategy, STRATEGY_RESTORE);
	assert_int_equal(s->report.entries.restored, FLOWS + FLOWS / 4);
	assert_int_equal(scene_broken(s, false), 0);
}

/* Left to itself it may believe the answer, but not against what it sees. */
static void wrong_probe_answer_is_not_hidden(void **state)
{
	struct scene *s = *state;

	s->fake->probe4 = s->fake->probe6 = KERNEL_FIXED;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	scene_check_report(s);
	if (scene_broken(s, false))
		assert_true(s->report.exit_code == EXIT_PARTIAL ||
			    s->report.exit_code == EXIT_UNPROTECTED);
}

static void fixed_kernel_needs_no_conntrack_write(void **state)
{
	struct scene *s = *state;

	s->fake->flush4 = s->fake->flush6 = FLUSH_ADDRESS;
	s->fake->probe4 = s->fake->probe6 = KERNEL_FIXED;
	s->req.strategy = STRATEGY_AUTO;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.kernel, KERNEL_FIXED);
	assert_int_equal(s->report.strategy, STRATEGY_NONE);
	assert_int_equal(s->fake->ct_writes, 0);
	assert_int_equal(s->fake->writes, 1);
	assert_int_equal(scene_broken(s, false), 0);
}

static void strategy_none_does_not_protect(void **state)
{
	struct scene *s = *state;

	s->req.strategy = STRATEGY_NONE;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_true(s->report.changed);
	assert_int_equal(s->report.strategy, STRATEGY_NONE);
	assert_int_equal(s->fake->ct_writes, 0);
	assert_int_equal(scene_broken(s, false), FLOWS + FLOWS / 4);
	scene_check_report(s);
}

static void second_delete_writes_nothing(void **state)
{
	struct scene *s = *state;
	unsigned writes;

	scene_populate(s, FLOWS);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	writes = s->fake->writes;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, false);
	assert_int_equal(s->report.outcomes[0], VIP_ALREADY);
	assert_int_equal(s->fake->writes, writes);
	assert_int_equal(scene_leftovers(s, NULL), 0);
}

static void second_add_writes_nothing(void **state)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_ADD, "192.168.11.101/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.outcomes[0], VIP_CHANGED);
	assert_true(fake_has_addr(s->fake, s->dev, "192.168.11.101/32"));
	assert_int_equal(s->fake->writes, 1);
	scene_move(s, OP_ADD, "192.168.11.101/32", NULL);
	scene_expect(s, EXIT_DONE, false);
	assert_int_equal(s->report.outcomes[0], VIP_ALREADY);
	assert_int_equal(s->fake->writes, 1);
	assert_int_equal(scene_broken(s, false), 0);
}

static void plan_del_writes_nothing_and_counts(void **state)
{
	struct scene *s = *state;

	s->req.plan = true;
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, false);
	assert_true(s->report.plan);
	assert_int_equal(s->fake->writes, 0);
	assert_int_equal(s->fake->n_announced, 0);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_true(s->report.entries.candidates >= FLOWS + FLOWS / 4);
	assert_true(s->report.timing.expected_gap > 0);
	assert_int_equal(s->report.entries.flushed, 0);
	assert_int_equal(scene_leftovers(s, NULL), 0);
	assert_int_equal(scene_broken(s, false), 0);
}

/* The address may be on the other node: what would be if it came is to be known before. */
static void plan_del_of_what_is_not_there_counts_as_if(void **state)
{
	struct scene *s = *state;
	uint64_t candidates;

	s->req.plan = true;
	scene_populate(s, FLOWS);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	candidates = s->report.entries.candidates;
	assert_true(report_would_change(&s->report));
	assert_true(s->report.preview.exposed >= FLOWS);
	scene_move(s, OP_DEL, "192.168.11.99/32", NULL);
	scene_expect(s, EXIT_DONE, false);
	assert_int_equal(s->report.outcomes[0], VIP_ALREADY);
	assert_false(report_would_change(&s->report));
	assert_true(s->report.entries.candidates >= candidates);
	assert_int_equal(s->fake->writes, 0);
}

static void plan_add_writes_nothing(void **state)
{
	struct scene *s = *state;

	s->req.plan = true;
	scene_move(s, OP_ADD, "192.168.11.101/32", NULL);
	scene_expect(s, EXIT_DONE, false);
	assert_int_equal(s->fake->writes, 0);
	assert_int_equal(s->fake->n_announced, 0);
	assert_false(fake_has_addr(s->fake, s->dev, "192.168.11.101/32"));
}

/* The timing in the report is the clock's, stage by stage. */
static void timing_adds_up(void **state)
{
	struct scene *s = *state;
	usec_t start, parts;

	s->fake->entry_cost = 3;
	s->fake->delete_cost = 5 * USEC_PER_MSEC;
	scene_populate(s, FLOWS);
	start = s->fake->clock;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	parts = s->report.timing.snapshot + s->report.timing.move + s->report.timing.verify +
		s->report.timing.restore + s->report.timing.pin;
	assert_true(s->report.timing.move >= 5 * USEC_PER_MSEC);
	assert_true(s->report.timing.snapshot >= 3 * FLOWS);
	assert_true(s->report.timing.total >= parts);
	assert_true(s->report.timing.total <= s->fake->clock - start);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(without_vipsafe_flows_break),
		CASE(del_keeps_unrelated_flows),
		CASE(del_ipv6_keeps_unrelated_flows),
		CASE(alternative_device_name_is_accepted),
		CASE(what_an_old_kernel_does_not_know_is_said),
		CASE(an_address_is_told_from_itself_by_its_peer),
		CASE(unknown_kernel_is_treated_as_affected),
		CASE(forced_restore_works_whatever_the_probe_said),
		CASE(wrong_probe_answer_is_not_hidden),
		CASE(fixed_kernel_needs_no_conntrack_write),
		CASE(strategy_none_does_not_protect),
		CASE(second_delete_writes_nothing),
		CASE(second_add_writes_nothing),
		CASE(plan_del_writes_nothing_and_counts),
		CASE(plan_del_of_what_is_not_there_counts_as_if),
		CASE(plan_add_writes_nothing),
		CASE(timing_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
