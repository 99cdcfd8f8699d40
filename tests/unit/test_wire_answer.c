/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers over the control socket: what the daemon writes the client reads, and
 * nothing that is cut short or strange. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "show/report_json.h"
#include "show/wire.h"

static void answers_arrive_whole(void **state _unused_)
{
	struct report *report = calloc(1, sizeof(*report));
	struct wire_request w = { .op = WIRE_MOVE };
	struct wire_answer a;
	char *line, *json;

	assert_non_null(report);
	w.move.op = OP_DEL;
	snprintf(w.move.device, sizeof(w.move.device), "br0");
	report_init(report, &w.move);
	report_warn(report, "code", "fix it", "text with \"quotes\" and \x01");
	report_fail(report, RESULT_PARTIAL, EXIT_PARTIAL, "lost some");
	json = object_line(report_json_new(report));

	line = wire_answer_report(report, WIRE_TEXT_NONE);
	assert_int_equal(wire_answer_parse(line, strlen(line), &a), 0);
	assert_int_equal(a.exit_code, EXIT_PARTIAL);
	assert_string_equal(a.result, json); /* to the last byte */
	assert_null(a.out);
	wire_answer_done(&a);
	free(line);

	line = wire_answer_report(report, WIRE_TEXT_VERBOSE);
	assert_int_equal(wire_answer_parse(line, strlen(line), &a), 0);
	assert_non_null(strstr(a.err, "fix it"));
	assert_non_null(a.out);
	wire_answer_done(&a);
	/* cut anywhere it is none */
	for (size_t n = 0; n < strlen(line); n++)
		assert_true(wire_answer_parse(line, n, &a) < 0);
	free(line);
	free(json);
	free(report);
}

static void refusals_arrive(void **state _unused_)
{
	char *line = wire_answer_refusal(WIRE_NOT_PERMITTED, "because \xff");
	struct wire_answer a;

	assert_int_equal(wire_answer_parse(line, strlen(line), &a), 0);
	assert_string_equal(a.error_code, "not-permitted");
	assert_non_null(a.error_text);
	wire_answer_done(&a);
	free(line);
}

static void strange_answers_are_none(void **state _unused_)
{
	static const char *const strange[] = {
		"{}",
		"[]",
		"{\"v\":2}",
		"{\"v\":2,\"exit_code\":256}",
		"{\"v\":2,\"exit_code\":-1}",
		"{\"v\":2,\"exit_code\":0,\"out\":1}",
		"{\"v\":2,\"error\":{}}",
		"{\"v\":1,\"error\":\"x\"}",
		"{\"v\":1,\"error\":{\"code\":\"x\"}}",
	};
	struct wire_answer a;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(strange); i++)
		assert_true(wire_answer_parse(strange[i], strlen(strange[i]), &a) < 0);
}

static void status_says_all(void **state _unused_)
{
	struct status_device d = { .device = "br0",
				   .state = "degraded",
				   .mode = PIN_ON_DEMAND,
				   .hold = HOLD_IPTABLES,
				   .quarantined = true,
				   .pinned = 11,
				   .unpinned = 12,
				   .overruns = 13,
				   .reason = "no conntrack" };
	struct status s = { .version = "1.2", .pid = 4711, .devices = &d, .n_devices = 1 };
	char *line = wire_answer_status(&s, WIRE_TEXT_VERBOSE);
	struct wire_answer a;

	assert_int_equal(wire_answer_parse(line, strlen(line), &a), 0);
	assert_int_equal(a.exit_code, 0);
	assert_non_null(strstr(a.result, "\"device\":\"br0\",\"state\":\"degraded\","
					 "\"mode\":\"on-demand\",\"hold\":\"iptables\","
					 "\"quarantined\":true,\"pinned\":11,\"unpinned\":12"));
	assert_non_null(strstr(a.out, "br0     on demand   NO        degraded, quarantined  "
				      "iptables      11        12\n"));
	assert_non_null(strstr(a.out, "not-in-force: br0: degraded: no conntrack\n"));
	assert_non_null(strstr(a.out, "events lost: 13 times"));
	wire_answer_done(&a);
	free(line);
}

/* Whatever else another version may have in it; a refusal is one in all of them. */
static void other_versions_are_refusals(void **state _unused_)
{
	static const char answer[] = "{\"v\":3,\"exit\":0}";
	static const char refusal[] = "{\"v\":1,\"error\":{\"code\":\"c\",\"text\":\"t\"}}";
	/* all that a daemon of version 1 says to us */
	static const char first[] = "{\"v\":1,\"error\":{\"code\":\"bad-request\","
				    "\"text\":\"key \\\"v\\\" is not 1\"}}";
	struct wire_answer a;

	assert_int_equal(wire_answer_parse(answer, strlen(answer), &a), 0);
	assert_string_equal(a.error_code, "other-version");
	assert_string_equal(a.error_text, "its answer is of version 3, not 2");
	wire_answer_done(&a);
	assert_int_equal(wire_answer_parse(refusal, strlen(refusal), &a), 0);
	assert_string_equal(a.error_text, "t");
	wire_answer_done(&a);
	assert_int_equal(wire_answer_parse(first, strlen(first), &a), 0);
	assert_string_equal(a.error_code, "other-version");
	assert_string_equal(a.error_text, "its answer is of version 1, not 2");
	wire_answer_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_arrive_whole),
		cmocka_unit_test(refusals_arrive),
		cmocka_unit_test(strange_answers_are_none),
		cmocka_unit_test(other_versions_are_refusals),
		cmocka_unit_test(status_says_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
