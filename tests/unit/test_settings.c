/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key table: defaults, what is taken, and errors that name the thing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/settings.h"
#include "show/settings_text.h"

static void apply_ok(struct settings *s, const char *section, const char *key, const char *value)
{
	struct request_error e;

	if (settings_apply(s, section, key, value, &e) < 0)
		fail_msg("[%s] %s = %s: %s", section, key, value, e.text);
}

static void has_documented_defaults(void **state _unused_)
{
	struct request_error e;
	struct settings s;

	settings_init(&s, sections_all);
	assert_int_equal(settings_finish(&s, &e), 0);
	assert_string_equal(s.run_dir, "/run/vipsafe");
	assert_string_equal(s.socket, "/run/vipsafe/control.sock");
	assert_string_equal(s.group, "vipsafe");
	assert_string_equal(s.textfile, "");
	assert_true(s.pin_timeout == 500 * USEC_PER_MSEC);
	assert_true(s.hold_max == 500 * USEC_PER_MSEC);
	assert_true(s.timeout == 10 * USEC_PER_SEC);
	assert_int_equal(s.hold, HOLD_AUTO);
	assert_int_equal(s.on_stop, STOP_KEEP);
	assert_int_equal(s.announce.count, 5);
	assert_true(s.announce.interval == 0);
	assert_int_equal(s.announce.again, 5);
	assert_true(s.announce.again_after == 5 * USEC_PER_SEC);
	assert_int_equal(s.n_devices, 0);
	settings_done(&s);
}

static void takes_every_key(void **state _unused_)
{
	struct request_error e;
	struct settings s;

	settings_init(&s, sections_all);
	apply_ok(&s, "agent", "run_dir", "/tmp/v");
	apply_ok(&s, "agent", "netns", "blue");
	assert_string_equal(s.netns, "/run/netns/blue");
	apply_ok(&s, "agent", "netns", "/proc/7/ns/net");
	assert_string_equal(s.netns, "/proc/7/ns/net");
	apply_ok(&s, "agent", "group", "ops");
	apply_ok(&s, "agent", "pin_deadline", "250ms");
	apply_ok(&s, "agent", "hold_max", "10s");
	apply_ok(&s, "agent", "hold", "iptables");
	apply_ok(&s, "agent", "on_stop", "release");
	apply_ok(&s, "agent", "textfile", "/var/lib/x.prom");
	apply_ok(&s, "agent", "timeout", "1min");
	apply_ok(&s, "agent", "announce_count", "0");
	apply_ok(&s, "agent", "announce_interval", "20ms");
	apply_ok(&s, "agent", "announce_again", "100");
	apply_ok(&s, "agent", "announce_again_after", "0s");
	assert_int_equal(settings_finish(&s, &e), 0);
	assert_string_equal(s.socket, "/tmp/v/control.sock");
	assert_string_equal(s.group, "ops");
	assert_true(s.pin_timeout == 250 * USEC_PER_MSEC);
	assert_true(s.hold_max == 10 * USEC_PER_SEC);
	assert_int_equal(s.hold, HOLD_IPTABLES);
	assert_int_equal(s.on_stop, STOP_RELEASE);
	assert_string_equal(s.textfile, "/var/lib/x.prom");
	assert_true(s.timeout == 60 * USEC_PER_SEC);
	assert_int_equal(s.announce.count, 0);
	assert_true(s.announce.interval == 20 * USEC_PER_MSEC);
	assert_int_equal(s.announce.again, 100);
	assert_true(s.announce.again_after == 0);
	apply_ok(&s, "agent", "textfile", "");
	apply_ok(&s, "agent", "socket", "/tmp/other.sock");
	assert_int_equal(settings_finish(&s, &e), 0);
	assert_string_equal(s.socket, "/tmp/other.sock");
	settings_done(&s);
}

