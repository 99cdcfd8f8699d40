/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a report looks like: the JSON contract, the lines an operator reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <jansson.h>

#include "show/report_json.h"
#include "show/report_text.h"

static struct report make(enum op op, int n)
{
	struct report r;
	int i;

	memset(&r, 0, sizeof(r));
	r.op = op;
	strcpy(r.id, "0123456789ab");
	strcpy(r.device, "br-mgmt");
	for (i = 0; i < n; i++) {
		const uint8_t ip[4] = { 192, 168, 11, (uint8_t)(100 + i) };

		r.addresses[i].addr = addr_make(AF_INET, ip);
		r.addresses[i].len = 32;
		r.outcomes[i] = VIP_CHANGED;
	}
	r.n_addresses = (size_t)n;
	r.changed = true;
	r.kernel = KERNEL_AFFECTED;
	r.strategy = STRATEGY_RESTORE;
	r.hold = HOLD_OFF;
	r.timing.total = 3200;
	return r;
}

static struct report make_del(void)
{
	struct report r = make(OP_DEL, 1);

	r.entries.snapshot = 1500;
	r.entries.candidates = 1432;
	r.entries.skipped = 68;
	r.entries.reasons[SKIP_NOT_NAT] = 60;
	r.entries.reasons[SKIP_CLOSING] = 8;
	r.entries.flushed = 12;
	r.entries.restored = 12;
	return r;
}

/* ---- JSON ---------------------------------------------------------------- */

static json_t *to_json(const struct report *r)
{
	char *line = object_line(report_json_new(r));
	const char *p;
	json_t *o;

	assert_non_null(line);
	for (p = line; *p; p++)
		assert_true(*p >= ' ' && *p < 0x7f);
	o = json_loads(line, 0, NULL);
	assert_non_null(o);
	free(line);
	return o;
}

static json_int_t number_at(json_t *o, const char *outer, const char *key)
{
	json_t *v = json_object_get(outer ? json_object_get(o, outer) : o, key);

	if (!json_is_integer(v))
		fail_msg("%s.%s is no integer", outer ? outer : "", key);
	return json_integer_value(v);
}

static void assert_text(json_t *o, const char *key, const char *want)
{
	json_t *v = json_object_get(o, key);

	if (!json_is_string(v))
		fail_msg("%s is no string", key);
	assert_string_equal(json_string_value(v), want);
}

static void json_keeps_the_contract(void **state _unused_)
{
	static const char *const entries[] = { "snapshot", "candidates", "pinned",
					       "flushed",  "restored",	 "superseded",
					       "lost",	   "skipped",	 "mismatch" };
	static const char *const timing[] = { "snapshot", "pin",     "move",
					      "verify",	  "restore", "total" };
	struct report r = make_del();
	json_t *o, *a;
	size_t i;

	r.vip_flows.removed = 3;
	report_warn(&r, "some-code", "do that", "this is so");
	o = to_json(&r);
	assert_text(o, "id", "0123456789ab");
	assert_text(o, "op", "del");
	assert_text(o, "device", "br-mgmt");
	assert_text(o, "result", "ok");
	assert_text(o, "kernel", "affected");
	assert_text(o, "strategy", "restore");
	assert_text(o, "hold", "off");
	assert_text(o, "error", "");
	assert_true(json_is_true(json_object_get(o, "changed")));
	assert_true(json_is_false(json_object_get(o, "plan")));
	assert_null(json_object_get(o, "expected_gap_us"));
	a = json_object_get(o, "addresses");
	assert_int_equal(json_array_size(a), 1);
	assert_string_equal(json_string_value(json_array_get(a, 0)), "192.168.11.100/32");
	a = json_array_get(json_object_get(o, "addresses_detail"), 0);
	assert_text(a, "address", "192.168.11.100/32");
	assert_text(a, "outcome", "changed");
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		number_at(o, "entries", entries[i]);
	for (i = 0; i < ARRAY_SIZE(timing); i++)
		number_at(o, "timing_us", timing[i]);
	assert_int_equal(number_at(o, "entries", "candidates"), 1432);
	assert_int_equal(number_at(o, "timing_us", "total"), 3200);
	assert_int_equal(number_at(json_object_get(o, "entries"), "reasons", "closing"), 8);
	assert_int_equal(number_at(o, "vip_flows", "removed"), 3);
	assert_text(json_object_get(o, "vip_flows"), "policy", "drop");
	assert_int_equal(number_at(o, NULL, "exit_code"), 0);
	a = json_array_get(json_object_get(o, "warnings"), 0);
	assert_text(a, "code", "some-code");
	assert_text(a, "text", "this is so");
	assert_text(a, "fix", "do that");
	json_decref(o);
}

