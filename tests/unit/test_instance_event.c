/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keepalived's words, as lines and as arguments, and [instance] of the
 * configuration, and the line that keeps what was said. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keepalived/instance.h"
#include "keepalived/instance_event.h"
#include "keepalived/decoy.h"
#include "keepalived/instance_settings.h"
#include "show/settings_text.h"
#include "../lib/random.h"

static int parse_line(const char *text, struct instance_event *ret)
{
	struct request_error e = { "" };
	int r = instance_event_line(ret, text, strlen(text), &e);

	if (r == -EINVAL)
		assert_true(e.text[0]);
	return r;
}

static void reads_lines(void **state _unused_)
{
	static const struct {
		const char *line, *name;
		bool group;
		enum instance_state state;
		unsigned priority;
	} good[] = {
		{ "INSTANCE \"VI_1\" MASTER 100", "VI_1", false, INSTANCE_MASTER, 100 },
		{ "INSTANCE \"VI_1\" BACKUP 0", "VI_1", false, INSTANCE_BACKUP, 0 },
		{ "INSTANCE \"VI 2 x\" FAULT 155", "VI 2 x", false, INSTANCE_FAULT, 155 },
		{ "INSTANCE \"a\"b\" STOP 255", "a\"b", false, INSTANCE_STOP, 255 },
		{ "INSTANCE \"VI_1\" MASTER", "VI_1", false, INSTANCE_MASTER, 0 },
		{ "INSTANCE \"VI_1\" DELETED 1", "VI_1", false, INSTANCE_DELETED, 1 },
		{ "GROUP \"VG\" MASTER 0", "VG", true, INSTANCE_MASTER, 0 },
		{ "INSTANCE \"VI_1\" MASTER_RX_LOWER_PRI 100", "VI_1", false, INSTANCE_UNKNOWN,
		  100 },
		{ "INSTANCE \"VI_1\" MASTER_PRIORITY 99", "VI_1", false, INSTANCE_UNKNOWN, 99 },
		{ "INSTANCE \"VI_1\" BACKUP_PRIORITY 99", "VI_1", false, INSTANCE_UNKNOWN, 99 },
		{ "INSTANCE \" \" MASTER 1", " ", false, INSTANCE_MASTER, 1 },
		{ "INSTANCE \"\xc3\xa9\xff\" MASTER 1", "\xc3\xa9\xff", false, INSTANCE_MASTER, 1 },
	};
	struct instance_event e;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		if (parse_line(good[i].line, &e) < 0)
			fail_msg("refused: %s", good[i].line);
		assert_string_equal(e.name, good[i].name);
		assert_int_equal(e.group, good[i].group);
		assert_int_equal(e.state, good[i].state);
		assert_int_equal(e.priority, good[i].priority);
	}
}

static void refuses_other_lines(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		" ",
		"\"",
		"\"\"",
		"INSTANCE",
		"INSTANCE \"VI_1\"",
		"INSTANCE \"VI_1\" ",
		"INSTANCE VI_1 MASTER 100",
		"INSTANCE \"VI_1 MASTER 100",
		"INSTANCE \"\" MASTER 100",
		"INSTANCE \"VI_1\"MASTER 100",
		"INSTANCE \"VI_1\" MASTER  100",
		"INSTANCE \"VI_1\" MASTER 100 ",
		"INSTANCE \"VI_1\" MASTER 100 1",
		"INSTANCE \"VI_1\" MASTER 256",
		"INSTANCE \"VI_1\" MASTER -1",
		"INSTANCE \"VI_1\" MASTER 1e1",
		"INSTANCE \"VI_1\" master 100",
		"INSTANCE \"VI_1\" unknown 100",
		"INSTANCE \"VI_1\" MASTERS 100",
		"INSTANCE \"VI_1\" MASTER\r",
		"INSTANCE \"VI\t1\" MASTER 100",
		"INSTANCE  \"VI_1\" MASTER 100",
		"instance \"VI_1\" MASTER 100",
		"PROCESS \"VI_1\" MASTER 100",
		" INSTANCE \"VI_1\" MASTER 100",
		"\"VI_1\" MASTER 100",
	};
	char text[2 * INSTANCE_LINE_MAX];
	struct request_error error;
	struct instance_event e;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse_line(bad[i], &e) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(instance_event_line(&e, "INSTANCE \"VI\0_1\" MASTER 1", 26, &error),
			 -EINVAL);
	memset(text, 'x', sizeof(text));
	assert_int_equal(instance_event_line(&e, text, sizeof(text), &error), -EINVAL);
	memcpy(text, "INSTANCE \"", 10);
	memcpy(text + 200, "\" MASTER 1", 11); /* a name of 190 characters */
	assert_int_equal(parse_line(text, &e), -EINVAL);
	memcpy(text + 10 + INSTANCE_NAME_MAX - 1, "\" MASTER 1", 11);
	assert_int_equal(parse_line(text, &e), 0);
}