static void keeps_devices_apart(void **state _unused_)
{
	struct request_error e;
	struct settings s;

	settings_init(&s, sections_all);
	apply_ok(&s, "device br-mgmt", "pin", "off");
	assert_int_equal(settings_section(&s, "device  eth1", &e), 0);
	apply_ok(&s, "device eth1", "pin_after", "3s");
	apply_ok(&s, "device br-mgmt", "pin_after", "0ms");
	apply_ok(&s, "device br-mgmt", "linger", "0");
	assert_int_equal(s.n_devices, 2);
	assert_string_equal(s.devices[0].name, "br-mgmt");
	assert_int_equal(s.devices[0].pin, PIN_OFF);
	assert_true(s.devices[0].pin_after == 0);
	assert_true(s.devices[0].linger == 0);
	assert_true(s.devices[1].linger == 5 * USEC_PER_SEC);
	assert_string_equal(s.devices[1].name, "eth1");
	assert_int_equal(s.devices[1].pin, PIN_CONTINUOUS);
	assert_true(s.devices[1].pin_after == 3 * USEC_PER_SEC);
	settings_done(&s);
}

static const struct {
	const char *section, *key, *value, *says;
} bad_keys[] = {
	{ "", "run_dir", "/x", "before any section" },
	{ "agents", "run_dir", "/x", "unknown section [agents]" },
	{ "instances", "device", "e0", "unknown section [instances]" },
	{ "instance VI_1", "x", "y", "unknown key \"x\" in section [instance VI_1]" },
	{ "lvs-x", "x", "y", "unknown section [lvs-x]" },
	{ "device", "pin", "off", "names no device" },
	{ "device ", "pin", "off", "is empty" },
	{ "devices", "pin", "off", "unknown section [devices]" },
	{ "device a/b", "pin", "off", "\"a/b\"" },
	{ "device e0", "pinned", "off", "unknown key \"pinned\" in section [device e0]" },
	{ "device e0", "pin", "on", "pin: \"on\" is none of continuous, on-demand, off" },
	{ "device e0", "linger", "11min", "linger: \"11min\" is not between 0s and 10min" },
	{ "device e0", "linger", "-1s", "linger: \"-1s\" is not a duration" },
	{ "device e0", "pin_after", "2", "pin_after: \"2\" is not a duration" },
	{ "agent", "colour", "red", "unknown key \"colour\" in section [agent]" },
	{ "agent", "Hold", "auto", "unknown key \"Hold\"" },
	{ "agent", "hold", "none", "hold: \"none\"" },
	{ "agent", "hold", "", "hold: \"\"" },
	{ "agent", "run_dir", "run", "run_dir: \"run\" is not an absolute path" },
	{ "agent", "run_dir", "", "run_dir: \"\"" },
	{ "agent", "netns", "",
	  "netns \"\" is neither a name of ip-netns(8) nor an absolute path" },
	{ "agent", "netns", "..", "netns \"..\" is neither" },
	{ "agent", "netns", "a/b", "netns \"a/b\" is neither" },
	{ "agent", "group", "", "group: \"\"" },
	{ "agent", "group", "a b", "group: \"a b\"" },
	{ "agent", "pin_deadline", "0s", "pin_deadline: \"0s\" is not between 1ms and 1min" },
	{ "agent", "hold_max", "10001ms", "hold_max: \"10001ms\" is not between 1ms and 10s" },
	{ "agent", "timeout", "18446744073709551616s", "is not between" },
	{ "agent", "timeout", "10 s", "timeout: \"10 s\"" },
	{ "agent", "announce_count", "101",
	  "announce_count: \"101\" is not a number from 0 to 100" },
	{ "agent", "announce_count", "-1", "announce_count: \"-1\"" },
	{ "agent", "announce_again", "", "announce_again: \"\"" },
	{ "agent", "announce_interval", "\033", "announce_interval: \"\\x1b\"" },
};

static void names_what_is_wrong(void **state _unused_)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_keys); i++) {
		struct request_error e = { "" };
		struct settings s;
		int r;

		settings_init(&s, sections_all);
		r = settings_apply(&s, bad_keys[i].section, bad_keys[i].key, bad_keys[i].value, &e);
		settings_done(&s);
		if (r != -EINVAL)
			fail_msg("[%s] %s = %s is accepted", bad_keys[i].section, bad_keys[i].key,
				 bad_keys[i].value);
		if (!strstr(e.text, bad_keys[i].says))
			fail_msg("\"%s\" does not say \"%s\"", e.text, bad_keys[i].says);
	}
}