static void json_of_a_plan_says_so(void **state _unused_)
{
	struct report r = make_del();
	json_t *o;

	r.plan = true;
	r.changed = false;
	r.timing.expected_gap = 4300;
	r.preview.exposed = 7;
	snprintf(r.hold_why, sizeof(r.hold_why), "because");
	o = to_json(&r);
	assert_true(json_is_true(json_object_get(o, "would_change")));
	assert_int_equal(number_at(o, NULL, "lost_with_none"), 7);
	assert_text(o, "no_hold", "because");
	json_decref(o);
	r.outcomes[0] = VIP_ALREADY;
	o = to_json(&r);
	assert_true(json_is_false(json_object_get(o, "would_change")));
	json_decref(o);
	r.outcomes[0] = VIP_UNTOUCHED;
	report_fail(&r, RESULT_REFUSED, EXIT_UNSAFE, "secondaries");
	o = to_json(&r);
	assert_true(json_is_true(json_object_get(o, "plan")));
	assert_int_equal(number_at(o, NULL, "expected_gap_us"), 4300);
	assert_true(json_is_false(json_object_get(o, "would_change")));
	assert_text(o, "result", "refused");
	assert_text(o, "error", "secondaries");
	assert_int_equal(number_at(o, NULL, "exit_code"), 5);
	json_decref(o);
}

static void json_survives_hostile_text(void **state _unused_)
{
	struct report r = make_del();
	json_t *o;

	strcpy(r.device, "\xff\x1b[2J\"\\");
	report_warn(&r, "x", "", "%s", "\xc3\x28 \n \"quoted\"");
	o = to_json(&r);
	assert_text(o, "device", "\\xff\\x1b[2J\"\\");
	json_decref(o);
	/* what is UTF-8 stays what it is */
	strcpy(r.device, "br\xc3\xbc"
			 "cke");
	o = to_json(&r);
	assert_text(o, "device",
		    "br\xc3\xbc"
		    "cke");
	json_decref(o);
}

/* ---- text ---------------------------------------------------------------- */

static char out_text[8192], err_text[8192];

static void print(const struct report *r, bool verbose)
{
	FILE *out, *err;

	memset(out_text, 0, sizeof(out_text));
	memset(err_text, 0, sizeof(err_text));
	out = fmemopen(out_text, sizeof(out_text) - 1, "w");
	err = fmemopen(err_text, sizeof(err_text) - 1, "w");
	assert_true(out && err);
	report_text_print(r, verbose, out, err);
	fclose(out);
	fclose(err);
}

static void assert_prints(const struct report *r, const char *out, const char *err)
{
	print(r, false);
	assert_string_equal(out_text, out);
	assert_string_equal(err_text, err);
}

