/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guarding.h"

struct guard *guarding_new(struct scene *s, enum pin_mode mode)
{
	struct device_settings d = { .name = "br-mgmt",
				     .pin = mode,
				     .pin_after = 2 * USEC_PER_SEC };
	struct guard *g;

	scene_boot(s);
	assert_int_equal(guard_new(&s->env, &d, &g), 0);
	return g;
}

void guarding_spin(struct scene *s, struct guard *g, usec_t duration)
{
	usec_t until = s->fake->clock + duration, next;

	while (s->fake->clock < until) {
		guard_ready(g);
		next = guard_tick(g);
		assert_true(next > s->fake->clock - USEC_PER_SEC);
		fake_advance(s->fake,
			     MIN(until - MIN(until, s->fake->clock) + 1, 5 * USEC_PER_MSEC));
	}
}

struct guard_status guarding_status(const struct guard *g)
{
	struct guard_status st;

	guard_get_status(g, &st);
	return st;
}

void guarding_foreign_delete(struct scene *s, const char *prefix)
{
	assert_int_equal(fake_addr_del(s->fake, s->dev, prefix), 0);
}
