/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new VIP answers at once: its neighbours are told, as often as configured. */
#include <errno.h>

#include "lib/scene.h"
#include "move/announce.h"

static size_t announced(const struct scene *s, const char *text)
{
	struct addr a;
	size_t n = 0;

	assert_int_equal(addr_parse(text, &a), 0);
	for (size_t i = 0; i < s->fake->n_announced; i++) {
		assert_int_equal(s->fake->announced[i].ifindex, s->dev);
		n += addr_equal(&s->fake->announced[i].addr, &a);
	}
	return n;
}

static void add_announces_as_configured(void **state)
{
	struct scene *s = *state;

	s->settings.announce.count = 3;
	s->settings.announce.interval = 10 * USEC_PER_MSEC;
	s->settings.announce.again = 0;
	scene_move(s, OP_ADD, "192.168.11.101/32", "fd00:11::101/128", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(announced(s, "192.168.11.101"), 3);
	assert_int_equal(announced(s, "fd00:11::101"), 3);
	assert_int_equal(s->fake->n_announced, 6);
}

/* The default is keepalived's: five; the later burst is not waited for. */
static void default_is_five(void **state)
{
	struct scene *s = *state;
	usec_t start = s->fake->clock;

	scene_move(s, OP_ADD, "192.168.11.101/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->settings.announce.count, 5);
	assert_int_equal(announced(s, "192.168.11.101"), 5);
	assert_true(s->fake->clock - start < 2 * USEC_PER_SEC);
}

static void interval_is_kept(void **state)
{
	struct scene *s = *state;

	s->settings.announce.count = 4;
	s->settings.announce.interval = 50 * USEC_PER_MSEC;
	scene_move(s, OP_ADD, "192.168.11.101/32", NULL);
	assert_int_equal(s->fake->n_announced, 4);
	for (size_t i = 1; i < 4; i++)
		assert_true(s->fake->announced[i].when - s->fake->announced[i - 1].when >=
			    50 * USEC_PER_MSEC);
}

static void delete_announces_nothing(void **state)
{
	struct scene *s = *state;

	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->n_announced, 0);
}

/* The address is there; that nobody was told is a warning, not a failure. */
static void failing_announcement_is_a_warning(void **state)
{
	struct scene *s = *state;

	s->fake->announce.fault = (struct fake_fault){ 1, UINT32_MAX, -ENETDOWN };
	scene_move(s, OP_ADD, "192.168.11.101/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(fake_has_addr(s->fake, s->dev, "192.168.11.101/32"));
	assert_true(s->report.n_warnings > 0);
}

static void only_new_addresses_are_announced(void **state)
{
	struct scene *s = *state;

	scene_move(s, OP_ADD, VIP4 "/32", "192.168.11.101/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(announced(s, VIP4), 0);
	assert_int_equal(announced(s, "192.168.11.101"), s->settings.announce.count);
}

/* The address goes to another node before the first of them. */
static void sleep_after_losing_it(void *ctx, usec_t duration)
{
	struct fake *f = ctx;

	if (fake_has_addr(f, f->links[0].ifindex, "192.168.11.101/32"))
		assert_int_equal(fake_addr_del(f, f->links[0].ifindex, "192.168.11.101/32"), 0);
	fake_advance(f, duration);
}

static void nobody_waits_for_an_address_that_has_gone(void **state)
{
	struct scene *s = *state;
	struct announce_settings again = { .again = 4, .again_after = 3600 * USEC_PER_SEC };
	struct kernel k = s->fake->kernel;
	struct kernel_ops ops = *k.ops;
	usec_t began;

	scene_move(s, OP_ADD, "192.168.11.101/32", NULL);
	s->fake->n_announced = 0;
	ops.sleep = sleep_after_losing_it;
	k.ops = &ops;
	began = s->fake->clock;
	again_all(&k, &again, &s->report);
	assert_true(s->fake->clock - began < USEC_PER_SEC);
	assert_int_equal(announced(s, "192.168.11.101"), 0);
}

/* The address goes to another node between two announcements. */
static void sleep_and_lose_it(void *ctx, usec_t duration)
{
	struct fake *f = ctx;

	fake_advance(f, duration);
	if (f->n_announced && fake_has_addr(f, f->links[0].ifindex, "192.168.11.101/32"))
		assert_int_equal(fake_addr_del(f, f->links[0].ifindex, "192.168.11.101/32"), 0);
}

static void second_burst_ends_when_the_address_goes(void **state)
{
	struct scene *s = *state;
	struct announce_settings again = { .again = 4,
					   .interval = 100 * USEC_PER_MSEC,
					   .again_after = USEC_PER_SEC };
	struct kernel k = s->fake->kernel;
	struct kernel_ops ops = *k.ops;

	scene_move(s, OP_ADD, "192.168.11.101/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	s->fake->n_announced = 0;
	again_all(&k, &again, &s->report);
	assert_int_equal(announced(s, "192.168.11.101"), 4);

	s->fake->n_announced = 0;
	ops.sleep = sleep_and_lose_it;
	k.ops = &ops;
	again_all(&k, &again, &s->report);
	assert_int_equal(announced(s, "192.168.11.101"), 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(add_announces_as_configured),
		CASE(default_is_five),
		CASE(interval_is_kept),
		CASE(delete_announces_nothing),
		CASE(failing_announcement_is_a_warning),
		CASE(only_new_addresses_are_announced),
		CASE(nobody_waits_for_an_address_that_has_gone),
		CASE(second_burst_ends_when_the_address_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