static void text_tells_of_success_in_one_line(void **state _unused_)
{
	struct report r = make_del();

	assert_prints(&r,
		      "deleted 192.168.11.100/32 from br-mgmt: 1432 connections kept "
		      "(12 restored, 0 lost) in 3.2 ms\n",
		      "");
	r.entries.pinned = 1400;
	assert_prints(&r,
		      "deleted 192.168.11.100/32 from br-mgmt: 1432 connections kept "
		      "(1400 pinned, 12 restored, 0 lost) in 3.2 ms\n",
		      "");
	r.entries.pinned = r.entries.flushed = r.entries.restored = 0;
	r.entries.candidates = 1;
	r.kernel = KERNEL_FIXED;
	r.timing.total = 12345;
	r.vip_flows.removed = 1;
	assert_prints(&r,
		      "deleted 192.168.11.100/32 from br-mgmt: 1 connection kept "
		      "(this kernel flushes no others) in 12 ms; 1 of its own flows removed\n",
		      "");
	r.vip_flows.removed = 0;
	r.entries.candidates = 0;
	assert_prints(&r,
		      "deleted 192.168.11.100/32 from br-mgmt: no connection was at risk "
		      "in 12 ms\n",
		      "");
	r = make(OP_ADD, 1);
	assert_prints(&r, "added 192.168.11.100/32 to br-mgmt in 3.2 ms\n", "");
}

static void text_tells_of_nothing_to_do(void **state _unused_)
{
	struct report r = make(OP_ADD, 1);

	r.changed = false;
	r.outcomes[0] = VIP_ALREADY;
	assert_prints(&r, "192.168.11.100/32 is already on br-mgmt: nothing to do\n", "");
	r = make(OP_DEL, 2);
	r.changed = false;
	r.outcomes[0] = r.outcomes[1] = VIP_ALREADY;
	assert_prints(&r,
		      "192.168.11.100/32 and 192.168.11.101/32 are not on br-mgmt: "
		      "nothing to do\n",
		      "");
	r.changed = true;
	r.outcomes[0] = VIP_CHANGED;
	assert_prints(&r,
		      "deleted 192.168.11.100/32 from br-mgmt in 3.2 ms; 192.168.11.101/32 was "
		      "not there\n",
		      "");
}

static void text_counts_many_addresses(void **state _unused_)
{
	struct report r = make(OP_ADD, 4);

	assert_prints(&r,
		      "added 192.168.11.100/32, 192.168.11.101/32, 192.168.11.102/32 and "
		      "192.168.11.103/32 to br-mgmt in 3.2 ms\n",
		      "");
	r = make(OP_ADD, VIPS_MAX);
	assert_prints(&r,
		      "added 192.168.11.100/32, 192.168.11.101/32, 192.168.11.102/32 and "
		      "61 more to br-mgmt in 3.2 ms\n",
		      "");
}

static void text_lists_what_was_lost(void **state _unused_)
{
	struct report r = make_del();

	r.entries.flushed = 19;
	r.entries.lost = 7;
	strcpy(r.lost[0], "tcp 10.0.0.1:1 -> 10.0.0.2:2 as 10.0.0.3:3");
	strcpy(r.lost[1], "udp\n");
	r.n_lost = 2;
	report_conclude(&r);
	report_warn(&r, "port-taken", "wait", "some\tports are taken");
	report_warn(&r, "other", "", "no fix");
	assert_prints(&r,
		      "deleted 192.168.11.100/32 from br-mgmt: 1425 connections kept "
		      "(12 restored, 7 lost) in 3.2 ms\n",
		      "vipsafe: warning: 7 connections lost:\n"
		      "  tcp 10.0.0.1:1 -> 10.0.0.2:2 as 10.0.0.3:3\n"
		      "  udp\\x0a\n"
		      "  and 5 more\n"
		      "vipsafe: warning: some\\x09ports are taken\n"
		      "  fix: wait\n"
		      "vipsafe: warning: no fix\n");
	r.n_warnings = 0;
	r.entries.lost = 1;
	r.n_lost = 1;
	print(&r, false);
	assert_string_equal(err_text, "vipsafe: warning: 1 connection lost:\n"
				      "  tcp 10.0.0.1:1 -> 10.0.0.2:2 as 10.0.0.3:3\n");
}

