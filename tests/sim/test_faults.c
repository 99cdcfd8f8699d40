/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each call of the kernel fails in turn. The address change comes first: no
 * failure of the rest leaves it undone, and none is kept quiet. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/scene.h"

#define FLOWS 40
#define ALWAYS UINT32_MAX

static void del_vip4(struct scene *s)
{
	scene_populate(s, FLOWS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
}

static void expect_moved(struct scene *s, enum exit_code code)
{
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	scene_expect(s, code, true);
	assert_int_equal(scene_leftovers(s, NULL), 0);
}

static void expect_refused(struct scene *s, enum exit_code code)
{
	scene_expect(s, code, false);
	assert_true(strlen(s->report.error) > 0);
	assert_null(strchr(s->report.error, '\n'));
	assert_int_equal(scene_leftovers(s, NULL), 0);
}

static void one_refused_create_loses_one(void **state)
{
	const int errors[] = { EINVAL, ENOSPC, EOPNOTSUPP, ENOMEM };
	struct scene *s = *state;
	static const unsigned at[] = { 1, 7, 23, FLOWS };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		if (i) {
			scene_teardown(state);
			scene_setup(state);
			s = *state;
		}
		/* the same one is refused again if tried again */
		s->fake->refuse_at = at[i];
		s->fake->refuse_error = -errors[i];
		del_vip4(s);
		expect_moved(s, EXIT_PARTIAL);
		assert_int_equal(s->report.entries.lost, 1);
		assert_int_equal(s->report.n_lost, 1);
		assert_int_equal(scene_broken(s, false), 1);
		scene_check_restored(s);
	}
}

static void shrink_table(struct scene *s, const char *stage)
{
	(void)stage;
	if (s->fake->addr_del.calls && s->fake->ct_max > s->n_before)
		s->fake->ct_max = (uint32_t)s->n_before - 5;
}

static void full_table_loses_what_does_not_fit(void **state)
{
	struct scene *s = *state;

	s->on_stage = shrink_table;
	del_vip4(s);
	expect_moved(s, EXIT_PARTIAL);
	assert_int_equal(s->report.entries.lost, 5);
	assert_int_equal(scene_broken(s, false), 5);
	assert_int_equal(s->report.n_lost, 5);
}

static void lost_answers_are_looked_up(void **state)
{
	struct scene *s = *state;

	s->fake->unanswered_batch = 1;
	del_vip4(s);
	expect_moved(s, EXIT_DONE);
	assert_int_equal(s->report.n_warnings, 0);
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_restored(s);
}

static void answers_lost_again_and_again(void **state)
{
	struct scene *s = *state;

	s->fake->unanswered_batch = 1000000;
	del_vip4(s);
	assert_true(s->fake->batch.calls < 1000);
	expect_moved(s, EXIT_DONE);
	assert_int_equal(scene_broken(s, false), 0);
}

static void somebody_deletes_it(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "move"))
		assert_int_equal(fake_addr_del(s->fake, s->dev, VIP4 "/32"), 0);
}

/* keepalived was faster by a moment: its delete flushed the same entries. */
static void address_deleted_by_somebody_else_is_repaired(void **state)
{
	struct scene *s = *state;

	s->on_stage = somebody_deletes_it;
	del_vip4(s);
	assert_true(s->fake->flushed >= FLOWS);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	scene_expect(s, EXIT_DONE, false);
	assert_true(s->report.entries.restored >= FLOWS);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(scene_leftovers(s, NULL), 0);
}

/* The address stays, and what met an obstacle in the pin is still settled. */
static void refused_delete_leaves_no_pinned_flow_behind(void **state)
{
	struct scene *s = *state;

	s->req.strategy = STRATEGY_PIN;
	s->fake->addr_del.fault = (struct fake_fault){ 1, ALWAYS, -EBUSY };
	s->fake->unanswered_batch = 3;
	del_vip4(s);
	expect_refused(s, EXIT_KERNEL_REFUSED);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_true(s->report.entries.pinned >= FLOWS);
	assert_int_equal(scene_broken(s, false), 0);
}

