/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run is killed as each of its stages begins. Whoever comes next, `recover`
 * or another run, ends what it had begun. */
#include <string.h>

#include "lib/scene.h"

#define FLOWS 40

struct recovered {
	unsigned reports;
	uint64_t restored, lost;
	int worst;
};

static void note(void *ud, const struct report *r)
{
	struct recovered *rec = ud;

	rec->reports++;
	rec->restored += r->entries.restored;
	rec->lost += r->entries.lost;
	rec->worst = MAX(rec->worst, (int)r->exit_code);
}

static struct scene *fresh(void **state)
{
	struct scene *s;

	scene_teardown(state);
	scene_setup(state);
	s = *state;
	s->req.hold = HOLD_AUTO;
	return s;
}

/* How many stages such a run has, found by a run nobody disturbs. */
static int count_stages(void **state, enum op op, const char *vip)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	scene_move(s, op, vip, NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(s->n_stages >= 4);
	return s->n_stages;
}

/* Kill a run of OP VIP at stage AT, then let a crash's worth of time pass. */
static struct scene *killed_run(void **state, enum op op, const char *vip, int at)
{
	struct scene *s = fresh(state);
	unsigned modes;

	scene_populate(s, FLOWS);
	scene_remember(s);
	s->kill_at = at;
	scene_move(s, op, vip, NULL);
	assert_int_equal(s->n_stages, at + 1);
	scene_leftovers(s, &modes);
	assert_int_equal(modes & 0177, 0); /* 0600 or nothing */
	s->kill_at = -1;
	fake_advance(s->fake, 300 * USEC_PER_MSEC);
	return s;
}

static void recover_finishes(void **state, enum op op, const char *vip)
{
	int stages = count_stages(state, op, vip);
	bool ever_flushed = false;

	for (int at = 0; at < stages; at++) {
		struct recovered rec = { 0 };
		struct scene *s = killed_run(state, op, vip, at);
		bool begun = scene_leftovers(s, NULL) > 0;
		bool there = fake_has_addr(s->fake, s->dev, vip);
		int r;

		ever_flushed |= op == OP_DEL && !there && scene_broken(s, false) > 0;
		/* once the address is away the snapshot must be on disk */
		if (op == OP_DEL && !there && scene_broken(s, false) > 0)
			assert_true(begun);
		r = run_recover(&s->env, note, &rec);
		assert_true(r >= 0);
		assert_int_equal(r, rec.reports);
		assert_int_equal(begun, rec.reports > 0);
		assert_int_equal(rec.worst, EXIT_DONE);
		if (begun)
			assert_true(fake_has_addr(s->fake, s->dev, vip) == (op == OP_ADD));
		else
			assert_true(fake_has_addr(s->fake, s->dev, vip) == there);
		fake_advance(s->fake, USEC_PER_SEC);
		assert_int_equal(scene_broken(s, false), 0);
		scene_check_restored(s);
		assert_int_equal(scene_leftovers(s, NULL), 0);
		/* and there is nothing more to recover */
		assert_int_equal(run_recover(&s->env, note, &rec), 0);
	}
	assert_true(op == OP_ADD || ever_flushed);
}

static void recover_finishes_a_delete(void **state)
{
	recover_finishes(state, OP_DEL, VIP4 "/32");
}

static void recover_finishes_an_add(void **state)
{
	recover_finishes(state, OP_ADD, "192.168.11.101/32");
}

static void recover_finishes_a_late_flush(void **state)
{
	struct scene *s;
	int stages = count_stages(state, OP_DEL, VIP6 "/128");

	for (int at = 0; at < stages; at++) {
		struct recovered rec = { 0 };

		s = fresh(state);
		s->fake->flush_after = 100 * USEC_PER_MSEC;
		scene_populate(s, FLOWS);
		scene_remember(s);
		s->kill_at = at;
		scene_move(s, OP_DEL, VIP6 "/128", NULL);
		s->kill_at = -1;
		run_recover(&s->env, note, &rec);
		fake_advance(s->fake, USEC_PER_SEC);
		assert_int_equal(scene_broken(s, false), 0);
		assert_int_equal(scene_leftovers(s, NULL), 0);
	}
}