static void text_says_why_it_failed(void **state _unused_)
{
	struct report r = make(OP_DEL, 1);

	r.changed = false;
	r.outcomes[0] = VIP_FAILED;
	strcpy(r.device, "br\033[0m");
	report_fail(&r, RESULT_FAILED, EXIT_KERNEL_REFUSED, "no device; nothing changed");
	assert_prints(&r, "",
		      "vipsafe: del 192.168.11.100/32 dev br\\x1b[0m: failed: no device; "
		      "nothing changed\n");
	report_fail(&r, RESULT_REFUSED, EXIT_UNSAFE, "secondaries");
	assert_prints(&r, "",
		      "vipsafe: del 192.168.11.100/32 dev br\\x1b[0m: refused: "
		      "secondaries\n");
	r = make_del();
	report_fail(&r, RESULT_UNPROTECTED, EXIT_UNPROTECTED, "the table cannot be read");
	assert_prints(&r,
		      "deleted 192.168.11.100/32 from br-mgmt, connections were not protected "
		      "in 3.2 ms\n",
		      "vipsafe: del 192.168.11.100/32 dev br-mgmt: unprotected: the table cannot "
		      "be read\n");
}

static void text_of_a_plan_is_a_table(void **state _unused_)
{
	struct report r = make_del();

	r.plan = true;
	r.changed = false;
	r.outcomes[0] = VIP_UNTOUCHED;
	r.timing.expected_gap = 850;
	r.entries.pinned = 1000;
	r.preview.exposed = 432;
	snprintf(r.hold_why, sizeof(r.hold_why), "nft: gone\n");
	assert_prints(&r,
		      "plan: delete 192.168.11.100/32 from br-mgmt (nothing was changed)\n"
		      "  kernel         affected\n"
		      "  strategy       restore\n"
		      "  hold           none: nft: gone\\x0a\n"
		      "  connections    1500  tracked now\n"
		      "  at risk        432  would be flushed without protection\n"
		      "  pinned         1000  already: no flush takes them\n"
		      "  skipped        68  (60 not-nat, 8 closing)\n"
		      "  would be lost  432  with --strategy none\n"
		      "  expected gap   850 us\n",
		      "");
	report_fail(&r, RESULT_REFUSED, EXIT_UNSAFE, "secondaries");
	print(&r, false);
	assert_string_equal(err_text, "vipsafe: plan del 192.168.11.100/32 dev br-mgmt: would be "
				      "refused: secondaries\n");
	assert_non_null(strstr(out_text, "expected gap"));
}

static void text_has_more_when_asked(void **state _unused_)
{
	struct report r = make_del();

	print(&r, true);
	assert_non_null(strstr(out_text, "\n  snapshot       1500\n"));
	assert_non_null(strstr(out_text, "\n  restored       12\n"));
	assert_non_null(strstr(out_text, "\n  total          3.2 ms\n"));
	assert_non_null(strstr(out_text, "\n  id             0123456789ab\n"));
}

static void durations_are_readable(void **state _unused_)
{
	char buf[32];

	assert_string_equal(report_text_duration(0, buf), "0 us");
	assert_string_equal(report_text_duration(999, buf), "999 us");
	assert_string_equal(report_text_duration(1000, buf), "1.0 ms");
	assert_string_equal(report_text_duration(45678, buf), "45 ms");
	assert_string_equal(report_text_duration(1250000, buf), "1.25 s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_keeps_the_contract),
		cmocka_unit_test(json_of_a_plan_says_so),
		cmocka_unit_test(json_survives_hostile_text),
		cmocka_unit_test(text_tells_of_success_in_one_line),
		cmocka_unit_test(text_tells_of_nothing_to_do),
		cmocka_unit_test(text_counts_many_addresses),
		cmocka_unit_test(text_lists_what_was_lost),
		cmocka_unit_test(text_says_why_it_failed),
		cmocka_unit_test(text_of_a_plan_is_a_table),
		cmocka_unit_test(text_has_more_when_asked),
		cmocka_unit_test(durations_are_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
