/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keepalived wants of an instance, whatever way its words come: twice,
 * late, out of order, not at all. A small keepalived says them here, and what
 * it wants at the end is what counts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/instance_world.h"
#include "../lib/random.h"

static void follows_a_plain_life(void **state _unused_)
{
	struct world w = world_new();
	usec_t when;

	assert_false(act(&w, &when));
	assert_true(when == USEC_NEVER);
	assert_int_equal(hook(&w, INSTANCE_BACKUP, 1), EFFECT_CHANGE);
	assert_false(act(&w, &when));
	assert_int_equal(hook(&w, INSTANCE_MASTER, 2), EFFECT_CHANGE);
	assert_true(act(&w, &when));
	assert_true(w.there);
	assert_int_equal(hook(&w, INSTANCE_MASTER, 3), EFFECT_DUPLICATE);
	assert_false(act(&w, &when));
	w.now += 10 * USEC_PER_SEC;
	assert_int_equal(hook(&w, INSTANCE_STOP, 4), EFFECT_CHANGE);
	assert_true(act(&w, &when));
	assert_false(w.there);
	assert_int_equal(w.i.counters.operations, 2);
}

static void keeps_to_the_newest_stamp(void **state _unused_)
{
	struct world w = world_new();

	hook(&w, INSTANCE_MASTER, 20);
	assert_int_equal(hook(&w, INSTANCE_BACKUP, 10), EFFECT_LATE);
	settle(&w);
	assert_true(w.there);
	hook(&w, INSTANCE_BACKUP, 40);
	assert_int_equal(hook(&w, INSTANCE_MASTER, 30), EFFECT_LATE);
	settle(&w);
	assert_false(w.there);
	/* an older repetition must not make the next but one late */
	assert_int_equal(hook(&w, INSTANCE_BACKUP, 60), EFFECT_DUPLICATE);
	assert_int_equal(hook(&w, INSTANCE_MASTER, 50), EFFECT_LATE);
	assert_int_equal(hook(&w, INSTANCE_MASTER, 70), EFFECT_CHANGE);
	assert_int_equal(w.i.counters.late, 3);
}

static void takes_priorities_for_no_state(void **state _unused_)
{
	struct world w = world_new();

	line(&w, INSTANCE_MASTER);
	settle(&w);
	assert_int_equal(line(&w, INSTANCE_UNKNOWN), EFFECT_NOTHING);
	assert_int_equal(w.i.state, INSTANCE_MASTER);
	settle(&w);
	assert_true(w.there);
}

static void leaves_what_was_never_started(void **state _unused_)
{
	struct world w = world_new();

	/* somebody has it up by hand, and keepalived refuses its configuration */
	w.there = true;
	hook(&w, INSTANCE_STOP, 5);
	settle(&w);
	assert_true(w.there);
	/* but it counts as the newest word */
	assert_int_equal(hook(&w, INSTANCE_MASTER, 4), EFFECT_LATE);
	settle(&w);
	assert_int_equal(w.i.counters.operations, 0);
}

static void releases_a_deleted_one_once(void **state _unused_)
{
	struct world w = world_new();

	w.policy.del_backup = w.policy.del_fault = w.policy.del_stop = false;
	hook(&w, INSTANCE_MASTER, 1);
	settle(&w);
	hook(&w, INSTANCE_FAULT, 2);
	settle(&w);
	assert_true(w.there); /* fault = keep */
	hook(&w, INSTANCE_DELETED, 3);
	hook(&w, INSTANCE_DELETED, 4);
	settle(&w);
	assert_false(w.there);
	assert_int_equal(w.i.counters.operations, 2);
	/* whoever sets it now has his reasons */
	w.there = true;
	hook(&w, INSTANCE_DELETED, 5);
	settle(&w);
	assert_true(w.there);
}

static void keeps_what_the_policy_keeps(void **state _unused_)
{
	struct world w = world_new();

	w.policy.del_fault = false;
	hook(&w, INSTANCE_MASTER, 1);
	settle(&w);
	hook(&w, INSTANCE_FAULT, 2);
	settle(&w);
	assert_true(w.there);
	hook(&w, INSTANCE_BACKUP, 3);
	settle(&w);
	assert_false(w.there);

	w = world_new();
	w.policy.is_ours = false;
	hook(&w, INSTANCE_MASTER, 1);
	settle(&w);
	assert_int_equal(w.i.counters.operations, 0);
}

/* Fifty changes in one second. */
static void coalesces_bursts(void **state _unused_)
{
	struct rnd r = rnd_begin("coalesces_bursts");
	unsigned round;

	for (round = 0; round < 200; round++) {
		struct world w = world_new();
		unsigned n = 50 + rnd(&r, 2), k;

		for (k = 0; k < n; k++) {
			line(&w, k % 2 ? INSTANCE_BACKUP : INSTANCE_MASTER);
			run_until(&w, w.now + 15 * USEC_PER_MSEC + rnd(&r, 10000));
		}
		settle(&w);
		assert_int_equal(w.there, n % 2);
		assert_in_range(w.i.counters.operations, 1, 7);
	}
}

