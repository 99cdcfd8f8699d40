/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What "vipsafe status" and "vipsafe plan" look like, letter by letter, and what
 * they say in JSON. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include "show/history.h"
#include "show/history_line.h"
#include "show/report_text.h"
#include "show/status.h"
#include "lib/screen.h"

#define NOW (5000 * USEC_PER_SEC)
#define WALL ((usec_t)1796007480 * USEC_PER_SEC) /* 2026-11-30 02:58:00 UTC */

/* AGO seconds ago, on both clocks. */
static struct history_time before(unsigned ago)
{
	return (struct history_time){ NOW - ago * USEC_PER_SEC, WALL - ago * USEC_PER_SEC };
}

static struct prefix prefix(uint8_t last, uint8_t len)
{
	const uint8_t ip[4] = { 192, 168, 11, last };

	return (struct prefix){ .addr = addr_make(AF_INET, ip), .len = len };
}

static struct report make_report(enum op op, uint8_t last)
{
	struct report r;

	memset(&r, 0, sizeof(r));
	r.op = op;
	snprintf(r.id, sizeof(r.id), "0123456789%02x", last);
	strcpy(r.device, "br-mgmt");
	r.addresses[0] = prefix(last, 32);
	r.outcomes[0] = VIP_CHANGED;
	r.n_addresses = 1;
	r.changed = true;
	r.kernel = KERNEL_AFFECTED;
	r.strategy = STRATEGY_PIN;
	r.hold = HOLD_NFT;
	r.entries.snapshot = 1500;
	r.entries.candidates = 1432;
	r.entries.pinned = 1432;
	r.entries.skipped = 68;
	r.entries.reasons[SKIP_NOT_NAT] = 60;
	r.entries.reasons[SKIP_CLOSING] = 8;
	r.timing.total = 3200;
	r.timing.expected_gap = 5;
	r.by = (struct asker){ .is_known = true, .pid = 4711, .command = "vipsafe" };
	return r;
}

struct scene {
	struct status status;
	struct status_device devices[2];
	struct survey survey;
	struct survey_address addresses[3];
};

static json_t *make_operations(void)
{
	struct report del = make_report(OP_DEL, 101), add = make_report(OP_ADD, 100);
	_cleanup_free_ char *a = history_line(&add, before(3700));
	_cleanup_free_ char *d = history_line(&del, before(12));
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text, "%s\n%s\n", a, d) > 0);
	return history_parse(text, 100, (struct history_now){ NOW, WALL });
}

static void make(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->devices[0] = (struct status_device){ .device = "br-mgmt",
						.state = "live",
						.mode = PIN_CONTINUOUS,
						.hold = HOLD_NFT,
						.pinned = 1432,
						.unpinned = 3,
						.pins = 2000,
						.removed = 7 };
	s->devices[1] = (struct status_device){ .device = "bond0.1204",
						.state = "live",
						.mode = PIN_ON_DEMAND,
						.hold = HOLD_IPTABLES,
						.unpinned = 120345 };
	s->addresses[0] = (struct survey_address){ "br-mgmt", prefix(7, 24), USABLE_YES };
	s->addresses[1] = (struct survey_address){ "br-mgmt", prefix(100, 32), USABLE_YES };
	s->addresses[2] = (struct survey_address){ "bond0.1204", prefix(101, 32), USABLE_YES };
	s->survey = (struct survey){ .addresses = s->addresses,
				     .n_addresses = 3,
				     .addresses_known = true,
				     .conntrack_known = true,
				     .entries = 123456,
				     .entries_max = 262144,
				     .ipv4 = KERNEL_AFFECTED,
				     .ipv6 = KERNEL_FIXED };
	s->status = (struct status){ .version = "0.1.0",
				     .pid = 4711,
				     .uptime = 11520 * USEC_PER_SEC,
				     .devices = s->devices,
				     .n_devices = 2,
				     .survey = &s->survey,
				     .operations = make_operations(),
				     .now = NOW,
				     .wall = WALL,
				     .columns = 80 };
}

static void done(struct scene *s)
{
	json_decref(s->status.operations);
}

static __attribute__((noinline)) char *shown(const struct status *s, bool verbose)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	status_print(s, verbose, out);
	fclose(out);
	return text;
}

static void fits(const char *text, size_t columns)
{
	const char *line;

	for (line = text; *line; line = strchr(line, '\n') + 1)
		if (strcspn(line, "\n") > columns)
			fail_msg("wider than %zu: %.*s", columns, (int)strcspn(line, "\n"), line);
}