static void leaves_virtual_servers_alone(void **state _unused_)
{
	struct instance_event e;

	assert_int_equal(parse_line("VS [192.168.11.1]:tcp:80 UP", &e), -ENOMSG);
	assert_int_equal(parse_line("RS [10.0.0.1]:tcp:80 [192.168.11.1]:tcp:80 DOWN", &e),
			 -ENOMSG);
}

static void reads_words(void **state _unused_)
{
	char *good[] = { "INSTANCE", "VI \"x\"", "MASTER", "100" };
	char *many[] = { "INSTANCE", "VI", "MASTER", "100", "101" };
	struct request_error error;
	struct instance_event e;

	assert_int_equal(instance_event_words(&e, 4, good, &error), 0);
	assert_string_equal(e.name, "VI \"x\"");
	assert_int_equal(e.priority, 100);
	assert_int_equal(instance_event_words(&e, 3, good, &error), 0);
	assert_int_equal(instance_event_words(&e, 2, good, &error), -EINVAL);
	assert_non_null(strstr(error.text, "state is missing"));
	assert_int_equal(instance_event_words(&e, 1, good, &error), -EINVAL);
	assert_non_null(strstr(error.text, "name is missing"));
	assert_int_equal(instance_event_words(&e, 0, good, &error), -EINVAL);
	assert_non_null(strstr(error.text, "type is missing"));
	assert_int_equal(instance_event_words(&e, 5, many, &error), -EINVAL);
	assert_non_null(strstr(error.text, "\"101\""));
}

/* ---- configuration --------------------------------------------------------------- */

static void apply(struct settings *s, const char *section, const char *key, const char *value)
{
	struct request_error e = { "" };

	if (settings_apply(s, section, key, value, &e) < 0)
		fail_msg("[%s] %s = %s: %s", section, key, value, e.text);
}

static void refuse(struct settings *s, const char *key, const char *value, const char *why)
{
	struct request_error e = { "" };

	assert_int_equal(settings_apply(s, "instance VI_1", key, value, &e), -EINVAL);
	if (!strstr(e.text, why))
		fail_msg("%s = %s: \"%s\" does not say \"%s\"", key, value, e.text, why);
}

static void reads_an_instance(void **state _unused_)
{
	const struct instance_settings *i;
	struct instance_policy p;
	struct request_error e;
	struct settings s;

	settings_init(&s, sections_all);
	apply(&s, "agent", "announce_count", "7");
	apply(&s, "instance VI 1", "device", "br-mgmt");
	apply(&s, "instance VI 1", "address", "192.168.11.100/32 label br-mgmt:1");
	apply(&s, "instance VI 1", "address", "fd00::1 dev  eth9 metric 5");
	apply(&s, "instance VI 1", "decoy", "169.254.77.1/32 dev lo");
	apply(&s, "instance VI 1", "fault", "keep");
	apply(&s, "instance VI 1", "garp_interval", "10ms");
	apply(&s, "instance VI 1", "group", "VG 1");
	assert_int_equal(settings_finish(&s, &e), 0);
	assert_string_equal(s.fifo, "/run/vipsafe/keepalived.fifo");
	assert_null(instance_settings_find(&s, "VI_1"));
	i = instance_settings_find(&s, "VI 1");
	assert_non_null(i);
	assert_int_equal(i->n_addresses, 2);
	assert_string_equal(i->addresses[0].device, "br-mgmt");
	assert_string_equal(i->addresses[0].vip.label, "br-mgmt:1");
	assert_string_equal(i->addresses[1].device, "eth9");
	assert_int_equal(i->addresses[1].vip.metric, 5);
	assert_int_equal(i->addresses[1].vip.prefix.len, 128);
	assert_true(i->has_decoy);
	assert_int_equal(i->announce.count, 7); /* as in [agent] */
	assert_int_equal(i->announce.interval, 10 * USEC_PER_MSEC);
	p = instance_settings_policy(i);
	assert_true(p.is_ours && p.add && p.del_backup && !p.del_fault && p.del_stop);
	/* its devices are guarded, the loopback is not */
	assert_int_equal(s.n_devices, 2);
	assert_string_equal(s.devices[0].name, "br-mgmt");
	assert_string_equal(s.devices[1].name, "eth9");
	assert_int_equal(s.devices[1].pin, PIN_CONTINUOUS);
	settings_done(&s);
}