static void does_not_fight(void **state _unused_)
{
	struct world w = world_new();
	unsigned k;

	hook(&w, INSTANCE_MASTER, 1);
	settle(&w);
	w.there = false; /* once may be a mistake */
	run_until(&w, w.now + USEC_PER_SEC);
	assert_true(w.there);
	for (k = 0; k < 600; k++) { /* for ten minutes, each second */
		w.there = false;
		run_until(&w, w.now + USEC_PER_SEC);
	}
	assert_in_range(w.i.counters.operations, 3, 20);
	run_until(&w, w.now + 2 * INSTANCE_FIGHT_MAX);
	assert_true(w.there);
}

/* What keeps failing is tried again, soon and then less often. */
static void tries_again(void **state _unused_)
{
	struct world w = world_new();
	unsigned tries = 0;
	usec_t when, end;

	hook(&w, INSTANCE_MASTER, 1);
	for (end = w.now + 600 * USEC_PER_SEC; w.now < end;) {
		if (instance_next(&w.i, &w.policy, PRESENT_NONE, w.now, &when) == ACTION_ADD) {
			instance_begin(&w.i, w.now);
			tries++;
		} else {
			assert_true(when > w.now && when <= w.now + INSTANCE_RETRY_MAX);
			w.now = when;
		}
	}
	assert_in_range(tries, 15, 25);
	/* what it failed for comes back */
	instance_hurry(&w.i);
	settle(&w);
	assert_true(w.there);
}

/* ---- FIFO and hooks ---------------------------------------------------------- */

static void believes_lines_before_scripts(void **state _unused_)
{
	struct world w = world_new();

	line(&w, INSTANCE_MASTER);
	w.now += 5 * USEC_PER_MSEC;
	line(&w, INSTANCE_BACKUP);
	/* the script of the MASTER was started late on a busy node */
	assert_int_equal(hook(&w, INSTANCE_MASTER, w.now + 8 * USEC_PER_MSEC), EFFECT_LATE);
	/* one that no line told of: the FIFO is used no more */
	w.now += 2 * INSTANCE_HOOK_LATE;
	assert_int_equal(hook(&w, INSTANCE_MASTER, w.now), EFFECT_CHANGE);
}

static void believes_scripts_when_lines_were_lost(void **state _unused_)
{
	struct world w = world_new();

	line(&w, INSTANCE_BACKUP); /* read now, written long before */
	instance_fifo_lost(&w.i);
	assert_int_equal(hook(&w, INSTANCE_MASTER, w.now - USEC_PER_SEC), EFFECT_CHANGE);
	assert_int_equal(hook(&w, INSTANCE_BACKUP, w.now - 2 * USEC_PER_SEC), EFFECT_LATE);
	w.now += USEC_PER_MSEC;
	line(&w, INSTANCE_FAULT);
	assert_int_equal(hook(&w, INSTANCE_MASTER, w.now - 1), EFFECT_LATE);
}

/* ---- decoy -------------------------------------------------------------------- */

static void believes_the_decoy_before_all(void **state _unused_)
{
	struct world w = world_new();

	instance_see_decoy(&w.i, false, w.now);
	hook(&w, INSTANCE_MASTER, 1); /* not seen yet: it may be a wrong one */
	settle(&w);
	assert_true(w.there);
	instance_see_decoy(&w.i, true, w.now);
	assert_int_equal(hook(&w, INSTANCE_BACKUP, 2), EFFECT_LATE);
	settle(&w);
	assert_true(w.there);
	/* nobody says a word */
	instance_see_decoy(&w.i, false, w.now);
	settle(&w);
	assert_false(w.there);
	assert_int_equal(hook(&w, INSTANCE_MASTER, 3), EFFECT_LATE);
	instance_see_decoy(&w.i, true, w.now);
	settle(&w);
	assert_true(w.there);
}

static void waits_for_the_reason(void **state _unused_)
{
	struct world w = world_new();
	usec_t when;

	w.policy.del_fault = false;
	instance_see_decoy(&w.i, true, w.now);
	settle(&w);
	instance_see_decoy(&w.i, false, w.now);
	assert_false(act(&w, &when));
	assert_true(when > w.now && when <= w.now + INSTANCE_WORD_WAIT);
	assert_int_equal(hook(&w, INSTANCE_FAULT, 1), EFFECT_CHANGE);
	settle(&w);
	assert_true(w.there);

	w = world_new();
	w.policy.del_fault = false;
	instance_see_decoy(&w.i, true, w.now);
	settle(&w);
	instance_see_decoy(&w.i, false, w.now);
	settle(&w); /* no word: as BACKUP */
	assert_false(w.there);
}

/* ---- against an oracle ---------------------------------------------------------- */

#define EVENTS_MAX 24
#define CALLS_MAX (3 * EVENTS_MAX)