static void batch_refused_altogether(void **state)
{
	struct scene *s = *state;

	s->fake->batch.fault = (struct fake_fault){ 1, ALWAYS, -EPERM };
	del_vip4(s);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_true(s->report.changed);
	assert_true(s->report.exit_code == EXIT_PARTIAL || s->report.exit_code == EXIT_UNPROTECTED);
	assert_int_equal(s->report.entries.lost, FLOWS + FLOWS / 4);
	scene_check_report(s);
}

static void one_batch_fails(void **state)
{
	struct scene *s = *state;

	s->fake->batch.fault = (struct fake_fault){ 1, 1, -ENOBUFS };
	del_vip4(s);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(s->report.exit_code == EXIT_DONE, scene_broken(s, false) == 0);
	scene_check_report(s);
}

static void mismatch_is_deleted_and_counted(void **state)
{
	const enum fake_mangle kinds[] = { MANGLE_PORT, MANGLE_UNTRANSLATED };
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (i) {
			scene_teardown(state);
			scene_setup(state);
			s = *state;
		}
		s->fake->mangle = kinds[i];
		s->fake->mangle_at = 9;
		del_vip4(s);
		expect_moved(s, EXIT_PARTIAL);
		assert_int_equal(s->report.entries.mismatch, 1);
		assert_int_equal(s->report.entries.lost, 1);
		assert_int_equal(scene_broken(s, false), 1);
		for (size_t e = 0; e < s->fake->n_entries; e++)
			assert_true(s->fake->entries[e].translates);
	}
}

/* The flows live on, so the run is a success; but somebody has to be told. */
static void forgotten_helpers_are_told_of(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_flow(IPPROTO_TCP, HOST4, 30000, SERVER4, 21, HOST4, 31000);

	c.has_helper = true;
	for (unsigned forgets = 0; forgets < 2; forgets++) {
		if (forgets) {
			scene_teardown(state);
			scene_setup(state);
			s = *state;
		}
		scene_populate(s, FLOWS);
		scene_add(s, &c);
		scene_remember(s);
		s->fake->forgets_helpers = forgets;
		scene_move(s, OP_DEL, VIP4 "/32", NULL);
		expect_moved(s, EXIT_DONE);
		assert_int_equal(scene_broken(s, false), 0);
		assert_int_equal(s->report.n_warnings, forgets);
		if (forgets)
			assert_string_equal(s->report.warnings[0].code, "helper-lost");
	}
}

/* Whether a flush will take the entry is not sure; that a pin takes its helper is. */
static void a_helper_is_not_given_for_a_pin(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_flow(IPPROTO_TCP, HOST4, 30000, SERVER4, 21, HOST4, 31000);

	c.has_helper = true;
	s->fake->forgets_helpers = true;
	s->fake->flush4 = FLUSH_ADDRESS;
	s->fake->probe4 = KERNEL_UNKNOWN;
	s->fake->probe6 = KERNEL_AFFECTED;
	scene_populate(s, FLOWS);
	scene_add(s, &c);
	scene_remember(s);
	s->req.strategy = STRATEGY_PIN;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	expect_moved(s, EXIT_DONE);
	assert_int_equal(scene_broken(s, false), 0);
	assert_true(s->report.entries.pinned > 0);
	assert_int_equal(s->report.entries.untouched, 1);
	assert_true(fake_entry_find(s->fake, &c.key)->conn.has_helper);
	assert_false(scene_warned(s, "helper-lost"));
}

static void failing_snapshot_does_not_stop_the_address(void **state)
{
	struct scene *s = *state;

	s->fake->dump.fault = (struct fake_fault){ 1, ALWAYS, -ENOMEM };
	del_vip4(s);
	expect_moved(s, EXIT_UNPROTECTED);
	assert_int_equal(s->report.result, RESULT_UNPROTECTED);
	assert_true(s->report.n_warnings > 0 || strlen(s->report.error) > 0);
}

