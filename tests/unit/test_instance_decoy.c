/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A decoy that was left behind by a keepalived that was killed, and what may
 * look like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/instance_world.h"
#include "../lib/random.h"

#define HOUR_LATER (3600 * USEC_PER_SEC)

/* It is MASTER, has its address, and the decoy came when somebody was looking. */
static struct world master(void)
{
	struct world w = world_new();

	instance_see_decoy(&w.i, false, w.now);
	w.now += USEC_PER_SEC;
	instance_see_decoy(&w.i, true, w.now);
	line(&w, INSTANCE_MASTER);
	settle(&w);
	assert_true(w.there);
	w.now += HOUR_LATER;
	return w;
}

static void follows_the_word_when_the_decoy_is_stale(void **state _unused_)
{
	static const enum instance_state said[] = { INSTANCE_BACKUP, INSTANCE_FAULT,
						    INSTANCE_STOP };
	size_t k;

	for (k = 0; k < 2 * ARRAY_SIZE(said); k++) {
		enum instance_state s = said[k / 2];
		struct world w = master();
		usec_t began = w.now, when;

		assert_int_equal(k & 1 ? hook(&w, s, w.now) : line(&w, s), EFFECT_LATE);
		assert_false(act(&w, &when));
		assert_true(when == began + DOUBT_WAIT);
		w.now = when - 1;
		assert_false(act(&w, &when));
		assert_false(w.i.decoy_stale);
		w.now++;
		assert_true(act(&w, &when));
		assert_false(w.there);
		assert_true(w.i.decoy_stale);
		assert_int_equal(w.i.state, s);
		assert_int_equal(w.i.source, k & 1 ? SOURCE_HOOK : SOURCE_FIFO);
		assert_int_equal(w.i.counters.stale, 1);
		/* and it stays so, whatever is looked at */
		instance_see_decoy(&w.i, true, w.now);
		settle(&w);
		assert_false(w.there);
	}
}

static void waits_for_the_word_master(void **state _unused_)
{
	struct world w = master();

	line(&w, INSTANCE_BACKUP);
	w.now += DOUBT_WAIT - 1;
	assert_int_equal(line(&w, INSTANCE_MASTER), EFFECT_DUPLICATE);
	settle(&w);
	assert_true(w.there && !w.i.decoy_stale);
	/* a script that was started before does not end the doubt, one after does */
	line(&w, INSTANCE_BACKUP);
	hook(&w, INSTANCE_MASTER, w.now - 1);
	settle(&w);
	assert_true(!w.there && w.i.decoy_stale);
	w = master();
	line(&w, INSTANCE_BACKUP);
	hook(&w, INSTANCE_MASTER, w.now + 1);
	settle(&w);
	assert_true(w.there && !w.i.decoy_stale);
}

static void takes_the_decoy_for_good_again(void **state _unused_)
{
	struct world w = master();

	line(&w, INSTANCE_BACKUP);
	settle(&w);
	/* keepalived finds it there when it becomes MASTER, and removes it after */
	assert_int_equal(line(&w, INSTANCE_MASTER), EFFECT_CHANGE);
	settle(&w);
	assert_true(w.there && !w.i.decoy_stale);
	instance_see_decoy(&w.i, false, w.now);
	settle(&w);
	assert_false(w.there);
	instance_see_decoy(&w.i, true, w.now);
	settle(&w);
	assert_true(w.there);
}

static void tells_by_words_when_a_stale_one_was_removed(void **state _unused_)
{
	struct world w = master();

	line(&w, INSTANCE_BACKUP);
	settle(&w);
	/* in the very moment in which keepalived takes it for its own */
	instance_see_decoy(&w.i, false, w.now);
	assert_int_equal(line(&w, INSTANCE_MASTER), EFFECT_CHANGE);
	settle(&w);
	assert_true(w.there);
	line(&w, INSTANCE_BACKUP);
	settle(&w);
	assert_false(w.there);
	instance_see_decoy(&w.i, true, w.now);
	settle(&w);
	assert_true(w.there);
}

