/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last operations: what is written of them, and what is read back of whatever
 * is kept. How it is shown: test_history_text; the file: test_history_file. */
#include "lib/lines.h"

/* ---- reading ---------------------------------------------------------------------------- */

static void newest_first_and_no_more_than_asked(void **state _unused_)
{
	_cleanup_free_ char *a = line_of("aa01", 0, 9), *b = line_of("ab02", 2, 8);
	_cleanup_free_ char *text = NULL;
	json_t *list, *one;

	assert_true(asprintf(&text, "%s\nnot JSON\n{}\n%s\n{\"id\":\"half", a, b) > 0);
	list = history_parse(text, 10, now);
	assert_int_equal(json_array_size(list), 2);
	one = json_array_get(list, 0);
	assert_string_equal(text_in(one, "id"), "ab02");
	assert_int_equal(json_integer_value(json_object_get(one, "at_us")), MONO - 8000000);
	assert_ptr_equal(history_find(list, "aa"), json_array_get(list, 1));
	assert_ptr_equal(history_find(list, "ab02"), one);
	assert_null(history_find(list, "a")); /* either */
	assert_null(history_find(list, ""));
	assert_null(history_find(list, "ab022"));
	json_decref(list);
	list = history_parse(text, 1, now);
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	list = history_parse("", 10, now);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

/* What is told a second later stands where it belongs. */
static void lines_that_come_late_are_in_order(void **state _unused_)
{
	static const char *const ip = "192.168.11.100/32";
	struct history_note n = note_of(HISTORY_FOREIGN_DELETE, "01", &ip);
	struct lines l;
	json_t *list;

	lines_begin(&l);
	lines_add(&l, line_of("02", 0, 4));
	add_note(&l, &n, 5);
	lines_add(&l, line_of("03", 0, 3));
	list = lines_parse(&l);
	assert_string_equal(text_in(json_array_get(list, 0), "id"), "03");
	assert_string_equal(text_in(json_array_get(list, 1), "id"), "02");
	assert_string_equal(text_in(json_array_get(list, 2), "id"), "01");
	json_decref(list);
}

/* Many of them do not push out address changes that somebody looks for. */
static void only_address_changes_are_counted(void **state _unused_)
{
	static const char *const ip = "192.168.11.100/32";
	struct history_note n = note_of(HISTORY_LINGER, "0f", &ip);
	struct lines l;
	json_t *list;
	unsigned i;

	lines_begin(&l);
	lines_add(&l, line_of("01", 0, 100));
	lines_add(&l, line_of("02", 0, 99));
	for (i = 0; i < 50; i++)
		add_note(&l, &n, 50 - i);
	fclose(l.out);
	list = history_parse(l.text, 1, now);
	assert_int_equal(json_array_size(list), 51);
	assert_string_equal(text_in(history_last_move(list), "id"), "02");
	json_decref(list);
	free(l.text);
}

/* Both clocks are kept, and the wall clock is the one of that moment: it was set
 * back by an hour since. */
static void the_wall_clock_is_that_of_the_event(void **state _unused_)
{
	struct report r = make("aa", 0);
	const struct history_time t = { MONO - 60 * USEC_PER_SEC,
					WALL + 3540 * USEC_PER_SEC + 123456 };
	_cleanup_free_ char *line = history_line(&r, t), *text = NULL, *table = NULL;
	json_t *list, *one, *none;

	assert_true(asprintf(&text, "%s\n", line) > 0);
	list = history_parse(text, 1, now);
	one = json_array_get(list, 0);
	assert_string_equal(text_in(one, "when"), "2026-11-30T03:57:00.123+00:00");
	assert_int_equal(json_integer_value(json_object_get(one, "at_us")), t.at);
	assert_int_equal(json_integer_value(json_object_get(one, "wall_us")), t.wall);
	assert_null(json_object_get(one, "when_computed"));
	table = shown(list, 0, false);
	assert_non_null(strstr(table, "\n03:57:00  "));
	none = history_between(list, 0, WALL);
	assert_int_equal(json_array_size(none), 0);
	json_decref(none);
	none = history_between(list, t.wall, t.wall);
	assert_int_equal(json_array_size(none), 1);
	json_decref(none);
	json_decref(list);
}

/* Lines as they were written before they had a wall clock. */
static void lines_of_earlier_versions_are_read(void **state _unused_)
{
	static const char text[] =
		"{\"id\":\"0d4f5ee3d3f7\",\"op\":\"linger\",\"addresses\":[\"192.168.11.7\"],"
		"\"device\":\"br-mgmt\",\"result\":\"time\",\"entries\":{\"candidates\":20},"
		"\"timing_us\":{\"total\":5000000},\"at_us\":172740000000}\n"
		"{\"id\":\"0d4f5ee3d3f8\",\"op\":\"add\",\"plan\":false,\"addresses\":"
		"[\"192.168.11.100/32\"],\"device\":\"br-mgmt\",\"by\":{\"uid\":0,\"pid\":7,"
		"\"command\":\"vipsafe\"},\"changed\":true,\"result\":\"ok\",\"error\":\"\","
		"\"entries\":{\"candidates\":0,\"lost\":0},\"at_us\":172770000000}\n"
		"{\"id\":\"0d4f5ee3d3f9\",\"op\":\"add\",\"addresses\":[],\"entries\":{},"
		"\"at_us\":172780000000}\n";
	json_t *list = history_parse(text, 10, now);
	_cleanup_free_ char *table = NULL, *one = NULL;

	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(text_in(json_array_get(list, 1), "when"),
			    "2026-11-30T02:57:30.000+00:00");
	assert_true(json_is_true(json_object_get(json_array_get(list, 1), "when_computed")));
	table = shown(list, 0, false);
	assert_string_equal(
		table,
		"WHEN      BY                 DID                                            "
		"CONNECTIONS  ID\n"
		"02:57:40  -                  add                                            "
		"0            0d4f5ee3d3f9\n"
		"02:57:30  root: vipsafe add  add 192.168.11.100/32 br-mgmt ok               "
		"0            0d4f5ee3d3f8\n"
		"02:57:00  vipsafed           linger 192.168.11.7 br-mgmt time after 5.00 s  "
		"20 removed   0d4f5ee3d3f7\n");
	one = shown_one(json_array_get(list, 2));
	assert_non_null(strstr(one, "  when           2026-11-30T02:57:00.000+00:00 by today's "
				    "clock (60 s ago)\n"));
	json_decref(list);
}

/* ---- who ---------------------------------------------------------------------------------- */

static void who_is_shown(const struct report *r, const char *by)
{
	struct lines l;
	json_t *list;

	lines_begin(&l);
	add_run(&l, r, 1);
	list = lines_parse(&l);
	assert_string_equal(text_in(json_array_get(list, 0), "by_text"), by);
	json_decref(list);
}

static void it_says_who_asked(void **state _unused_)
{
	struct report r = make("aa", 0);

	who_is_shown(&r, "root: vipsafe del");
	r.by.uid = 4294967;
	who_is_shown(&r, "uid 4294967: vipsafe del");
	strcpy(r.by.instance, "VI_1");
	strcpy(r.by.source, "hook");
	who_is_shown(&r, "VI_1 (notify script)");
	strcpy(r.by.source, "fifo");
	who_is_shown(&r, "VI_1 (FIFO)");
	strcpy(r.by.source, "decoy");
	who_is_shown(&r, "VI_1 (decoy)");
	r.by = (struct asker){ .is_known = false };
	who_is_shown(&r, "-");
}

static void who_else_is_shown(const struct history_note *n, const char *by)
{
	struct lines l;
	json_t *list;

	lines_begin(&l);
	add_note(&l, n, 1);
	list = lines_parse(&l);
	assert_string_equal(text_in(json_array_get(list, 0), "by_text"), by);
	json_decref(list);
}

static void it_says_that_it_was_not_vipsafe(void **state _unused_)
{
	static const char *const ip = "192.168.11.100/32";
	struct history_note n = note_of(HISTORY_FOREIGN_DELETE, "01", &ip);

	n.foreign = true;
	who_else_is_shown(&n, "not vipsafe");
	n.ended = true;
	who_else_is_shown(&n, "not vipsafe: a program that has ended");
	n.ended = false;
	n.by = (struct asker){ .is_known = true, .pid = 4711, .command = "ip" };
	who_else_is_shown(&n, "not vipsafe: ip[4711]");
	n.likely = true;
	who_else_is_shown(&n, "not vipsafe: probably ip[4711]");
	n = note_of(HISTORY_REPAIR, "01", &ip);
	who_else_is_shown(&n, "vipsafed");
}

/* What the file keeps longest: nothing in the text of a line makes it one. */
static void address_changes_are_recognized(void **state _unused_)
{
	static const char *const ip = "\"op\":\"del\",\"changed\":true";
	_cleanup_free_ char *change = line_of("aa", 0, 0);
	struct history_note n = note_of(HISTORY_COLLISION, "ab", &ip);
	_cleanup_free_ char *note = history_note_line(&n, before(0)), *idle = NULL;
	struct report r = make("ac", 0);

	r.changed = false;
	idle = history_line(&r, before(0));
	assert_true(history_line_is_change(change, strlen(change)));
	assert_false(history_line_is_change(change, 40));
	assert_false(history_line_is_change(note, strlen(note)));
	assert_false(history_line_is_change(idle, strlen(idle)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_first_and_no_more_than_asked),
		cmocka_unit_test(lines_that_come_late_are_in_order),
		cmocka_unit_test(only_address_changes_are_counted),
		cmocka_unit_test(the_wall_clock_is_that_of_the_event),
		cmocka_unit_test(lines_of_earlier_versions_are_read),
		cmocka_unit_test(it_says_who_asked),
		cmocka_unit_test(it_says_that_it_was_not_vipsafe),
		cmocka_unit_test(address_changes_are_recognized),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