static void it_looks_like_this_at_80_columns(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;
	struct scene s;

	make(&s);
	text = shown(&s.status, false);
	screen_is("status", text);
	done(&s);
}

static void losses_and_what_is_left_alone_are_shown(void **state _unused_)
{
	_cleanup_free_ char *text = NULL, *quiet = NULL;
	struct scene s;

	make(&s);
	quiet = shown(&s.status, false);
	assert_null(strstr(quiet, "lost since"));
	assert_null(strstr(quiet, "altered"));
	s.devices[0].lost = 5, s.devices[1].altered = 3, s.devices[1].helpers = 2;
	text = shown(&s.status, false);
	assert_non_null(strstr(text, "\nbr-mgmt: 5 connections lost since the start\n"));
	assert_non_null(strstr(text,
			       "\nbond0.1204: 3 connections altered by somebody else (as IPVS "
			       "does) are left alone\n"));
	assert_non_null(strstr(text, "\nbond0.1204: 2 connections skipped: helper "));
	done(&s);
}

static void what_lingers_is_shown(void **state _unused_)
{
	_cleanup_free_ char *text = NULL, *quiet = NULL;
	json_t *o, *device, *one;
	struct scene s;

	make(&s);
	quiet = shown(&s.status, false);
	assert_null(strstr(quiet, "linger"));
	s.devices[0].linger = 5 * USEC_PER_SEC;
	s.devices[0].lingering_addresses = STATUS_LINGERING_MAX + 3;
	s.devices[0].lingering_entries = 4711;
	s.devices[0].linger_ends[2] = 9;
	for (size_t i = 0; i < STATUS_LINGERING_MAX; i++)
		s.devices[0].lingering[i] =
			(struct status_lingering){ .addr = prefix((uint8_t)(10 + i), 32).addr,
						   .entries = 20,
						   .age = 1750 * USEC_PER_MSEC,
						   .left = 3250 * USEC_PER_MSEC };
	s.devices[0].lingering[1].link_down = true;
	text = shown(&s.status, false);
	assert_non_null(strstr(text, "\nbr-mgmt: 192.168.11.10 is gone; its 20 connections linger "
				     "for 3.2 s more\n"));
	assert_non_null(strstr(text, "\nbr-mgmt: 192.168.11.11 is gone; its 20 connections linger "
				     "while the link is down\n"));
	assert_non_null(strstr(text, "\nbr-mgmt: 3 more addresses are gone, whose connections "
				     "linger\n"));
	o = status_json_new(&s.status);
	device = json_array_get(json_object_get(o, "devices"), 0);
	assert_int_equal(json_integer_value(json_object_get(device, "linger_us")), 5000000);
	assert_int_equal(json_integer_value(json_object_get(device, "lingering_addresses")), 19);
	assert_int_equal(json_integer_value(json_object_get(device, "lingering_entries")), 4711);
	assert_int_equal(json_integer_value(json_object_get(device, "linger_heard")), 9);
	one = json_object_get(device, "lingering");
	assert_int_equal(json_array_size(one), STATUS_LINGERING_MAX);
	one = json_array_get(one, 1);
	assert_string_equal(json_string_value(json_object_get(one, "address")), "192.168.11.11");
	assert_int_equal(json_integer_value(json_object_get(one, "for_us")), 1750000);
	assert_int_equal(json_integer_value(json_object_get(one, "left_us")), 3250000);
	assert_true(json_is_true(json_object_get(one, "link_down")));
	json_decref(o);
	done(&s);
}

static void it_fits_40_columns(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;
	struct scene s;

	make(&s);
	s.status.columns = 40;
	text = shown(&s.status, false);
	assert_non_null(strstr(text, "\nbr-mgmt\n"
				     "  PROTECTION  continuous\n"
				     "  IN FORCE    yes\n"));
	fits(strstr(text, "\nbr-mgmt\n"), 40);
	done(&s);
}

static void codes_are(const struct scene *s, const char *expected)
{
	struct findings f = { 0 };
	char codes[256] = "";
	size_t i, n = 0;

	status_findings(&s->status, &f);
	for (i = 0; i < f.n; i++)
		n += (size_t)snprintf(codes + n, sizeof(codes) - n, "%s%s", i ? " " : "",
				      f.list[i].code);
	assert_string_equal(codes, expected);
	findings_done(&f);
}