static void knows_who_is_meant(void **state _unused_)
{
	struct instance_event e = { .name = "VG" };
	struct settings s;

	settings_init(&s, sections_all);
	apply(&s, "instance VI_1", "group", "VG");
	assert_false(instance_settings_meant(&s.instances[0], &e));
	e.group = true;
	assert_true(instance_settings_meant(&s.instances[0], &e));
	strcpy(e.name, "VI_1");
	assert_false(instance_settings_meant(&s.instances[0], &e));
	e.group = false;
	assert_true(instance_settings_meant(&s.instances[0], &e));
	settings_done(&s);
}

static void refuses_a_bad_instance(void **state _unused_)
{
	struct settings s;

	settings_init(&s, sections_all);
	refuse(&s, "address", "", "no address");
	refuse(&s, "address", "192.168.11.100/33", "192.168.11.100/33");
	refuse(&s, "address", "10.0.0.1/32 10.0.0.2/32", "10.0.0.2/32");
	refuse(&s, "address", "10.0.0.1/32 dev", "needs a value");
	refuse(&s, "address", "10.0.0.1/32 colour red", "colour");
	refuse(&s, "address", "fd00::1 dad", "dad");
	refuse(&s, "address",
	       "10.0.0.1 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2",
	       "too many words");
	refuse(&s, "device", "a/b", "a/b");
	refuse(&s, "decoy", "lo", "lo");
	refuse(&s, "backup", "delete", "del, keep");
	refuse(&s, "master", "del", "add, keep");
	refuse(&s, "owner", "me", "vipsafe, keepalived");
	refuse(&s, "garp", "101", "0 to 100");
	refuse(&s, "group", "", "no name");
	refuse(&s, "colour", "red", "colour");
	settings_done(&s);
}

static void finish_fails(struct settings *s, const char *why)
{
	struct request_error e = { "" };

	assert_int_equal(settings_finish(s, &e), -EINVAL);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
	settings_done(s);
}

static void refuses_contradictions(void **state _unused_)
{
	struct settings s;

	settings_init(&s, sections_all);
	apply(&s, "instance VI_1", "address", "10.0.0.1/32");
	finish_fails(&s, "10.0.0.1/32 has no device");

	settings_init(&s, sections_all);
	apply(&s, "instance VI_1", "address", "10.0.0.1/32 dev a");
	apply(&s, "instance VI_2", "address", "10.0.0.1/32 dev a");
	finish_fails(&s, "given twice, also in [instance VI_1]");

	settings_init(&s, sections_all);
	apply(&s, "instance VI_1", "device", "a");
	apply(&s, "instance VI_1", "address", "10.0.0.1/32");
	apply(&s, "instance VI_1", "address", "10.0.0.1");
	finish_fails(&s, "given twice");

	/* IPv6 keeps an address once per device */
	settings_init(&s, sections_all);
	apply(&s, "instance VI_1", "device", "a");
	apply(&s, "instance VI_1", "address", "fd00::1/64");
	apply(&s, "instance VI_1", "address", "fd00::1/128");
	finish_fails(&s, "given twice");
}

static void note_line(void *ud, const char *line)
{
	char *all = ud;

	snprintf(all + strlen(all), 512 - strlen(all), "%s\n", line);
}

static void warns_of_what_is_left_out(void **state _unused_)
{
	struct request_error e = { "" };
	char lines[512] = "";
	struct settings s;

	settings_init(&s, sections_all);
	apply(&s, "instance API", "device", "eth0");
	apply(&s, "instance API", "address", "192.0.2.5/32 label vip");
	apply(&s, "instance API", "address", "2001:db8::5/128 label vip");
	assert_int_equal(settings_finish(&s, &e), 0);
	assert_string_equal(s.instances[0].addresses[0].vip.label, "vip");
	assert_string_equal(s.instances[0].addresses[1].vip.label, "");
	instance_settings_warn(&s, note_line, lines);
	assert_string_equal(lines, "section [instance API]: \"label\" is for IPv4 only, and left "
				   "out of 2001:db8::5/128\n");
	settings_done(&s);
}

