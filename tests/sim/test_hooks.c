/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where netfilter's hooks are those of all namespaces, a move breaks nobody's new connections; and
 * no move of an instance waits for the probe. */
#include "lib/guarding.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define BORN 1000

/* Connections of a strange namespace are opened all the time from now on. */
static void plan(struct scene *s)
{
	for (uint16_t i = 0; i < BORN; i++) {
		char src[32];
		struct conn c;

		snprintf(src, sizeof(src), "10.9.%u.%u", i / 200, 1 + i % 200);
		c = scene_flow(IPPROTO_TCP, src, 40000, "10.10.0.1", 80, "10.11.0.1",
			       (uint16_t)(1024 + i));
		fake_plan_birth(s->fake, s->fake->clock + 1 + i * 20U, &c, 0);
	}
}

/* How many of them left untranslated. */
static unsigned harmed(struct scene *s)
{
	unsigned n = 0;

	fake_advance(s->fake, USEC_PER_SEC);
	for (size_t i = 0; i < s->fake->n_entries; i++)
		n += s->fake->entries[i].conn.key.orig.sport == htons(40000) &&
		     !s->fake->entries[i].translates;
	assert_int_equal(s->fake->n_births, 0);
	return n;
}

/* The control: an experiment with a NAT chain in any namespace. */
static void an_experiment_harms_the_node(void **state)
{
	struct scene *s = *state;
	const struct kernel *k = &s->env.kernel;
	struct probe_result v;

	s->fake->hooks_are_global = true;
	plan(s);
	assert_int_equal(k->ops->probe(k->ctx, true, USEC_PER_SEC, &v), 0);
	assert_true(harmed(s) > BORN / 2);
}

static void the_first_move_harms_nobody(void **state)
{
	struct scene *s = *state;

	s->fake->hooks_are_global = true;
	scene_unprobed(s);
	s->req.strategy = STRATEGY_AUTO;
	s->req.hold = HOLD_AUTO;
	scene_populate(s, 64);
	scene_remember(s);
	plan(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(s->report.kernel, KERNEL_UNKNOWN); /* treated as affected */
	assert_int_equal(s->report.strategy, STRATEGY_PIN);
	assert_true(scene_warned(s, "kernel-unknown"));
	assert_int_equal(s->fake->experiments, 0);
	assert_int_equal(s->fake->held_by, HOLD_IPTABLES);
	assert_int_equal(harmed(s), 0);
}

/* What nft cannot do on this kernel iptables does, which is no warning. */
static void hold_where_nft_cannot(struct scene *s)
{
	s->req.hold = HOLD_NFT;
	scene_populate(s, 64);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.hold, HOLD_IPTABLES);
	assert_int_equal(s->fake->held_by, HOLD_IPTABLES);
	assert_int_equal(strncmp(s->report.hold_why, "nft: ", 5), 0);
	assert_false(scene_warned(s, "no-hold"));
	assert_int_equal(scene_broken(s, false), 0);
}

static void a_hold_by_nft_is_made_by_iptables(void **state)
{
	struct scene *s = *state;

	s->fake->hooks_are_global = true;
	hold_where_nft_cannot(s);
}

static void so_it_is_where_nft_lacks_something(void **state)
{
	struct scene *s = *state;

	s->fake->hooks_are_global = false;
	s->fake->no_nft_hold = true;
	hold_where_nft_cannot(s);
}

/* On all kernels: an instance that gives its address up is not kept waiting. */
static void no_failover_probes(void **state)
{
	struct scene *s = *state;

	s->req.strategy = STRATEGY_AUTO;
	s->req.is_instance = true;
	s->fake->hooks_are_global = false;
	scene_unprobed(s);
	scene_populate(s, 64);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->experiments, 0);
	assert_int_equal(s->report.strategy, STRATEGY_PIN);
	assert_int_equal(scene_broken(s, false), 0);
	s->req.is_instance = false;
	scene_move(s, OP_DEL, VIP6 "/128", NULL);
	assert_int_equal(s->fake->experiments, 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_experiment_harms_the_node),
		CASE(the_first_move_harms_nobody),
		CASE(a_hold_by_nft_is_made_by_iptables),
		CASE(so_it_is_where_nft_lacks_something),
		CASE(no_failover_probes),
	};

	return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
