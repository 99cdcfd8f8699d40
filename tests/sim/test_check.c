/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run that cannot see what it would change changes nothing; one that can, but has no place for
 * its own notes, moves the address and says so. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/rundir.h"
#include "lib/scene.h"

#define FLOWS 40
#define ALWAYS UINT32_MAX

static void expect_refused(struct scene *s, enum exit_code code, const char *why)
{
	scene_expect(s, code, false);
	assert_non_null(strstr(s->report.error, why));
	assert_int_equal(s->fake->writes, 0);
	assert_int_equal(s->fake->held_armed, 0);
	assert_int_equal(scene_leftovers(s, NULL), 0);
}

/* Whichever look it is that fails. */
static void addresses_that_cannot_be_listed(void **state)
{
	static const struct {
		int error;
		enum exit_code code;
	} cases[] = { { -EAGAIN, EXIT_KERNEL_REFUSED },
		      { -ENOMEM, EXIT_KERNEL_REFUSED },
		      { -EPERM, EXIT_NOT_PERMITTED } };
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		s->fake->addr_list.calls = 0;
		s->fake->addr_list.fault = (struct fake_fault){ 1, ALWAYS, cases[i].error };
		scene_move(s, OP_DEL, VIP4 "/32", NULL);
		expect_refused(s, cases[i].code, "addresses cannot be listed");
		scene_move(s, OP_ADD, "192.168.11.101/32", NULL);
		expect_refused(s, cases[i].code, "addresses cannot be listed");
	}
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
}

static void a_device_that_cannot_be_looked_at(void **state)
{
	static const int errors[] = { -ENODEV, -EOPNOTSUPP, -EPERM, -ENOBUFS };
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		s->fake->link_get.calls = 0;
		s->fake->link_get.fault = (struct fake_fault){ 1, ALWAYS, errors[i] };
		scene_move(s, OP_DEL, VIP4 "/32", NULL);
		expect_refused(s, errors[i] == -EPERM ? EXIT_NOT_PERMITTED : EXIT_KERNEL_REFUSED,
			       "nothing changed");
		assert_non_null(strstr(s->report.error, "br-mgmt"));
	}
}

/* The kernel takes a label of another device, and ip(8) does not find it there. */
static void a_label_of_another_device(void **state)
{
	struct scene *s = *state;

	scene_move(s, OP_ADD, "192.168.11.101/32", "label", "eth7:1", NULL);
	expect_refused(s, EXIT_USAGE, "eth7:1");
	scene_move(s, OP_ADD, "192.168.11.101/32", "label", "br-mgmt:1", NULL);
	scene_expect(s, EXIT_DONE, true);
}

static void another_run_does_not_end(void **state)
{
	struct scene *s = *state;
	int dir = rundir_open(s->dir), lock = -1;

	assert_true(dir >= 0);
	assert_int_equal(lock_take(dir, "br-mgmt", &s->fake->kernel, 0, &lock), 0);
	s->req.timeout = 2 * USEC_PER_SEC;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	expect_refused(s, EXIT_DEADLINE, "another run on br-mgmt");
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	close(lock);
	close(dir);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
}

/* No lock, no journal, no answer of the probe: the connections are protected all the same. */
static void nowhere_to_write_to(void **state)
{
	struct scene *s = *state;

	scene_populate(s, FLOWS);
	scene_remember(s);
	snprintf(s->settings.run_dir, sizeof(s->settings.run_dir), "/dev/null/vipsafe");
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	scene_expect(s, EXIT_DONE, true);
	assert_true(scene_warned(s, "no-run-dir"));
	assert_int_equal(scene_broken(s, true), 0);
}

static void a_device_that_is_down(void **state)
{
	struct scene *s = *state;

	fake_link_set(s->fake, "br-mgmt", false);
	scene_move(s, OP_ADD, "192.168.11.101/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(fake_has_addr(s->fake, s->dev, "192.168.11.101/32"));
	for (size_t i = 0; i < s->report.n_warnings; i++)
		if (!strcmp(s->report.warnings[i].code, "device-down"))
			assert_string_equal(s->report.warnings[i].fix,
					    "ip link set dev br-mgmt up");
	assert_true(scene_warned(s, "device-down"));
	/* nobody would hear it */
	assert_int_equal(s->fake->n_announced, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(addresses_that_cannot_be_listed),
		CASE(a_device_that_cannot_be_looked_at),
		CASE(a_label_of_another_device),
		CASE(another_run_does_not_end),
		CASE(nowhere_to_write_to),
		CASE(a_device_that_is_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
