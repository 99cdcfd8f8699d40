/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe status --check: which status is all right, and the one line about what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/status_check.h"
#include "show/status.h"

struct scene {
	struct status status;
	struct status_device devices[2];
	struct status_instance instances[2];
};

/* All is well: a device is guarded, one instance is MASTER, the other one BACKUP. */
static void scene_make(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->devices[0] = (struct status_device){ .device = "br-mgmt",
						.state = "live",
						.mode = PIN_CONTINUOUS };
	s->devices[1] =
		(struct status_device){ .device = "bond0", .state = "live", .mode = PIN_ON_DEMAND };
	s->instances[0] = (struct status_instance){ .name = "VI_1",
						    .state = INSTANCE_MASTER,
						    .wanted = ACTION_ADD,
						    .present = 2,
						    .addresses = 2,
						    .error = "" };
	s->instances[1] = (struct status_instance){ .name = "VI_2",
						    .state = INSTANCE_BACKUP,
						    .wanted = ACTION_DEL,
						    .addresses = 1,
						    .error = "" };
	s->status = (struct status){ .version = "0.1.0",
				     .devices = s->devices,
				     .n_devices = 2,
				     .instances = s->instances,
				     .n_instances = 2 };
}

static void judged(const struct scene *s, const char *instance, int code, const char *expected)
{
	char why[STATUS_CHECK_TEXT_MAX];
	json_t *o = status_json_new(&s->status);

	assert_int_equal(status_check(o, instance, why), code);
	assert_string_equal(why, expected);
	json_decref(o);
}

static void what_is_in_force_is_all_right(void **state _unused_)
{
	struct scene s;

	scene_make(&s);
	judged(&s, NULL, 0, "");
	judged(&s, "VI_1", 0, "");
	judged(&s, "VI_2", 0, "");
	s.instances[0].state = INSTANCE_UNKNOWN; /* keepalived has not said anything yet */
	s.instances[0].wanted = ACTION_NONE;
	s.instances[0].present = 0;
	judged(&s, "VI_1", 0, "");
	s.status.n_instances = 0;
	judged(&s, NULL, 0, "");
	s.status.n_devices = 0;
	judged(&s, NULL, STATUS_CODE_UNKNOWN, "no device is guarded");
}

static void a_guard_that_does_not_work_is_told(void **state _unused_)
{
	struct scene s;

	scene_make(&s);
	s.devices[1].state = "degraded";
	strcpy(s.devices[1].reason, "no conntrack \033[2J");
	judged(&s, NULL, STATUS_CODE_UNKNOWN,
	       "bond0: on demand is not in force: degraded: no conntrack \\x1b[2J");
	judged(&s, "VI_1", 0, ""); /* only this one was asked for */
	scene_make(&s);
	s.devices[0].quarantined = true;
	judged(&s, NULL, STATUS_CODE_UNKNOWN,
	       "br-mgmt: continuous is not in force: live, quarantined");
}

static void an_address_that_is_not_in_place_is_told(void **state _unused_)
{
	struct scene s;

	scene_make(&s);
	s.instances[0].present = 1;
	judged(&s, NULL, STATUS_CODE_UNKNOWN,
	       "VI_1 is MASTER, and 1 of its 2 addresses is MISSING");
	judged(&s, "VI_1", STATUS_CODE_UNKNOWN,
	       "VI_1 is MASTER, and 1 of its 2 addresses is MISSING");
	judged(&s, "VI_2", 0, "");
	s.instances[0].moving = true;
	judged(&s, "VI_1", 0, "");
	s.instances[0].moving = false;
	s.instances[0].error = "No such device";
	judged(&s, "VI_1", STATUS_CODE_UNKNOWN,
	       "VI_1 is MASTER, and 1 of its 2 addresses is MISSING: No such device");
	s.instances[1].present = 1;
	judged(&s, "VI_2", STATUS_CODE_UNKNOWN,
	       "VI_2 is BACKUP, and 1 of its 1 addresses is STILL THERE");
	judged(&s, "VI_3", EXIT_USAGE, "there is no instance \"VI_3\"");
}

static void without_a_daemon_only_an_instance_can_be_all_right(void **state _unused_)
{
	struct scene s;
	size_t i;

	scene_make(&s);
	s.status.absent = true;
	for (i = 0; i < 2; i++) {
		s.devices[i].state = "unguarded";
		s.devices[i].waits = true;
		s.instances[i].error = "vipsafed is not running";
	}
	judged(&s, NULL, STATUS_CODE_NOT_RUNNING, "vipsafed is not running");
	judged(&s, "VI_1", 0, "");
	s.instances[0].present = 0;
	judged(&s, "VI_1", STATUS_CODE_NOT_RUNNING,
	       "VI_1 is MASTER, and 2 of its 2 addresses are MISSING: vipsafed is not running");
}

static void knows_whether_conntrackd_is_in_sync(void **state _unused_)
{
	struct instance_settings list[2] = { { .name = "VI_1", .conntrackd = true },
					     { .name = "VI_2", .conntrackd = true } };
	const struct settings settings = { .instances = list, .n_instances = 2 };
	struct conntrackd_stats said = { .answered = true, .internal = true, .external = true };
	char why[STATUS_CHECK_TEXT_MAX];
	struct scene s;
	json_t *o;

	scene_make(&s);
	o = status_json_new(&s.status);
	assert_true(status_check_asks_conntrackd(&settings, NULL));
	assert_true(status_check_asks_conntrackd(&settings, "VI_2"));
	assert_false(status_check_asks_conntrackd(&settings, "VI_3"));
	/* VI_1 is MASTER and has the connections; VI_2 has heard of none */
	assert_int_equal(status_check_conntrackd(o, "VI_1", &settings, &said, why), 0);
	assert_int_equal(status_check_conntrackd(o, "VI_2", &settings, &said, why), 4);
	assert_string_equal(why, "VI_2 is not in sync: conntrackd has heard nothing of the other "
				 "node");
	assert_int_equal(status_check_conntrackd(o, NULL, &settings, &said, why), 4);
	said.received = said.learned = 7;
	assert_int_equal(status_check_conntrackd(o, NULL, &settings, &said, why), 0);
	assert_string_equal(why, "");
	said.answered = false;
	assert_int_equal(status_check_conntrackd(o, "VI_1", &settings, &said, why), 4);
	list[0].conntrackd = list[1].conntrackd = false;
	assert_int_equal(status_check_conntrackd(o, NULL, &settings, &said, why), 0);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_force_is_all_right),
		cmocka_unit_test(a_guard_that_does_not_work_is_told),
		cmocka_unit_test(an_address_that_is_not_in_place_is_told),
		cmocka_unit_test(without_a_daemon_only_an_instance_can_be_all_right),
		cmocka_unit_test(knows_whether_conntrackd_is_in_sync),
	};

	return cmocka_run_group_tests_name("status --check", tests, NULL, NULL);
}
