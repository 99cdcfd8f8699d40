/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last operations: what is read back of whatever is kept, and how it is
 * shown. The file is in tests/sim/test_history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "show/history.h"

static struct report make(const char *id, uint64_t lost)
{
	static const uint8_t ip[4] = { 192, 168, 11, 100 };
	struct report r;

	memset(&r, 0, sizeof(r));
	r.op = OP_DEL;
	snprintf(r.id, sizeof(r.id), "%s", id);
	strcpy(r.device, "br-mgmt");
	r.addresses[0].addr = addr_make(AF_INET, ip);
	r.addresses[0].len = 32;
	r.n_addresses = 1;
	r.changed = true;
	r.result = lost ? RESULT_PARTIAL : RESULT_OK;
	r.entries.candidates = 1432;
	r.entries.lost = lost;
	r.timing.total = 3200;
	return r;
}

static char *line_of(const char *id, uint64_t lost, usec_t now)
{
	struct report r = make(id, lost);
	char *line = history_line(&r, now);

	assert_non_null(line);
	assert_null(strchr(line, '\n'));
	return line;
}

/* ---- what the lines say ------------------------------------------------------------- */

static void newest_first_and_no_more_than_asked(void **state _unused_)
{
	_cleanup_free_ char *a = line_of("aa01", 0, 1), *b = line_of("ab02", 2, 2);
	_cleanup_free_ char *text = NULL;
	json_t *list, *one;

	assert_true(asprintf(&text, "%s\nnot JSON\n{}\n%s\n{\"id\":\"half", a, b) > 0);
	list = history_parse(text, 10);
	assert_int_equal(json_array_size(list), 2);
	one = json_array_get(list, 0);
	assert_string_equal(json_string_value(json_object_get(one, "id")), "ab02");
	assert_int_equal(json_integer_value(json_object_get(one, "at_us")), 2);
	assert_ptr_equal(history_find(list, "aa"), json_array_get(list, 1));
	assert_ptr_equal(history_find(list, "ab02"), one);
	assert_null(history_find(list, "a")); /* either */
	assert_null(history_find(list, ""));
	assert_null(history_find(list, "ab022"));
	json_decref(list);
	list = history_parse(text, 1);
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	list = history_parse("", 10);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

static void what_lingered_is_an_operation(void **state _unused_)
{
	static const uint8_t ip[4] = { 192, 168, 11, 7 };
	struct addr a = addr_make(AF_INET, ip);
	const struct history_linger l = { .device = "br-mgmt",
					  .addrs = &a,
					  .n = 1,
					  .result = "heard",
					  .entries = 20,
					  .age = 1500000 };
	_cleanup_free_ char *line = history_linger_line(&l, "00ab", 7), *text = NULL;
	json_t *list, *one;

	assert_true(asprintf(&text, "%s\n", line) > 0);
	list = history_parse(text, 10);
	assert_int_equal(json_array_size(list), 1);
	one = history_find(list, "00a");
	assert_string_equal(json_string_value(json_object_get(one, "op")), "linger");
	assert_string_equal(json_string_value(json_object_get(one, "result")), "heard");
	json_decref(list);
}

static char *shown(json_t *list, unsigned columns)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	history_print(list, 130 * USEC_PER_SEC, columns, out);
	fclose(out);
	return text;
}

static void it_is_shown_as_wide_as_the_terminal_is(void **state _unused_)
{
	_cleanup_free_ char *a = line_of("0123456789aa", 0, 0);
	_cleanup_free_ char *b = line_of("0123456789bb", 12, 120 * USEC_PER_SEC);
	_cleanup_free_ char *text = NULL, *wide = NULL, *narrow = NULL;
	const char *line;
	json_t *list;

	assert_true(asprintf(&text, "%s\n%s\n", a, b) > 0);
	list = history_parse(text, 10);
	wide = shown(list, 0);
	assert_string_equal(
		wide, "AGO    OP   ADDRESS            DEVICE   RESULT   AT RISK  LOST    TOOK  ID\n"
		      "10 s   del  192.168.11.100/32  br-mgmt  partial     1432    12  3.2 ms  "
		      "0123456789bb\n"
		      "2 min  del  192.168.11.100/32  br-mgmt  ok          1432     0  3.2 ms  "
		      "0123456789aa\n");
	narrow = shown(list, 40);
	assert_string_equal(narrow, "10 s\n"
				    "  OP       del\n"
				    "  ADDRESS  192.168.11.100/32\n"
				    "  DEVICE   br-mgmt\n"
				    "  RESULT   partial\n"
				    "  AT RISK  1432\n"
				    "  LOST     12\n"
				    "  TOOK     3.2 ms\n"
				    "  ID       0123456789bb\n"
				    "2 min\n"
				    "  OP       del\n"
				    "  ADDRESS  192.168.11.100/32\n"
				    "  DEVICE   br-mgmt\n"
				    "  RESULT   ok\n"
				    "  AT RISK  1432\n"
				    "  LOST     0\n"
				    "  TOOK     3.2 ms\n"
				    "  ID       0123456789aa\n");
	for (line = narrow; *line; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") <= 40);
	json_decref(list);
}

static void one_shows_what_was_left_alone(void **state _unused_)
{
	json_t *list = history_parse("{\"at_us\":5,\"op\":\"del\",\"addresses\":[],\"id\":\"ab\","
				     "\"entries\":{\"skipped\":7,\"altered\":7}}\n",
				     1);
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	history_print_one(json_array_get(list, 0), 0, out);
	fclose(out);
	assert_non_null(strstr(text, "  altered        7\n"));
	json_decref(list);
}

/* The file could hold anything that is JSON. */
static void nothing_reaches_the_terminal_unescaped(void **state _unused_)
{
	static const char text[] =
		"{\"at_us\":-5,\"id\":\"\\u001b[2Jx\",\"op\":\"\\u0007\",\"addresses\":[1,{}],"
		"\"entries\":{\"lost\":-1},\"warnings\":[{\"text\":\"\\u009b\"},7],"
		"\"device\":3}\n";
	json_t *list = history_parse(text, 10);
	char *out_text = NULL;
	const char *p;
	size_t size;
	FILE *out;

	assert_int_equal(json_array_size(list), 1);
	out = open_memstream(&out_text, &size);
	history_print(list, 0, 80, out);
	history_print(list, 0, 20, out);
	history_print_one(json_array_get(list, 0), 0, out);
	fclose(out);
	for (p = out_text; *p; p++)
		assert_true(*p == '\n' || (*p >= ' ' && *p < 0x7f));
	free(out_text);
	json_decref(list);
}

static void ages_are_short(void **state _unused_)
{
	char buf[32];

	assert_string_equal(history_age(0, buf), "0 s");
	assert_string_equal(history_age(119 * USEC_PER_SEC, buf), "119 s");
	assert_string_equal(history_age(120 * USEC_PER_SEC, buf), "2 min");
	assert_string_equal(history_age(7200 * USEC_PER_SEC, buf), "2 h");
	assert_string_equal(history_age(200000 * USEC_PER_SEC, buf), "2 d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_first_and_no_more_than_asked),
		cmocka_unit_test(it_is_shown_as_wide_as_the_terminal_is),
		cmocka_unit_test(one_shows_what_was_left_alone),
		cmocka_unit_test(nothing_reaches_the_terminal_unescaped),
		cmocka_unit_test(ages_are_short),
		cmocka_unit_test(what_lingered_is_an_operation),
	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