static void refuses_paths_no_socket_fits_in(void **state _unused_)
{
	char path[SETTINGS_PATH_MAX + 1];
	struct request_error e;
	struct settings s;

	settings_init(&s, sections_all);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[SETTINGS_PATH_MAX] = '\0';
	assert_int_equal(settings_apply(&s, "agent", "run_dir", path, &e), -EINVAL);
	assert_non_null(strstr(e.text, "longer than 107"));
	path[SETTINGS_PATH_MAX - 1] = '\0';
	apply_ok(&s, "agent", "run_dir", path);
	assert_int_equal(settings_finish(&s, &e), -EINVAL);
	assert_non_null(strstr(e.text, "run_dir"));
	/* the longest that fits: 107 characters with the file's name */
	path[SETTINGS_PATH_MAX - 1 - strlen("/keepalived.fifo")] = '\0';
	apply_ok(&s, "agent", "run_dir", path);
	assert_int_equal(settings_finish(&s, &e), 0);
	assert_int_equal(strlen(s.fifo), SETTINGS_PATH_MAX - 1);
	settings_done(&s);
}

static const struct {
	const char *text;
	int r;
	usec_t usec;
} durations[] = {
	{ "250us", 0, 250 },
	{ "500ms", 0, 500000 },
	{ "2s", 0, 2000000 },
	{ "1min", 0, 60000000 },
	{ "3h", 0, 10800000000ULL },
	{ "0s", 0, 0 },
	{ "007ms", 0, 7000 },
	{ "", -EINVAL, 0 },
	{ "s", -EINVAL, 0 },
	{ "5", -EINVAL, 0 },
	{ "5 s", -EINVAL, 0 },
	{ " 5s", -EINVAL, 0 },
	{ "-5s", -EINVAL, 0 },
	{ "+5s", -EINVAL, 0 },
	{ "5.5s", -EINVAL, 0 },
	{ "5S", -EINVAL, 0 },
	{ "5sec", -EINVAL, 0 },
	{ "5m", -EINVAL, 0 },
	{ "5ss", -EINVAL, 0 },
	{ "18446744073709551614us", 0, 18446744073709551614ULL },
	{ "18446744073709551615us", -ERANGE, 0 },
	{ "18446744073709552s", -ERANGE, 0 },
	{ "99999999999999999999999999999999999999s", -ERANGE, 0 },
};

static void reads_durations(void **state _unused_)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(durations); i++) {
		usec_t d = 4711;
		int r = duration_parse(durations[i].text, &d);

		if (r != durations[i].r || d != (r < 0 ? 4711 : durations[i].usec))
			fail_msg("\"%s\" gives %d, %llu", durations[i].text, r,
				 (unsigned long long)d);
	}
}

static void writes_durations(void **state _unused_)
{
	char buf[DURATION_TEXT_MAX];

	assert_string_equal(duration_format(0, buf), "0s");
	assert_string_equal(duration_format(1500, buf), "1500us");
	assert_string_equal(duration_format(500000, buf), "500ms");
	assert_string_equal(duration_format(90 * USEC_PER_SEC, buf), "90s");
	assert_string_equal(duration_format(7200 * USEC_PER_SEC, buf), "2h");
}

static void escapes_text(void **state _unused_)
{
	char buf[16], again[16];

	assert_string_equal(text_escape("plain", buf, sizeof(buf)), "plain");
	assert_string_equal(text_escape("a\n\x7f\x9b", buf, sizeof(buf)), "a\\x0a\\x7f\\x9b");
	assert_string_equal(text_escape(buf, again, sizeof(again)), buf);
	assert_string_equal(text_escape("0123456789abcde", buf, sizeof(buf)), "0123456789abcde");
	assert_string_equal(text_escape("0123456789abcdef", buf, sizeof(buf)), "0123456789ab...");
	/* an escape is never cut in two */
	assert_string_equal(text_escape("0123456789\n\n\n", buf, sizeof(buf)), "0123456789...");
}

struct kinds {
	usec_t seconds;
	double rate;
	bool flag;
	char list[64];
};