/* It cannot be verified what is missing. Whatever is done about it, the run
 * may call itself done only if nothing is. */
static void failing_verification_is_said(void **state)
{
	struct scene *s = *state;

	s->fake->no_events = true; /* else it is not listed */
	s->fake->dump.fault = (struct fake_fault){ 2, ALWAYS, -ENOMEM };
	del_vip4(s);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_true(s->report.changed);
	if (scene_broken(s, false))
		assert_true(s->report.exit_code == EXIT_PARTIAL ||
			    s->report.exit_code == EXIT_UNPROTECTED);
	assert_true(scene_warned(s, "no-verification"));
}

static void kernel_without_conntrack(void **state)
{
	struct scene *s = *state;

	s->fake->no_conntrack = true;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	expect_moved(s, EXIT_DONE);
	assert_int_equal(s->report.result, RESULT_OK);
	assert_true(s->report.n_warnings > 0);
}

static void refused_delete_changes_nothing(void **state)
{
	struct scene *s = *state;

	s->fake->addr_del.fault = (struct fake_fault){ 1, ALWAYS, -EBUSY };
	del_vip4(s);
	expect_refused(s, EXIT_KERNEL_REFUSED);
	assert_int_equal(s->report.outcomes[0], VIP_FAILED);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(scene_broken(s, false), 0);
}

static void refused_add_changes_nothing(void **state)
{
	struct scene *s = *state;

	s->fake->addr_add.fault = (struct fake_fault){ 1, ALWAYS, -ENOBUFS };
	scene_move(s, OP_ADD, "192.168.11.101/32", NULL);
	expect_refused(s, EXIT_KERNEL_REFUSED);
	assert_int_equal(s->fake->n_announced, 0);
}

