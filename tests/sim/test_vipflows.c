/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flows of the leaving address itself: dropped as a fixed kernel would,
 * kept as if it stayed, or reset before it goes. */
#include "lib/scene.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define OTHERS 60
#define BEHIND 20

/* Pod flows the far end sees as the VIP. */
static struct conn behind(uint16_t n)
{
	char src[32];

	snprintf(src, sizeof(src), "10.1.7.%u", 1 + n);
	return scene_flow(IPPROTO_TCP, src, (uint16_t)(40000 + n), SERVER4, 8899, VIP4,
			  (uint16_t)(3000 + n));
}

/* Every second flow behind the VIP was created by vipsafe earlier: the kernel
 * will not remove it. */
static void vip_scene(struct scene *s, enum vip_flows policy)
{
	s->req.vip_flows = policy;
	s->req.strategy = STRATEGY_AUTO;
	s->req.hold = HOLD_AUTO;
	s->fake->call_cost = 20;
	scene_populate(s, OTHERS);
	for (uint16_t i = 0; i < BEHIND; i++) {
		struct conn c = behind(i);

		scene_add(s, &c)->masq = i % 2 ? s->dev : 0;
	}
	scene_remember(s);
}

static void on_fixed_kernel(struct scene *s)
{
	s->fake->flush4 = FLUSH_ADDRESS;
	s->fake->probe4 = KERNEL_FIXED;
}

static size_t behind_left(const struct scene *s)
{
	size_t n = 0;

	for (uint16_t i = 0; i < BEHIND; i++) {
		struct conn c = behind(i);

		n += fake_entry_find(s->fake, &c.key) != NULL;
	}
	return n;
}

static size_t behind_working(const struct scene *s)
{
	size_t n = 0;

	for (uint16_t i = 0; i < BEHIND; i++) {
		struct conn c = behind(i);

		n += scene_works(s, &c);
	}
	return n;
}

/* A flow to the VIP is nobody's business: untouched, as the kernel leaves it. */
static struct conn to_vip(void)
{
	return scene_flow(IPPROTO_TCP, "10.9.9.9", 5555, VIP4, 80, "10.9.9.9", 5555);
}

static void drop_and_check(struct scene *s)
{
	struct conn c = to_vip();

	scene_add(s, &c)->masq = 0;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(behind_left(s), 0);
	assert_int_equal(scene_broken(s, true), 0);
	assert_true(scene_works(s, &c));
	assert_int_equal(s->report.vip_flows.policy, VIP_FLOWS_DROP);
	assert_int_equal(s->report.vip_flows.removed, BEHIND);
	assert_int_equal(s->report.entries.reasons[SKIP_OF_VIP], BEHIND + 1);
	assert_int_equal(s->fake->n_closed, 0);
	assert_int_equal(s->fake->n_reset, 0);
}

static void drop_takes_exactly_the_flows_behind_it(void **state)
{
	struct scene *s = *state;

	vip_scene(s, VIP_FLOWS_DROP);
	drop_and_check(s);
}

/* One of two cannot be deleted: it stays, and so do the flows behind it. */
static void drop_spares_an_address_that_could_not_go(void **state)
{
	struct scene *s = *state;

	vip_scene(s, VIP_FLOWS_DROP);
	on_fixed_kernel(s); /* where nothing would bring them back */
	fake_addr(s->fake, s->dev, "192.168.11.101/32", NULL);
	s->fake->addr_del.fault = (struct fake_fault){ 2, 1, -EBUSY };
	scene_move(s, OP_DEL, "192.168.11.101/32", VIP4 "/32", NULL);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_false(fake_has_addr(s->fake, s->dev, "192.168.11.101/32"));
	scene_expect(s, EXIT_PARTIAL, true);
	assert_int_equal(behind_working(s), BEHIND);
	assert_int_equal(s->report.vip_flows.removed, 0);
	assert_int_equal(scene_broken(s, false), 0);
}

static void drop_on_a_fixed_kernel_takes_ours_too(void **state)
{
	struct scene *s = *state;

	vip_scene(s, VIP_FLOWS_DROP);
	on_fixed_kernel(s);
	drop_and_check(s);
	assert_int_equal(s->fake->created, 0);
}