static int list_add(void *base, const char *value, struct request_error *ret_error)
{
	struct kinds *k = base;

	if (!strcmp(value, "bad"))
		return request_error_set(ret_error, "\"bad\" is no good");
	strncat(k->list, value, sizeof(k->list) - strlen(k->list) - 1);
	return 0;
}

static const struct setting kinds[] = {
	{ "seconds", SETTING_SECONDS, offsetof(struct kinds, seconds), "120", "x", 0, HOUR },
	{ "rate", SETTING_RATE, offsetof(struct kinds, rate), "0.25", "x", 0, 10 },
	{ "flag", SETTING_BOOL, offsetof(struct kinds, flag), "yes", "x" },
	{ "list", SETTING_LIST, 0, NULL, "x", .add = list_add, .shape = "WORD" },
	{ NULL },
};

static const struct {
	const char *key, *value, *says; /* NULL: it is taken */
} kind_cases[] = {
	{ "seconds", "7", NULL },
	{ "seconds", "7ms", NULL },
	{ "seconds", "3601", "is not between 0s and 1h" },
	{ "seconds", "-1", "is not a duration" },
	{ "rate", "10", NULL },
	{ "rate", "0.000001", NULL },
	{ "rate", "10.1", "from 0 to 10" },
	{ "rate", ".5", "such as 0.25" },
	{ "rate", "1.", "such as 0.25" },
	{ "rate", "1e1", "such as 0.25" },
	{ "rate", "nan", "such as 0.25" },
	{ "rate", "", "such as 0.25" },
	{ "flag", "no", NULL },
	{ "flag", "true", "none of yes, no" },
	{ "list", "b", NULL },
	{ "list", "c", NULL },
	{ "list", "bad", "is no good" },
};

static void knows_each_kind_of_value(void **state _unused_)
{
	struct kinds k = { .list = "a" };
	size_t i;

	setting_init(kinds, &k);
	assert_true(k.seconds == SEC(120) && k.rate == 0.25 && k.flag);
	for (i = 0; i < ARRAY_SIZE(kind_cases); i++) {
		const struct setting *key = setting_find(kinds, kind_cases[i].key);
		struct request_error e = { "" };
		int r = setting_set(key, kind_cases[i].value, &k, &e);

		assert_int_equal(r, kind_cases[i].says ? -EINVAL : 0);
		if (kind_cases[i].says && !strstr(e.text, kind_cases[i].says))
			fail_msg("\"%s\" does not say \"%s\"", e.text, kind_cases[i].says);
	}
	assert_true(k.seconds == MSEC(7) && !k.flag);
	assert_true(k.rate > 0.0000009 && k.rate < 0.0000011);
	assert_string_equal(k.list, "abc");
	assert_null(setting_find(kinds, "lists"));
}

/* The manual and the default file are printed from the tables. */
static void tables_tell_what_each_key_is_for(void **state _unused_)
{
	const struct setting_section *c;
	size_t i;

	for (i = 0; (c = sections_all[i]) != NULL; i++) {
		const struct setting *k;

		assert_true(c->word && c->help && *c->help && !c->placeholder == !c->example);
		for (k = c->keys; k->name; k++) {
			const char *line, *end;
			char range[160] = "";

			assert_true(*setting_range(k, range, sizeof(range)));
			assert_true(k->initial || k->shape);
			if (!k->help || !*k->help)
				fail_msg("[%s] %s has no help", c->word, k->name);
			for (line = k->help; line; line = end ? end + 1 : NULL) {
				end = strchr(line, '\n');
				if ((end ? (size_t)(end - line) : strlen(line)) > 78)
					fail_msg("[%s] %s: a line is too long", c->word, k->name);
			}
		}
	}
	assert_true(i >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_documented_defaults),
		cmocka_unit_test(takes_every_key),
		cmocka_unit_test(keeps_devices_apart),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(refuses_paths_no_socket_fits_in),
		cmocka_unit_test(knows_each_kind_of_value),
		cmocka_unit_test(tables_tell_what_each_key_is_for),
		cmocka_unit_test(reads_durations),
		cmocka_unit_test(writes_durations),
		cmocka_unit_test(escapes_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
