/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An instance with one address, and a clock that goes as far as is wanted. For
 * tests that say keepalived's words to it. */
#pragma once

#include "keepalived/instance.h"

#define T0 (100 * USEC_PER_SEC)

static const struct instance_policy del_always = {
	.is_ours = true, .add = true, .del_backup = true, .del_fault = true, .del_stop = true
};

/* An instance, its one address, and the clock. */
struct world {
	struct instance i;
	struct instance_policy policy;
	bool there;
	usec_t now;
};

static inline struct world world_new(void)
{
	return (struct world){ .policy = del_always, .now = T0 };
}

static inline struct instance_event event(enum instance_source source, enum instance_state state,
					  usec_t stamp)
{
	return (struct instance_event){
		.name = "VI_1", .state = state, .source = source, .stamp = stamp
	};
}

static inline enum instance_effect hook(struct world *w, enum instance_state state, usec_t stamp)
{
	struct instance_event e = event(SOURCE_HOOK, state, stamp);

	return instance_receive(&w->i, &e, w->now);
}

static inline enum instance_effect line(struct world *w, enum instance_state state)
{
	struct instance_event e = event(SOURCE_FIFO, state, w->now);

	return instance_receive(&w->i, &e, w->now);
}

/* Do what is due now. Returns whether anything was. */
static inline bool act(struct world *w, usec_t *ret_when)
{
	enum instance_action a = instance_next(
		&w->i, &w->policy, w->there ? PRESENT_ALL : PRESENT_NONE, w->now, ret_when);

	if (a == ACTION_NONE)
		return false;
	instance_begin(&w->i, w->now);
	w->there = a == ACTION_ADD;
	return true;
}

/* As the daemon does, until nothing more is due or END has come. */
static inline void run_until(struct world *w, usec_t end)
{
	usec_t when;

	for (;;) {
		if (act(w, &when))
			continue;
		if (when > end)
			break;
		assert_true(when > w->now);
		w->now = when;
	}
	w->now = MAX(w->now, end);
}

static inline void settle(struct world *w)
{
	run_until(w, w->now + 10 * USEC_PER_SEC);
	assert_true(w->i.settled || w->i.state == INSTANCE_UNKNOWN);
}