/* The control: without vipsafe the ones it had created stay behind. */
static void a_bare_delete_leaves_ours(void **state)
{
	struct scene *s = *state;

	vip_scene(s, VIP_FLOWS_DROP);
	on_fixed_kernel(s);
	assert_int_equal(fake_addr_del(s->fake, s->dev, VIP4 "/32"), 0);
	assert_int_equal(behind_left(s), BEHIND / 2);
}

static void drop_spares_an_address_that_stays(void **state)
{
	struct scene *s = *state;

	vip_scene(s, VIP_FLOWS_DROP);
	fake_addr(s->fake, s->dev, VIP4 "/24", NULL);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(behind_working(s), BEHIND);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(s->report.vip_flows.removed, 0);
	assert_int_equal(s->report.entries.reasons[SKIP_OF_VIP], 0);
}

/* Born between the last pin and the delete, where no flush takes it. */
static void birth_behind(struct scene *s, const char *stage)
{
	struct conn c = behind(BEHIND);

	if (!strcmp(stage, "move")) {
		fake_plan_birth(s->fake, s->fake->clock, &c, 0);
		fake_advance(s->fake, 1);
	}
}

static void drop_takes_what_was_born_until_it_went(void **state)
{
	struct scene *s = *state;
	struct conn c = behind(BEHIND);

	vip_scene(s, VIP_FLOWS_DROP);
	s->on_stage = birth_behind;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->on_stage = NULL;
	scene_expect(s, EXIT_DONE, true);
	assert_null(fake_entry_find(s->fake, &c.key));
	assert_int_equal(behind_left(s), 0);
	assert_int_equal(s->report.vip_flows.removed, BEHIND + 1);
	assert_int_equal(scene_broken(s, true), 0);
}

static void events_fail_after_the_move(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "drop"))
		s->fake->events_error = -EIO;
}

static void drop_takes_what_is_known_without_events(void **state)
{
	struct scene *s = *state;

	vip_scene(s, VIP_FLOWS_DROP);
	s->on_stage = events_fail_after_the_move;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->on_stage = NULL;
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(behind_left(s), 0);
	assert_int_equal(scene_broken(s, true), 0);
}

static void drop_waits_for_a_late_flush(void **state)
{
	struct scene *s = *state;

	s->fake->flush_after = 30 * USEC_PER_MSEC;
	vip_scene(s, VIP_FLOWS_DROP);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	fake_advance(s->fake, USEC_PER_SEC);
	assert_int_equal(behind_left(s), 0);
	assert_int_equal(scene_broken(s, true), 0);
	assert_int_equal(s->report.vip_flows.removed, BEHIND);
}

static void refused_delete_drops_nothing(void **state)
{
	struct scene *s = *state;

	vip_scene(s, VIP_FLOWS_DROP);
	s->fake->addr_del.fault = (struct fake_fault){ .nth = 1, .error = -EBUSY };
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_int_equal(s->report.exit_code, EXIT_KERNEL_REFUSED);
	assert_int_equal(behind_working(s), BEHIND);
	assert_int_equal(s->report.vip_flows.removed, 0);
}

static void plan_drops_and_resets_nothing(void **state)
{
	struct scene *s = *state;

	vip_scene(s, VIP_FLOWS_RESET);
	s->req.plan = true;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_int_equal(behind_working(s), BEHIND);
	assert_int_equal(s->fake->writes, 0);
	assert_int_equal(s->fake->n_closed, 0);
	assert_int_equal(s->fake->n_reset, 0);
}

/* Away and back again: everybody goes on as before. */
static void keep_and_check(struct scene *s)
{
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.vip_flows.policy, VIP_FLOWS_KEEP);
	assert_int_equal(s->report.vip_flows.removed, 0);
	assert_int_equal(s->report.entries.reasons[SKIP_OF_VIP], 0);
	assert_true(s->report.entries.candidates >= OTHERS + BEHIND);
	fake_advance(s->fake, 2 * USEC_PER_SEC);
	assert_int_equal(behind_working(s), BEHIND);
	s->req.strategy = STRATEGY_AUTO;
	scene_move(s, OP_ADD, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	fake_advance(s->fake, 2 * USEC_PER_SEC);
	assert_int_equal(behind_working(s), BEHIND);
	assert_int_equal(scene_broken(s, false), 0);
}

static void keep_on_an_affected_kernel(void **state)
{
	struct scene *s = *state;

	vip_scene(s, VIP_FLOWS_KEEP);
	keep_and_check(s);
}