static void puts_a_decoy_on_the_loopback(void **state _unused_)
{
	const struct instance_settings *i;
	struct request_error e = { "" };
	struct settings s;

	settings_init(&s, sections_all);
	apply(&s, "instance VI_1", "address", "10.0.0.1/32 dev a");
	apply(&s, "instance VI_1", "decoy", "169.254.77.1");
	apply(&s, "instance VI_2", "device", "a");
	apply(&s, "instance VI_2", "address", "10.0.0.2/32");
	apply(&s, "instance VI_2", "decoy", "169.254.77.2/32");
	assert_int_equal(settings_finish(&s, &e), 0);
	i = s.instances;
	assert_string_equal(i[0].decoy.device, "lo");
	assert_string_equal(i[1].decoy.device, "lo");
	assert_false(decoys_need_device(&s));
	settings_done(&s);

	settings_init(&s, sections_all);
	apply(&s, "instance VI_1", "address", "10.0.0.1/32 dev lo");
	apply(&s, "instance VI_1", "decoy", "169.254.77.1 dev " DECOY_DEVICE);
	assert_int_equal(settings_finish(&s, &e), 0);
	assert_true(decoys_need_device(&s));
	settings_done(&s);
}

static void refuses_a_decoy_that_cannot_tell(void **state _unused_)
{
	struct settings s;

	settings_init(&s, sections_all);
	apply(&s, "instance VI_1", "address", "10.0.0.1/32 dev a");
	apply(&s, "instance VI_1", "decoy", "169.254.77.1 dev lo");
	apply(&s, "instance VI_2", "address", "10.0.0.2/32 dev a");
	apply(&s, "instance VI_2", "decoy", "169.254.77.1/30");
	finish_fails(&s, "[instance VI_2]: the decoy 169.254.77.1/30 is that of [instance VI_1]");

	settings_init(&s, sections_all);
	apply(&s, "instance VI_1", "device", "a"); /* whatever its device */
	apply(&s, "instance VI_1", "address", "10.0.0.1/32");
	apply(&s, "instance VI_1", "decoy", "10.0.0.1/24");
	finish_fails(&s, "the decoy 10.0.0.1/24 is an address of [instance VI_1]");

	settings_init(&s, sections_all);
	apply(&s, "instance VI_1", "device", "a");
	apply(&s, "instance VI_1", "address", "10.0.0.1/32");
	apply(&s, "instance VI_1", "decoy", "169.254.77.1/32 dev lo");
	apply(&s, "instance VI_2", "device", "lo");
	apply(&s, "instance VI_2", "address", "169.254.77.1/32");
	finish_fails(&s, "is an address of [instance VI_2]");
}

static void refuses_a_decoy_on_a_guarded_device(void **state _unused_)
{
	static const char *const key[][2] = {
		{ "device b", "pin" },
		{ "instance VI_2", "device" },
		{ "instance VI_2", "address" },
	};
	static const char *const value[] = { "on-demand", "b", "10.0.0.2/32 dev b" };
	struct request_error e = { "" };
	struct settings s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(key); i++) {
		settings_init(&s, sections_all);
		apply(&s, "instance VI_1", "device", "a");
		apply(&s, "instance VI_1", "address", "10.0.0.1/32");
		apply(&s, "instance VI_1", "decoy", "169.254.77.1/32 dev b");
		apply(&s, key[i][0], key[i][1], value[i]);
		finish_fails(&s, "the decoy 169.254.77.1/32 is on b");
	}
	settings_init(&s, sections_all);
	apply(&s, "instance VI_1", "device", "a");
	apply(&s, "instance VI_1", "address", "10.0.0.1/32");
	apply(&s, "instance VI_1", "decoy", "169.254.77.1/32 dev a");
	finish_fails(&s, "the decoy 169.254.77.1/32 is on a");
	settings_init(&s, sections_all);
	apply(&s, "instance VI_1", "address", "10.0.0.1/32 dev a");
	apply(&s, "instance VI_1", "decoy", "169.254.77.1/32 dev b");
	assert_int_equal(settings_finish(&s, &e), 0);
	settings_done(&s);
}

/* ---- what outlives the process ---------------------------------------------------- */