static void leaves_late_scripts_alone(void **state _unused_)
{
	struct world w = world_new();
	usec_t before;

	instance_see_decoy(&w.i, false, w.now);
	before = w.now;
	w.now += USEC_PER_SEC;
	instance_see_decoy(&w.i, true, w.now);
	/* of the time before the decoy came; MASTER's script is lost */
	hook(&w, INSTANCE_BACKUP, before);
	settle(&w);
	assert_true(w.there);
	/* it has gone and come again, faster than anybody has looked */
	before = w.now;
	w.now += 50 * USEC_PER_MSEC;
	instance_decoy_moved(&w.i, false, w.now);
	instance_decoy_moved(&w.i, true, w.now);
	instance_see_decoy(&w.i, true, w.now);
	hook(&w, INSTANCE_BACKUP, before);
	settle(&w);
	assert_true(w.there);
	/* the same after the word has come */
	w = master();
	line(&w, INSTANCE_BACKUP);
	w.now += 50 * USEC_PER_MSEC;
	instance_decoy_moved(&w.i, true, w.now);
	settle(&w);
	assert_true(w.there);
	/* lines were lost, MASTER's may be among them */
	line(&w, INSTANCE_BACKUP);
	instance_fifo_lost(&w.i);
	settle(&w);
	assert_true(w.there);
}

static void believes_the_word_when_the_decoy_goes_after_all(void **state _unused_)
{
	struct world w = master();

	w.policy.del_fault = false;
	line(&w, INSTANCE_FAULT);
	instance_see_decoy(&w.i, false, w.now);
	assert_int_equal(w.i.state, INSTANCE_FAULT);
	settle(&w);
	assert_true(w.there); /* as the policy for FAULT is */
}

static void waits_once_more_when_it_was_stopped(void **state _unused_)
{
	struct world w = master();
	usec_t when;

	line(&w, INSTANCE_BACKUP);
	w.now += HOUR_LATER; /* what has been said since is not read yet */
	assert_false(act(&w, &when));
	assert_true(when == w.now + DOUBT_LATE);
	line(&w, INSTANCE_MASTER);
	settle(&w);
	assert_true(w.there);

	w = master();
	line(&w, INSTANCE_BACKUP);
	w.now += HOUR_LATER;
	assert_false(act(&w, &when));
	w.now += HOUR_LATER;
	assert_true(act(&w, &when));
	assert_false(w.there);
}

static void goes_on_after_a_restart(void **state _unused_)
{
	struct world w = master();
	char text[INSTANCE_TEXT_MAX];

	line(&w, INSTANCE_BACKUP);
	instance_format(&w.i, "VI_1", text);
	assert_int_equal(instance_parse(&w.i, text, "VI_1", w.now), 0);
	settle(&w);
	assert_false(w.there);
	instance_format(&w.i, "VI_1", text);
	assert_int_equal(instance_parse(&w.i, text, "VI_1", w.now), 0);
	instance_see_decoy(&w.i, true, w.now);
	settle(&w);
	assert_true(!w.there && w.i.decoy_stale);
}

static void follows_the_word_when_the_decoy_does_not_come(void **state _unused_)
{
	struct world w = master();
	usec_t when;

	/* it is configured no more, or keepalived is an older one now */
	instance_see_decoy(&w.i, false, w.now);
	line(&w, INSTANCE_BACKUP);
	settle(&w);
	assert_false(w.there);
	w.now += HOUR_LATER;
	assert_int_equal(line(&w, INSTANCE_MASTER), EFFECT_LATE);
	assert_false(act(&w, &when));
	assert_true(when == w.now + DOUBT_WAIT);
	settle(&w);
	assert_true(w.there);
	assert_int_equal(w.i.source, SOURCE_FIFO);
	assert_true(instance_decoy_is_missing(&w.i, true, w.now + INSTANCE_DECOY_WAIT, &when));
	assert_int_equal(line(&w, INSTANCE_BACKUP), EFFECT_CHANGE);
	settle(&w);
	assert_false(w.there);
	/* and it counts again when it comes */
	instance_see_decoy(&w.i, true, w.now);
	settle(&w);
	assert_true(w.there);

	/* a script that was started before it went, or one that is taken back */
	w = master();
	instance_see_decoy(&w.i, false, w.now);
	hook(&w, INSTANCE_MASTER, w.now - 1);
	settle(&w);
	assert_false(w.there);
	line(&w, INSTANCE_MASTER);
	line(&w, INSTANCE_BACKUP);
	settle(&w);
	assert_false(w.there);
}