/* The next run finds the leftover first, whatever it was asked itself. */
static void next_run_finishes(void **state, enum op op, const char *vip)
{
	int stages = count_stages(state, OP_DEL, VIP4 "/32");

	for (int at = 0; at < stages; at++) {
		struct scene *s = killed_run(state, OP_DEL, VIP4 "/32", at);
		unsigned deletes = s->fake->addr_del.calls;
		bool begun = scene_leftovers(s, NULL) > 0;

		scene_move(s, op, vip, NULL);
		assert_int_equal(s->report.exit_code, EXIT_DONE);
		/* what is wanted again does not go away for a moment */
		if (op == OP_ADD && !strcmp(vip, VIP4 "/32"))
			assert_int_equal(s->fake->addr_del.calls, deletes);
		scene_check_report(s);
		assert_true(fake_has_addr(s->fake, s->dev, vip) == (op == OP_ADD));
		assert_int_equal(scene_broken(s, false), 0);
		/* rules without a file are recover's */
		assert_false((begun || op == OP_DEL) && s->fake->held_open);
		assert_int_equal(scene_leftovers(s, NULL), 0);
	}
}

static void same_run_again_finishes(void **state)
{
	next_run_finishes(state, OP_DEL, VIP4 "/32");
}

static void another_run_finishes(void **state)
{
	next_run_finishes(state, OP_ADD, "192.168.11.102/32");
}

/* keepalived changed its mind in between: the last word counts. */
static void opposite_run_wins(void **state)
{
	next_run_finishes(state, OP_ADD, VIP4 "/32");
}

/* What an earlier boot left is put aside: none of it is applied to a kernel
 * whose table knows nothing of it, and it is not in the way of later runs. */
static void leftovers_of_another_boot_are_not_used(void **state)
{
	struct recovered rec = { 0 };
	int stages = count_stages(state, OP_DEL, VIP4 "/32");

	for (int at = 0; at < stages; at++) {
		struct scene *s = killed_run(state, OP_DEL, VIP4 "/32", at);
		unsigned writes = s->fake->writes;

		s->env.boot_id = "3f1c2f1e-0000-4000-8000-000000000002";
		assert_true(run_recover(&s->env, note, &rec) >= 0);
		assert_int_equal(s->fake->writes, writes);
		assert_int_equal(run_recover(&s->env, note, &rec), 0);
		assert_int_equal(rec.reports, 0);
		scene_move(s, OP_ADD, "192.168.11.102/32", NULL);
		assert_int_equal(s->report.exit_code, EXIT_DONE);
	}
}

static int stage_number(void **state, enum op op, const char *vip, const char *stage)
{
	struct scene *s = fresh(state);
	int stages = count_stages(state, op, vip), at;

	for (at = 0; at < stages && strcmp(s->stages[at], stage); at++)
		;
	assert_true(at < stages);
	return at;
}

/* Killed as STAGE begins. */
static struct scene *killed_at(void **state, enum op op, const char *vip, const char *stage)
{
	return killed_run(state, op, vip, stage_number(state, op, vip, stage));
}

/* Whoever has set the address again since meant it. */
static void address_set_again_is_left_alone(void **state)
{
	struct recovered rec = { 0 };
	struct scene *s = killed_at(state, OP_DEL, VIP4 "/32", "verify");

	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	fake_addr(s->fake, s->dev, VIP4 "/32", "br-mgmt:1");
	assert_int_equal(run_recover(&s->env, note, &rec), 1);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(rec.worst, EXIT_DONE);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(scene_leftovers(s, NULL), 0);
}

/* Another node has it by now: adding it here would make two of them. */
static void address_taken_away_again_is_not_added(void **state)
{
	struct recovered rec = { 0 };
	struct scene *s = killed_at(state, OP_ADD, "192.168.11.101/32", "announce");

	assert_int_equal(fake_addr_del(s->fake, s->dev, "192.168.11.101/32"), 0);
	assert_int_equal(run_recover(&s->env, note, &rec), 1);
	assert_false(fake_has_addr(s->fake, s->dev, "192.168.11.101/32"));
	assert_int_equal(s->fake->n_announced, 0);
	assert_int_equal(scene_leftovers(s, NULL), 0);
}

static void old_leftover(void **state, enum op op, const char *vip)
{
	struct recovered rec = { 0 };
	struct scene *s = killed_at(state, op, vip, "move");
	unsigned writes;

	fake_advance(s->fake, 120 * USEC_PER_SEC);
	writes = s->fake->writes;
	assert_int_equal(run_recover(&s->env, note, &rec), 1);
	assert_int_equal(s->fake->writes, writes);
	assert_int_equal(s->fake->n_announced, 0);
	assert_true(fake_has_addr(s->fake, s->dev, vip) == (op == OP_DEL));
	assert_int_equal(rec.worst, EXIT_UNSAFE);
	assert_int_equal(scene_leftovers(s, NULL), 0);
}