static void is_read_back(void **state _unused_)
{
	struct rnd r = rnd_begin("is_read_back");
	const char *name = "VI 1 \"x\" \xc3\xa9";
	char text[INSTANCE_TEXT_MAX];
	unsigned k;

	for (k = 0; k < 2000; k++) {
		struct instance i = {
			.state = (enum instance_state)rnd(&r, INSTANCE_DELETED + 1),
			.source = (enum instance_source)rnd(&r, SOURCE_DECOY + 1),
			.stamp = rnd(&r, UINT32_MAX),
			.fifo_stamp = rnd(&r, UINT32_MAX),
			.since = rnd(&r, UINT32_MAX),
			.settled = rnd(&r, 2),
			.active = rnd(&r, 2),
			.decoy_seen = rnd(&r, 2),
			.decoy_there = rnd(&r, 2),
			.decoy_stale = rnd(&r, 2),
			.decoy_looked = rnd(&r, 2),
		}, back;

		if (i.decoy_seen) {
			i.decoy_since = rnd(&r, UINT32_MAX);
			i.doubt = (struct instance_doubt){
				.said = rnd(&r, 2) ? INSTANCE_UNKNOWN : INSTANCE_FAULT,
				.source = (enum instance_source)rnd(&r, SOURCE_DECOY + 1),
				.stamp = rnd(&r, UINT32_MAX),
				.due = rnd(&r, UINT32_MAX),
			};
		}

		instance_format(&i, name, text);
		assert_null(strchr(text, '\n'));
		assert_int_equal(instance_parse(&back, text, name, UINT64_MAX), 0);
		assert_int_equal(back.state, i.state);
		assert_int_equal(back.source, i.source);
		assert_true(back.stamp == i.stamp && back.fifo_stamp == i.fifo_stamp &&
			    back.since == i.since);
		assert_int_equal(back.settled, i.settled);
		assert_int_equal(back.active, i.active);
		assert_int_equal(back.decoy_seen, i.decoy_seen);
		assert_int_equal(back.decoy_there, i.decoy_there);
		assert_int_equal(back.decoy_stale, i.decoy_stale);
		assert_int_equal(back.decoy_looked, i.decoy_looked);
		assert_true(back.decoy_since == i.decoy_since &&
			    back.doubt.stamp == i.doubt.stamp && back.doubt.due == i.doubt.due);
		assert_int_equal(back.doubt.said, i.doubt.said);
		assert_int_equal(back.doubt.source, i.doubt.source);
		assert_int_equal(instance_parse(&back, text, "VI 1", UINT64_MAX), -ENOENT);
		/* a stamp from the future would make every later word a late one */
		assert_int_equal(instance_parse(&back, text, name, 7), 0);
		assert_true(back.stamp <= 7 && back.fifo_stamp <= 7 && back.since <= 7 &&
			    back.decoy_since <= 7 && back.doubt.due <= 7 + DOUBT_WAIT);
	}
}

static void is_not_read_from_rubbish(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"MASTER",
		"MASTER hook 1 2 3 -",
		"MASTER hook 1 2 3 - ",
		"MASTER  hook 1 2 3 - VI_1",
		"master hook 1 2 3 - VI_1",
		"MASTER mail 1 2 3 - VI_1",
		"MASTER hook -1 2 3 - VI_1",
		"MASTER hook 1 2 x - VI_1",
		"MASTER hook 1 2 3 s VI_1",
		"MASTER hook 1 2 3 -sz VI_1",
		"MASTER hook 99999999999999999999999 2 3 - VI_1",
		"MASTER_PRIORITY hook 1 2 3 - VI_1",
	};
	struct instance i;
	size_t k;

	for (k = 0; k < ARRAY_SIZE(bad); k++)
		if (instance_parse(&i, bad[k], "VI_1", UINT64_MAX) != -EINVAL)
			fail_msg("\"%s\" is taken", bad[k]);
	assert_int_equal(instance_parse(&i, "MASTER hook 1 2 3 - VI_1", "VI_1", UINT64_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_lines),
		cmocka_unit_test(refuses_other_lines),
		cmocka_unit_test(leaves_virtual_servers_alone),
		cmocka_unit_test(reads_words),
		cmocka_unit_test(reads_an_instance),
		cmocka_unit_test(knows_who_is_meant),
		cmocka_unit_test(refuses_a_bad_instance),
		cmocka_unit_test(refuses_contradictions),
		cmocka_unit_test(warns_of_what_is_left_out),
		cmocka_unit_test(puts_a_decoy_on_the_loopback),
		cmocka_unit_test(refuses_a_decoy_that_cannot_tell),
		cmocka_unit_test(refuses_a_decoy_on_a_guarded_device),
		cmocka_unit_test(is_read_back),
		cmocka_unit_test(is_not_read_from_rubbish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