/* ---- random lives of versions that leave it behind -------------------------------- */

/* What keepalived thinks and what the kernel has. */
struct life {
	struct world w;
	struct rnd *r;
	bool lines;   /* it has a FIFO */
	bool cleans;  /* it removes what it finds when it starts */
	bool removes; /* vipsafe removes a stale one */
	bool alive, master, own, decoy;
	bool refuses; /* it does not set it, since it was started last */
};

/* Time passes; somebody looks. */
static void pass(struct life *l, usec_t duration)
{
	run_until(&l->w, l->w.now + duration);
	if (l->w.i.decoy_stale && l->removes) {
		l->decoy = false;
		instance_forget_decoy(&l->w.i);
	}
	instance_see_decoy(&l->w.i, l->decoy, l->w.now);
}

static void tell(struct life *l, enum instance_state state)
{
	usec_t stamp = l->w.now;

	if (l->lines)
		line(&l->w, state);
	pass(l, rnd(l->r, 20000)); /* the script may take its time */
	if (!l->lines || rnd(l->r, 2))
		hook(&l->w, state, stamp);
}

static void become_master(struct life *l)
{
	l->own = !l->refuses;
	l->master = true;
	l->decoy |= !l->refuses;
	pass(l, rnd(l->r, 2000));
	tell(l, INSTANCE_MASTER);
}

static void leave_master(struct life *l, enum instance_state state)
{
	if (l->own)
		l->decoy = false;
	l->own = l->master = false;
	pass(l, rnd(l->r, 2000));
	tell(l, state);
}

static void start(struct life *l)
{
	l->alive = true;
	l->refuses = !rnd(l->r, 4);
	if (l->cleans)
		l->decoy = false;
	pass(l, rnd(l->r, 2000));
	tell(l, INSTANCE_BACKUP);
}

static void step(struct life *l)
{
	static const enum instance_state leave[] = { INSTANCE_BACKUP, INSTANCE_FAULT,
						     INSTANCE_STOP };
	enum instance_state state = leave[rnd(l->r, ARRAY_SIZE(leave))];

	if (!l->alive) {
		start(l);
	} else if (!l->master && rnd(l->r, 2)) {
		become_master(l);
	} else if (!rnd(l->r, 3)) {
		l->alive = l->master = l->own = false; /* killed: not a word */
	} else if (l->master) {
		leave_master(l, state);
		l->alive = state != INSTANCE_STOP;
	}
	/* an election takes three adverts; some have short ones */
	pass(l, 100 * USEC_PER_MSEC + rnd(l->r, rnd(l->r, 2) ? 300000 : 5000000));
}

static void ends_where_keepalived_says(void **state _unused_)
{
	struct rnd r = rnd_begin("ends_where_keepalived_says");
	unsigned round, k, stale = 0;

	for (round = 0; round < 20000; round++) {
		struct life l = { .w = world_new(),
				  .r = &r,
				  .lines = rnd(&r, 2),
				  .cleans = !rnd(&r, 4),
				  .removes = rnd(&r, 2) };
		unsigned n = 1 + rnd(&r, 20);

		pass(&l, 0);
		for (k = 0; k < n || !l.alive; k++)
			step(&l);
		settle(&l.w);
		pass(&l, USEC_PER_SEC);
		settle(&l.w);
		stale += l.w.i.counters.stale > 0;
		if (l.w.there != l.master)
			fail_msg("round %u: keepalived is %s, and the address is %s", round,
				 l.master ? "MASTER" : "not MASTER", l.w.there ? "there" : "gone");
	}
	assert_true(stale > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_word_when_the_decoy_is_stale),
		cmocka_unit_test(waits_for_the_word_master),
		cmocka_unit_test(takes_the_decoy_for_good_again),
		cmocka_unit_test(tells_by_words_when_a_stale_one_was_removed),
		cmocka_unit_test(leaves_late_scripts_alone),
		cmocka_unit_test(believes_the_word_when_the_decoy_goes_after_all),
		cmocka_unit_test(waits_once_more_when_it_was_stopped),
		cmocka_unit_test(goes_on_after_a_restart),
		cmocka_unit_test(follows_the_word_when_the_decoy_does_not_come),
		cmocka_unit_test(ends_where_keepalived_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