static void change_of_long_ago_is_not_made(void **state)
{
	old_leftover(state, OP_DEL, VIP4 "/32");
	old_leftover(state, OP_ADD, "192.168.11.101/32");
}

/* The killed run's snapshot knows nothing of them, but the delete that is
 * made good flushes them all the same. */
static void flows_born_since_the_kill_survive(void **state)
{
	struct recovered rec = { 0 };
	struct scene *s = killed_at(state, OP_DEL, VIP4 "/32", "move");
	struct conn born[20];

	fake_advance(s->fake, 40 * USEC_PER_SEC);
	for (uint16_t i = 0; i < ARRAY_SIZE(born); i++) {
		born[i] = scene_tcp((uint16_t)(2000 + i));
		/* shorter than the time since the snapshot */
		assert_non_null(fake_entry_add(s->fake, &born[i], NULL, s->dev, 20));
	}
	assert_int_equal(run_recover(&s->env, note, &rec), 1);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(rec.worst, EXIT_DONE);
	for (uint16_t i = 0; i < ARRAY_SIZE(born); i++)
		assert_true(scene_works(s, &born[i]));
	assert_int_equal(scene_broken(s, false), 0);
}

/* The control connection is long gone: its data connection is worth more
 * without a master than not at all. */
static void child_without_a_master_is_recovered(void **state)
{
	struct recovered rec = { 0 };
	struct conn master = scene_tcp(3000), child = scene_tcp(3001);
	int at = stage_number(state, OP_DEL, VIP4 "/32", "verify");
	struct scene *s = fresh(state);

	child.status |= CONN_EXPECTED;
	assert_non_null(fake_entry_add(s->fake, &child, &master.key, s->dev, 400));
	scene_remember(s);
	s->kill_at = at;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->kill_at = -1;
	assert_int_equal(scene_broken(s, false), 1);
	assert_int_equal(run_recover(&s->env, note, &rec), 1);
	assert_int_equal(rec.lost, 0);
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_restored(s);
}

/* An address that a killed run has not added yet comes as it was asked for. */
static void recover_adds_with_all_options(void **state)
{
	const char *vip = "192.168.11.101/32";
	const int at = stage_number(state, OP_ADD, vip, "move");
	struct scene *s = fresh(state);
	struct recovered rec = { 0 };
	struct addr peer;
	size_t i;

	assert_int_equal(addr_parse("192.168.11.200", &peer), 0);
	scene_move(s, OP_DEL, vip, NULL);
	s->req.op = OP_ADD;
	s->req.vips[0].extra = (struct vip_extra){ .peer = peer, .proto = 18, .autojoin = true };
	s->kill_at = at;
	scene_run(s);
	assert_false(fake_has_addr(s->fake, s->dev, vip));
	s->kill_at = -1;
	fake_advance(s->fake, 300 * USEC_PER_MSEC);
	assert_int_equal(run_recover(&s->env, note, &rec), 1);
	assert_true(fake_has_addr(s->fake, s->dev, vip));
	for (i = 0; s->fake->addrs[i].ifindex != s->dev ||
		    !addr_equal(&s->fake->addrs[i].prefix.addr, &s->req.vips[0].prefix.addr);)
		i++;
	assert_true(addr_equal(&s->fake->addrs[i].peer, &peer));
	if (!s->fake->short_attributes) {
		assert_int_equal(s->fake->addrs[i].proto, 18);
		assert_true(s->fake->addrs[i].flags & IFADDR_AUTOJOIN);
	}
}

static void nothing_to_recover(void **state)
{
	struct recovered rec = { 0 };
	struct scene *s = *state;

	assert_int_equal(run_recover(&s->env, note, &rec), 0);
	assert_int_equal(rec.reports, 0);
	assert_int_equal(s->fake->writes, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(recover_finishes_a_delete),
		CASE(recover_finishes_an_add),
		CASE(recover_finishes_a_late_flush),
		CASE(same_run_again_finishes),
		CASE(another_run_finishes),
		CASE(opposite_run_wins),
		CASE(leftovers_of_another_boot_are_not_used),
		CASE(address_set_again_is_left_alone),
		CASE(address_taken_away_again_is_not_added),
		CASE(change_of_long_ago_is_not_made),
		CASE(flows_born_since_the_kill_survive),
		CASE(child_without_a_master_is_recovered),
		CASE(recover_adds_with_all_options),
		CASE(nothing_to_recover),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
