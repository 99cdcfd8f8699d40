/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report as a value: how it starts, collects and settles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/report.h"

static struct report make(void)
{
	char *argv[] = { "192.168.11.100/32", "2001:db8::9/128", "dev", "br-mgmt" };
	struct request_error e;
	struct request req;
	struct report r;

	request_init(&req, OP_DEL);
	req.vip_flows = VIP_FLOWS_KEEP;
	assert_int_equal(request_parse(&req, 4, argv, &e), 0);
	memset(&r, 0xff, sizeof(r));
	report_init(&r, &req);
	return r;
}

static void starts_from_the_request(void **state _unused_)
{
	struct report r = make();
	char text[PREFIX_TEXT_MAX];

	assert_int_equal(r.op, OP_DEL);
	assert_int_equal(r.n_addresses, 2);
	assert_string_equal(prefix_format(&r.addresses[0], text), "192.168.11.100/32");
	assert_string_equal(r.device, "br-mgmt");
	assert_int_equal(r.outcomes[1], VIP_UNTOUCHED);
	assert_int_equal(r.kernel, KERNEL_UNKNOWN);
	assert_int_equal(r.strategy, STRATEGY_NONE);
	assert_int_equal(r.hold, HOLD_OFF);
	assert_int_equal(r.vip_flows.policy, VIP_FLOWS_KEEP);
	assert_false(r.changed || r.plan);
	assert_true(r.entries.snapshot == 0 && r.timing.total == 0);
	assert_int_equal(r.n_warnings + r.n_lost, 0);
	assert_string_equal(r.error, "");
}

static void says_a_warning_once(void **state _unused_)
{
	struct report r = make();
	int i;

	report_warn(&r, "code-a", "do this", "entry %d", 1);
	report_warn(&r, "code-a", "do this", "entry %d", 1);
	report_warn(&r, "code-a", "do this", "entry %d", 2);
	report_warn(&r, "code-b", "", "entry %d", 1);
	assert_int_equal(r.n_warnings, 3);
	assert_string_equal(r.warnings[1].text, "entry 2");
	assert_string_equal(r.warnings[2].fix, "");
	for (i = 0; i < 100; i++)
		report_warn(&r, "many", "", "number %d", i);
	assert_int_equal(r.n_warnings, REPORT_WARNINGS_MAX);
	assert_int_equal(r.warnings_dropped, 103 - REPORT_WARNINGS_MAX);
	assert_string_equal(r.warnings[0].fix, "do this");
}

static void cuts_texts_that_do_not_fit(void **state _unused_)
{
	struct report r = make();
	char text[1000];

	memset(text, 'x', sizeof(text));
	text[999] = '\0';
	report_warn(&r, text, text, "%s", text);
	assert_int_equal(strlen(r.warnings[0].code), REPORT_CODE_MAX - 1);
	assert_int_equal(strlen(r.warnings[0].text), REPORT_TEXT_MAX - 1);
	report_fail(&r, RESULT_FAILED, EXIT_KERNEL_REFUSED, "%s", text);
	assert_int_equal(strlen(r.error), REPORT_TEXT_MAX - 1);
}

static void settles_by_the_counts(void **state _unused_)
{
	struct report r = make();

	report_conclude(&r);
	assert_int_equal(r.result, RESULT_OK);
	assert_int_equal(r.exit_code, EXIT_DONE);

	r.entries.flushed = 5;
	r.entries.restored = 4;
	r.entries.superseded = 1;
	report_conclude(&r);
	assert_int_equal(r.result, RESULT_OK);

	r.entries.lost = 1;
	report_conclude(&r);
	assert_int_equal(r.result, RESULT_PARTIAL);
	assert_int_equal(r.exit_code, EXIT_PARTIAL);
}

static void keeps_what_is_worse(void **state _unused_)
{
	static const struct {
		enum result result;
		enum exit_code code;
	} worse[] = {
		{ RESULT_UNPROTECTED, EXIT_UNPROTECTED },
		{ RESULT_REFUSED, EXIT_UNSAFE },
		{ RESULT_FAILED, EXIT_NOT_PERMITTED },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(worse); i++) {
		struct report r = make();

		r.entries.lost = 3;
		report_fail(&r, worse[i].result, worse[i].code, "because of %d", 7);
		report_conclude(&r);
		assert_int_equal(r.result, worse[i].result);
		assert_int_equal(r.exit_code, worse[i].code);
		assert_string_equal(r.error, "because of 7");
	}
}

static void keeps_the_first_lost_tuples(void **state _unused_)
{
	struct report r = make();
	char line[CONN_LINE_MAX + 8];
	int i;

	for (i = 0; i < REPORT_TUPLES_MAX + 3; i++) {
		snprintf(line, sizeof(line), "tcp      6 %d ESTABLISHED", i);
		report_add_lost(&r, line);
	}
	assert_int_equal(r.n_lost, REPORT_TUPLES_MAX);
	assert_string_equal(r.lost[0], "tcp      6 0 ESTABLISHED");
	assert_string_equal(r.lost[REPORT_TUPLES_MAX - 1], "tcp      6 4 ESTABLISHED");
	/* longer than any can be: cut, not written beyond its place */
	memset(line, 'x', sizeof(line) - 1), line[sizeof(line) - 1] = '\0';
	r.n_lost = 0;
	report_add_lost(&r, line);
	assert_int_equal(strlen(r.lost[0]), CONN_LINE_MAX - 1);
}

static void has_a_name_for_everything(void **state _unused_)
{
	int i;

	for (i = 0; i < SKIP_REASON_COUNT; i++)
		assert_non_null(skip_reason_name((enum skip_reason)i));
	assert_string_equal(skip_reason_name((enum skip_reason)SKIP_REASON_COUNT), "?");
	assert_string_equal(result_name(RESULT_UNPROTECTED), "unprotected");
	assert_string_equal(kernel_kind_name(KERNEL_AFFECTED), "affected");
	assert_string_equal(vip_outcome_name(VIP_ALREADY), "already");
	assert_string_equal(result_name((enum result)77), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_from_the_request),
		cmocka_unit_test(says_a_warning_once),
		cmocka_unit_test(cuts_texts_that_do_not_fit),
		cmocka_unit_test(settles_by_the_counts),
		cmocka_unit_test(keeps_what_is_worse),
		cmocka_unit_test(keeps_the_first_lost_tuples),
		cmocka_unit_test(has_a_name_for_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