static void what_is_observed_is_not_protected(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;
	struct scene s;

	make(&s);
	s.devices[0].mode = PIN_OFF;
	s.devices[0].hold = HOLD_OFF;
	s.devices[0].ends[END_RETRANSLATED] = 3;
	assert_string_equal(status_protection(&s.devices[0]), "observing");
	assert_false(status_in_force(&s.devices[0]));
	codes_are(&s, ""); /* and nothing is wrong with that */
	text = shown(&s.status, false);
	assert_non_null(strstr(text, "br-mgmt     observing   -         live  "));
	assert_non_null(strstr(text, "br-mgmt: only observed (pin = off): its connections are "
				     "not protected\n"));
	assert_non_null(strstr(text, "br-mgmt: 3 connections came to be translated to another "
				     "port: vipsafe explain\n"));
	s.devices[0].state = "degraded";
	strcpy(s.devices[0].reason, "no conntrack");
	codes_are(&s, "not-in-force");
	done(&s);
}

static void what_is_wrong_is_said(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;
	struct scene s;

	make(&s);
	codes_are(&s, "");
	s.devices[0].refused = true;
	codes_are(&s, "mismatch");
	s.devices[0].refused = false;
	s.devices[0].quarantined = true;
	codes_are(&s, "quarantined");
	assert_false(status_in_force(&s.devices[0]));
	s.devices[1].state = "degraded";
	strcpy(s.devices[1].reason, "no conntrack");
	codes_are(&s, "quarantined not-in-force");
	text = shown(&s.status, false);
	assert_non_null(strstr(text, "br-mgmt     continuous  NO        live, quarantined  "));
	assert_non_null(
		strstr(text, "warning: not-in-force: bond0.1204: degraded: no conntrack\n"));
	s.devices[0].quarantined = false;
	s.devices[0].hold = HOLD_OFF;
	s.devices[1].state = "live";
	codes_are(&s, "no-hold");
	s.devices[0].hold = HOLD_NFT;
	s.devices[0].full = true;
	codes_are(&s, "limit-reached");
	s.devices[0].full = false;
	s.devices[0].unproven = 7;
	codes_are(&s, "unproven");
	s.devices[0].unproven = 0;
	s.devices[0].unsaved = 1;
	s.devices[0].unsaved_error = -ENOSPC;
	codes_are(&s, "not-saved");
	s.devices[0].unsaved = 0;
	strcpy(s.status.config_error, "it is \033[2J bad");
	codes_are(&s, "config");
	s.status.config_error[0] = '\0';
	s.survey.entries = 250000;
	codes_are(&s, "conntrack-full");
	s.survey.entries = 200000;
	codes_are(&s, "");
	json_object_set_new(json_array_get(s.status.operations, 0), "result",
			    json_string("partial"));
	codes_are(&s, "last-operation");
	done(&s);
}

static void it_says_what_is_wrong_with_an_instance(void **state _unused_)
{
	struct status_instance i = { .name = "VI_1",
				     .device = "br-mgmt",
				     .state = INSTANCE_MASTER,
				     .source = SOURCE_FIFO,
				     .wanted = ACTION_ADD,
				     .present = 1,
				     .addresses = 2,
				     .has_decoy = true,
				     .error = "" };
	_cleanup_free_ char *failed = NULL, *decoy = NULL;
	struct scene s;
	json_t *o;

	make(&s);
	s.status.instances = &i;
	s.status.n_instances = 1;
	s.status.columns = 0;
	codes_are(&s, ""); /* it has not been tried yet */
	assert_int_equal(status_exit_code(&s.status), 0);
	i.error = "192.0.2.9/32 on nodev0: No such device; nothing changed";
	codes_are(&s, "instance-failed");
	assert_int_equal(status_exit_code(&s.status), 4);
	failed = shown(&s.status, false);
	assert_non_null(strstr(failed, "instance VI_1: MASTER by fifo for 0 s, 1 of 2 addresses "
				       "there, NOT ALL THERE\n  FAILED: 192.0.2.9/32 on nodev0"));
	o = status_json_new(&s.status);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(o, "instances"), 0), "error")),
			    i.error);
	json_decref(o);
	i.present = 2; /* somebody else has helped */
	codes_are(&s, "");
	assert_int_equal(status_exit_code(&s.status), 0);
	i.decoy_missing = true;
	codes_are(&s, "decoy-missing");
	decoy = shown(&s.status, false);
	assert_non_null(strstr(decoy, ", the decoy is missing\n"));
	i.decoy_missing = false;
	i.decoy_stale = true;
	codes_are(&s, "decoy-stale");
	assert_int_equal(status_exit_code(&s.status), 0);
	done(&s);
}

/* keepalived is MASTER, and one of its two addresses is not there. */
struct vips {
	struct instance_address list[2];
	bool there[2];
};