/* It was done, and the acknowledgment was lost. */
static void unacknowledged_changes_are_done(void **state)
{
	struct scene *s = *state;

	s->fake->unacknowledged = 1;
	del_vip4(s);
	expect_moved(s, EXIT_DONE);
	assert_int_equal(s->fake->addr_del.calls, 1);
	assert_int_equal(scene_broken(s, true), 0);
	s->fake->unacknowledged = 1;
	scene_move(s, OP_ADD, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_true(s->fake->n_announced > 0);
}

/* It never got there. */
static void unsent_changes_are_tried_again(void **state)
{
	struct scene *s = *state;

	s->fake->addr_del.fault = (struct fake_fault){ 1, 3, -ENOBUFS };
	s->fake->addr_list.fault = (struct fake_fault){ 2, 1, -ENOBUFS };
	del_vip4(s);
	expect_moved(s, EXIT_DONE);
	assert_int_equal(s->fake->addr_del.calls, 4);
	s->fake->addr_add.fault = (struct fake_fault){ 1, 3, -ENOBUFS };
	scene_move(s, OP_ADD, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
}

/* Nobody knows: then nothing is claimed. */
static void what_cannot_be_seen_is_not_claimed(void **state)
{
	struct scene *s = *state;

	s->fake->addr_del.fault = (struct fake_fault){ 1, ALWAYS, -ENOBUFS };
	s->fake->addr_list.fault = (struct fake_fault){ 2, ALWAYS, -ENOBUFS };
	del_vip4(s);
	assert_int_equal(s->report.exit_code, EXIT_KERNEL_REFUSED);
	assert_non_null(strstr(s->report.error, "not known"));
	assert_null(strstr(s->report.error, "nothing changed"));
}

/* "address done, protection did not run" is not said of one that stayed. */
static void refused_and_unverified_is_refused(void **state)
{
	struct scene *s = *state;

	s->fake->no_events = true;
	s->fake->addr_del.fault = (struct fake_fault){ 1, ALWAYS, -EBUSY };
	s->fake->dump.fault = (struct fake_fault){ 2, ALWAYS, -ENOMEM };
	del_vip4(s);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(s->report.exit_code, EXIT_KERNEL_REFUSED);
	assert_false(s->report.changed);
	assert_true(scene_warned(s, "no-verification"));
}

static void not_permitted_has_its_own_code(void **state)
{
	struct scene *s = *state;

	s->fake->addr_del.fault = (struct fake_fault){ 1, ALWAYS, -EPERM };
	del_vip4(s);
	expect_refused(s, EXIT_NOT_PERMITTED);
	assert_int_equal(scene_broken(s, false), 0);
}

static void unknown_device_is_named(void **state)
{
	struct scene *s = *state;

	fake_link_remove(s->fake, "br-mgmt");
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_true(s->report.exit_code != EXIT_DONE);
	expect_refused(s, s->report.exit_code);
	assert_non_null(strstr(s->report.error, "br-mgmt"));
	assert_int_equal(s->fake->writes, 0);
}

static void pull_device(struct scene *s, const char *stage)
{
	(void)stage;
	if (s->n_stages == s->act_at + 1)
		fake_link_remove(s->fake, "br-mgmt");
}

/* Between any two stages the device may be gone, and the VIP with it. */
static void device_vanishes_mid_way(void **state)
{
	struct scene *s = *state;
	int stages;

	del_vip4(s);
	stages = s->n_stages;
	for (int at = 1; at < stages; at++) {
		scene_teardown(state);
		scene_setup(state);
		s = *state;
		s->act_at = at;
		s->on_stage = pull_device;
		del_vip4(s);
		assert_int_equal(fake_count_addrs(s->fake, s->dev), 0);
		scene_check_report(s);
		assert_int_equal(scene_leftovers(s, NULL), 0);
		if (s->fake->addr_del.calls && !s->report.changed)
			assert_true(s->report.exit_code != EXIT_DONE || s->report.n_warnings > 0);
	}
}

static void slow_snapshot_passes_the_deadline(void **state)
{
	struct scene *s = *state;

	s->fake->entry_cost = 20 * USEC_PER_MSEC;
	s->req.timeout = 200 * USEC_PER_MSEC;
	del_vip4(s);
	expect_moved(s, EXIT_DEADLINE);
}

static void slow_delete_passes_the_deadline(void **state)
{
	struct scene *s = *state;

	s->fake->delete_cost = USEC_PER_SEC;
	s->req.timeout = 200 * USEC_PER_MSEC;
	del_vip4(s);
	expect_moved(s, EXIT_DEADLINE);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(one_refused_create_loses_one),
		CASE(full_table_loses_what_does_not_fit),
		CASE(lost_answers_are_looked_up),
		CASE(answers_lost_again_and_again),
		CASE(address_deleted_by_somebody_else_is_repaired),
		CASE(refused_delete_leaves_no_pinned_flow_behind),
		CASE(batch_refused_altogether),
		CASE(one_batch_fails),
		CASE(mismatch_is_deleted_and_counted),
		CASE(forgotten_helpers_are_told_of),
		CASE(a_helper_is_not_given_for_a_pin),
		CASE(failing_snapshot_does_not_stop_the_address),
		CASE(failing_verification_is_said),
		CASE(kernel_without_conntrack),
		CASE(refused_delete_changes_nothing),
		CASE(refused_add_changes_nothing),
		CASE(unacknowledged_changes_are_done),
		CASE(unsent_changes_are_tried_again),
		CASE(what_cannot_be_seen_is_not_claimed),
		CASE(refused_and_unverified_is_refused),
		CASE(not_permitted_has_its_own_code),
		CASE(unknown_device_is_named),
		CASE(device_vanishes_mid_way),
		CASE(slow_snapshot_passes_the_deadline),
		CASE(slow_delete_passes_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