static void keep_on_a_fixed_kernel(void **state)
{
	struct scene *s = *state;

	vip_scene(s, VIP_FLOWS_KEEP);
	on_fixed_kernel(s);
	keep_and_check(s);
}

static void keep_with_a_late_flush_and_without_a_pin(void **state)
{
	struct scene *s = *state;

	s->fake->flush_after = 30 * USEC_PER_MSEC;
	vip_scene(s, VIP_FLOWS_KEEP);
	on_fixed_kernel(s);
	s->req.strategy = STRATEGY_RESTORE;
	keep_and_check(s);
}

static void reset_comes_before_the_address_goes(void **state)
{
	struct scene *s = *state;
	struct addr vip;

	vip_scene(s, VIP_FLOWS_RESET);
	s->fake->no_sock_destroy = false;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(addr_parse(VIP4, &vip), 0);
	assert_int_equal(s->fake->n_closed, 1);
	assert_true(addr_equal(&s->fake->closed[0], &vip));
	assert_int_equal(s->fake->deletes_before_close, 0);
	assert_int_equal(s->fake->deletes_before_reset, 0);
	assert_int_equal(s->fake->addr_del.calls, 1);
	assert_true(s->fake->reset_for >= USEC_PER_SEC);
	assert_true(s->fake->reset_for <= 60 * USEC_PER_SEC);
	assert_int_equal(s->fake->n_reset, BEHIND);
	for (uint16_t i = 0; i < BEHIND; i++) {
		struct conn c = behind(i);
		size_t hits = 0;

		for (size_t j = 0; j < s->fake->n_reset; j++)
			hits += conn_key_equal(&s->fake->reset[j], &c.key);
		assert_int_equal(hits, 1);
	}
	/* and then they are dropped like any */
	assert_int_equal(behind_left(s), 0);
	assert_int_equal(s->report.vip_flows.removed, BEHIND);
	assert_int_equal(scene_broken(s, true), 0);
}

static void reset_closes_for_each_leaving_address(void **state)
{
	struct scene *s = *state;

	vip_scene(s, VIP_FLOWS_RESET);
	s->fake->no_sock_destroy = false;
	/* this one stays on with another prefix */
	fake_addr(s->fake, s->dev, "192.168.11.101/32", NULL);
	fake_addr(s->fake, s->dev, "192.168.11.101/24", NULL);
	scene_move(s, OP_DEL, VIP4 "/32", VIP6 "/128", "192.168.11.101/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->n_closed, 2);
	assert_true(s->fake->closed[0].family != s->fake->closed[1].family);
}

static void reset_without_means_is_said(void **state)
{
	struct scene *s = *state;

	vip_scene(s, VIP_FLOWS_RESET);
	s->fake->no_hold = true;
	s->fake->no_sock_destroy = true;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(scene_warned(s, "sockets-not-reset"));
	assert_true(scene_warned(s, "flows-not-reset"));
	assert_int_equal(behind_left(s), 0);
	assert_int_equal(scene_broken(s, true), 0);
}

static void nothing_to_reset_makes_no_rule(void **state)
{
	struct scene *s = *state;

	s->req.vip_flows = VIP_FLOWS_RESET;
	s->fake->no_hold = true;
	s->fake->no_sock_destroy = false;
	scene_populate(s, OTHERS);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->n_closed, 1);
	assert_int_equal(s->fake->n_reset, 0);
	assert_false(scene_warned(s, "flows-not-reset"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(drop_takes_exactly_the_flows_behind_it),
		CASE(drop_spares_an_address_that_could_not_go),
		CASE(drop_on_a_fixed_kernel_takes_ours_too),
		CASE(a_bare_delete_leaves_ours),
		CASE(drop_spares_an_address_that_stays),
		CASE(drop_takes_what_was_born_until_it_went),
		CASE(drop_takes_what_is_known_without_events),
		CASE(drop_waits_for_a_late_flush),
		CASE(refused_delete_drops_nothing),
		CASE(plan_drops_and_resets_nothing),
		CASE(keep_on_an_affected_kernel),
		CASE(keep_on_a_fixed_kernel),
		CASE(keep_with_a_late_flush_and_without_a_pin),
		CASE(reset_comes_before_the_address_goes),
		CASE(reset_closes_for_each_leaving_address),
		CASE(reset_without_means_is_said),
		CASE(nothing_to_reset_makes_no_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