/* A word on its way. */
struct call {
	usec_t at;
	struct instance_event event;
	int decoy; /* -1: none */
};

struct script {
	struct call calls[CALLS_MAX];
	size_t n;
	enum instance_state last;
};

enum channels { BY_HOOK, BY_BOTH, BY_DECOY };

static void say(struct script *s, usec_t at, struct instance_event e, int decoy)
{
	s->calls[s->n++] = (struct call){ .at = at, .event = e, .decoy = decoy };
}

/* A random life of keepalived, and how its words travel. */
static void write_script(struct script *s, enum channels channels, struct rnd *r)
{
	static const enum instance_state states[] = { INSTANCE_MASTER, INSTANCE_BACKUP,
						      INSTANCE_FAULT, INSTANCE_STOP };
	unsigned n = 1 + rnd(r, EVENTS_MAX), k;
	usec_t t = T0 + 1000, read = t;

	memset(s, 0, sizeof(*s));
	s->last = INSTANCE_UNKNOWN;
	for (k = 0; k < n; k++) {
		enum instance_state state = states[rnd(r, k ? 4 : 3)];
		bool last = k == n - 1;

		t += 20 * USEC_PER_MSEC + rnd(r, rnd(r, 3) ? 100000 : 3000000);
		/* the stamp of a script is a tick after the event at most */
		if ((channels == BY_HOOK && last) || rnd(r, 5)) {
			usec_t stamp = t + rnd(r, 10000);
			usec_t delay = rnd(r, rnd(r, 4) ? 50000 : 900000);

			say(s, stamp + delay, event(SOURCE_HOOK, state, stamp), -1);
			if (!rnd(r, 4)) /* and again */
				say(s, stamp + rnd(r, 900000), event(SOURCE_HOOK, state, stamp),
				    -1);
		}
		if (channels == BY_BOTH) { /* in order, however late it is read */
			read = MAX(read + 1, t + rnd(r, 3000));
			say(s, read, event(SOURCE_FIFO, state, read), -1);
		}
		if (channels == BY_DECOY &&
		    (state == INSTANCE_MASTER) != (s->last == INSTANCE_MASTER))
			say(s, t, event(SOURCE_NONE, state, t), state == INSTANCE_MASTER);
		s->last = state;
	}
}

static int by_time(const void *a, const void *b)
{
	const struct call *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void play(const struct script *s, struct world *w)
{
	size_t k;

	for (k = 0; k < s->n; k++) {
		const struct call *c = &s->calls[k];

		run_until(w, c->at);
		if (c->decoy >= 0)
			instance_see_decoy(&w->i, c->decoy, w->now);
		else
			instance_receive(&w->i, &c->event, w->now);
	}
	settle(w);
}

static void ends_as_told(const char *test, enum channels channels)
{
	struct rnd r = rnd_begin(test);
	unsigned round;

	for (round = 0; round < 20000; round++) {
		struct world w = world_new();
		struct script s;
		bool said = false;
		size_t k;

		instance_see_decoy(&w.i, false, w.now);
		write_script(&s, channels, &r);
		qsort(s.calls, s.n, sizeof(s.calls[0]), by_time);
		play(&s, &w);
		for (k = 0; k < s.n; k++)
			said |= s.calls[k].decoy > 0;
		/* what keepalived never had up, the decoy cannot tell of */
		if (channels == BY_DECOY && !said)
			continue;
		if (w.there != (s.last == INSTANCE_MASTER))
			fail_msg("round %u: at the end keepalived says %s, and the address is %s",
				 round, instance_state_name(s.last), w.there ? "there" : "gone");
		if (channels != BY_DECOY)
			assert_int_equal(w.i.state, s.last);
	}
}

static void ends_as_scripts_told(void **state _unused_)
{
	ends_as_told("ends_as_scripts_told", BY_HOOK);
}

static void ends_as_lines_told(void **state _unused_)
{
	ends_as_told("ends_as_lines_told", BY_BOTH);
}

static void ends_as_the_decoy_told(void **state _unused_)
{
	ends_as_told("ends_as_the_decoy_told", BY_DECOY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_a_plain_life),
		cmocka_unit_test(keeps_to_the_newest_stamp),
		cmocka_unit_test(takes_priorities_for_no_state),
		cmocka_unit_test(leaves_what_was_never_started),
		cmocka_unit_test(releases_a_deleted_one_once),
		cmocka_unit_test(keeps_what_the_policy_keeps),
		cmocka_unit_test(coalesces_bursts),
		cmocka_unit_test(does_not_fight),
		cmocka_unit_test(tries_again),
		cmocka_unit_test(believes_lines_before_scripts),
		cmocka_unit_test(believes_scripts_when_lines_were_lost),
		cmocka_unit_test(believes_the_decoy_before_all),
		cmocka_unit_test(waits_for_the_reason),
		cmocka_unit_test(ends_as_scripts_told),
		cmocka_unit_test(ends_as_lines_told),
		cmocka_unit_test(ends_as_the_decoy_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