static void make_instance(struct status_instance *i, struct vips *v)
{
	*v = (struct vips){ .there = { false, true } };
	v->list[0].vip.prefix = prefix(110, 32);
	v->list[1].vip.prefix = prefix(100, 32);
	strcpy(v->list[0].device, "br-mgmt");
	strcpy(v->list[1].device, "br-mgmt");
	*i = (struct status_instance){ .name = "VI_1",
				       .device = "br-mgmt",
				       .state = INSTANCE_MASTER,
				       .source = SOURCE_DECOY,
				       .wanted = ACTION_ADD,
				       .present = 1,
				       .addresses = 2,
				       .has_decoy = true,
				       .decoy_there = true,
				       .list = v->list,
				       .there = v->there,
				       .error = "vipsafed is not running" };
}

static void without_a_daemon_it_says_so(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;
	struct status_instance i;
	struct vips vips;
	struct scene s;
	json_t *o, *one;

	make(&s);
	s.status.absent = true;
	s.devices[0].state = s.devices[1].state = "unguarded";
	s.devices[0].waits = s.devices[1].waits = true;
	strcpy(s.devices[0].reason, "vipsafed is not running");
	strcpy(s.devices[1].reason, "vipsafed is not running");
	codes_are(&s, "no-daemon");
	make_instance(&i, &vips);
	s.status.instances = &i;
	s.status.n_instances = 1;
	codes_are(&s, "no-daemon instance-failed");
	text = shown(&s.status, false);
	screen_is("status-without-daemon", text);
	o = status_json_new(&s.status);
	assert_true(json_is_false(json_object_get(o, "running")));
	assert_null(json_object_get(o, "pid"));
	one = json_array_get(json_object_get(o, "devices"), 0);
	assert_string_equal(json_string_value(json_object_get(one, "protection")), "continuous");
	assert_true(json_is_false(json_object_get(one, "in_force")));
	one = json_object_get(json_array_get(json_object_get(o, "instances"), 0), "misplaced");
	assert_int_equal(json_array_size(one), 1);
	assert_string_equal(json_string_value(json_array_get(one, 0)), "192.168.11.110/32");
	json_decref(o);
	/* and nothing at all is known */
	s.status.survey = NULL;
	json_decref(s.status.operations);
	s.status.operations = NULL;
	o = status_json_new(&s.status);
	assert_true(json_is_null(json_object_get(o, "conntrack")));
	assert_true(json_is_null(json_object_get(o, "addresses")));
	assert_true(json_is_null(json_object_get(o, "operations")));
	json_decref(o);
	done(&s);
}

static void json_has_it_all(void **state _unused_)
{
	struct scene s;
	json_t *o, *one;

	make(&s);
	o = status_json_new(&s.status);
	assert_non_null(o);
	assert_true(json_is_true(json_object_get(o, "running")));
	assert_int_equal(json_integer_value(json_object_get(o, "pid")), 4711);
	one = json_array_get(json_object_get(o, "devices"), 0);
	assert_string_equal(json_string_value(json_object_get(one, "protection")), "continuous");
	assert_true(json_is_true(json_object_get(one, "in_force")));
	assert_int_equal(json_integer_value(json_object_get(one, "pinned")), 1432);
	one = json_array_get(json_object_get(o, "addresses"), 1);
	assert_string_equal(json_string_value(json_object_get(one, "owner")), "vipsafe");
	one = json_array_get(json_object_get(o, "operations"), 0);
	assert_string_equal(json_string_value(json_object_get(one, "id")), "012345678965");
	assert_int_equal(json_array_size(json_object_get(o, "warnings")), 0);
	json_decref(o);
	done(&s);
}

static void a_plan_looks_like_this(void **state _unused_)
{
	struct report r = make_report(OP_DEL, 100);
	char *out_text = NULL, *err_text = NULL;
	size_t size;
	FILE *out = open_memstream(&out_text, &size), *err = open_memstream(&err_text, &size);

	r.plan = true;
	r.changed = false;
	r.entries.pinned = 1100;
	r.preview.exposed = 332;
	report_text_print(&r, false, out, err);
	fclose(out);
	fclose(err);
	screen_is("plan", out_text);
	assert_string_equal(err_text, "");
	free(out_text);
	free(err_text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_looks_like_this_at_80_columns),
		cmocka_unit_test(losses_and_what_is_left_alone_are_shown),
		cmocka_unit_test(what_lingers_is_shown),
		cmocka_unit_test(it_fits_40_columns),
		cmocka_unit_test(what_is_observed_is_not_protected),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(it_says_what_is_wrong_with_an_instance),
		cmocka_unit_test(without_a_daemon_it_says_so),
		cmocka_unit_test(json_has_it_all),
		cmocka_unit_test(a_plan_looks_like_this),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
