/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of the last operations: several write to it, it stays small, and of
 * whatever else it holds nothing is read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <vipsafe/base.h>

#include "show/history_file.h"

#define BOOT "0f6c-1"

static int setup(void **state)
{
	char *dir = strdup("/tmp/vipsafe-history-XXXXXX");

	assert_non_null(mkdtemp(dir));
	*state = dir;
	return 0;
}

static int teardown(void **state)
{
	char *dir = *state, path[128];

	snprintf(path, sizeof(path), "%s/history", dir);
	unlink(path);
	assert_int_equal(rmdir(dir), 0); /* nothing else was left there */
	free(dir);
	return 0;
}

static void put(const char *dir, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/history", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static void lines_are_kept_in_order(void **state)
{
	char *text = NULL;

	assert_int_equal(history_read(*state, BOOT, &text), -ENOENT);
	assert_int_equal(history_append(*state, BOOT, "one"), 0);
	assert_int_equal(history_append(*state, BOOT, "two"), 0);
	assert_int_equal(history_read(*state, BOOT, &text), 0);
	assert_string_equal(text, "one\ntwo\n");
	free(text);
	assert_int_equal(history_append(*state, BOOT, "a\nb"), -EINVAL);
}

static void another_boot_or_format_is_replaced(void **state)
{
	static const char *const others[] = { "vipsafe-history 1 another\nold\n",
					      "vipsafe-history 2 " BOOT "\nold\n", "garbage", "" };
	char *text = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		put(*state, others[i]);
		assert_int_equal(history_read(*state, BOOT, &text), -ENOENT);
		assert_int_equal(history_append(*state, BOOT, "new"), 0);
		assert_int_equal(history_read(*state, BOOT, &text), 0);
		assert_string_equal(text, "new\n");
		free(text);
	}
}

static void what_others_could_have_written_is_not_read(void **state)
{
	char path[128], *text = NULL;

	put(*state, "vipsafe-history 1 " BOOT "\nline\n");
	snprintf(path, sizeof(path), "%s/history", (char *)*state);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(history_read(*state, BOOT, &text), -EPERM);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(history_append(*state, BOOT, "x") < 0); /* and does not hang */
	assert_int_equal(history_read(*state, BOOT, &text), -EPERM);
}

/* The file stays small, and what goes is the oldest. */
static void the_size_is_bounded(void **state)
{
	char line[1024], path[128], *text = NULL, last[16];
	struct stat st;
	int i, n = 2000;

	snprintf(path, sizeof(path), "%s/history", (char *)*state);
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "%08d", i);
		line[8] = ' ';
		assert_int_equal(history_append(*state, BOOT, line), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_true((size_t)st.st_size <= HISTORY_SIZE_MAX + sizeof(line) + 64);
	}
	assert_int_equal(history_read(*state, BOOT, &text), 0);
	assert_true(strlen(text) >= HISTORY_SIZE_MAX / 2 - sizeof(line));
	assert_int_equal(strlen(text) % sizeof(line), 0); /* whole lines only */
	snprintf(last, sizeof(last), "%08d", n - 1);
	assert_memory_equal(text + strlen(text) - sizeof(line), last, 8);
	free(text);
}

static int count(const char *text, const char *part)
{
	int n = 0;

	while ((text = strstr(text, part)) != NULL) {
		text += strlen(part);
		n++;
	}
	return n;
}

/* However often something else is told of, address changes stay, and all is still in order. */
static void others_push_out_no_address_change(void **state)
{
	static const char change[] = "{\"op\":\"del\",\"changed\":true,\"id\":\"c%d\"}";
	static const char other[] = "{\"op\":\"foreign-delete\",\"changed\":true,\"id\":\"o%d\"}";
	char line[128], *text = NULL;
	int i, n = 20000;

	for (i = 0; i < 10; i++) {
		snprintf(line, sizeof(line), change, i);
		assert_int_equal(history_append(*state, BOOT, line), 0);
	}
	for (i = 0; i < n; i++) {
		snprintf(line, sizeof(line), other, i);
		assert_int_equal(history_append(*state, BOOT, line), 0);
	}
	snprintf(line, sizeof(line), change, 10);
	assert_int_equal(history_append(*state, BOOT, line), 0);
	assert_int_equal(history_read(*state, BOOT, &text), 0);
	assert_true(strlen(text) <= HISTORY_SIZE_MAX + sizeof(line));
	assert_int_equal(count(text, "\"op\":\"del\""), 11);
	snprintf(line, sizeof(line), "\"o%d\"", n - 1);
	assert_non_null(strstr(text, line));
	assert_null(strstr(text, "\"o1\""));
	assert_true(strstr(text, "\"c0\"") < strstr(text, "\"c9\""));
	assert_true(strstr(text, "\"c9\"") < strstr(text, line));
	assert_true(strstr(text, line) < strstr(text, "\"c10\""));
	free(text);
}

/* Nor do address changes push out all else. */
static void changes_leave_room_for_others(void **state)
{
	char line[128], *text = NULL;
	int i;

	for (i = 0; i < 6000; i++) {
		snprintf(line, sizeof(line),
			 i % 2 ? "{\"op\":\"add\",\"changed\":true,\"id\":\"c%d\"}"
			       : "{\"op\":\"repair\",\"id\":\"o%d\"}",
			 i);
		assert_int_equal(history_append(*state, BOOT, line), 0);
	}
	assert_int_equal(history_read(*state, BOOT, &text), 0);
	assert_non_null(strstr(text, "\"o5998\""));
	assert_non_null(strstr(text, "\"o5000\""));
	assert_non_null(strstr(text, "\"c5999\""));
	assert_non_null(strstr(text, "\"c5001\""));
	free(text);
}

/* Several processes at once: no line is torn or lost. */
static void writers_do_not_disturb_each_other(void **state)
{
	enum { WRITERS = 8, LINES = 100 };
	char line[64], *text = NULL, *p, *end;
	int i, k, n = 0, status;

	assert_int_equal(history_append(*state, BOOT, "writer 9 line 000"), 0);
	for (i = 0; i < WRITERS; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid)
			continue;
		for (k = 0; k < LINES; k++) {
			snprintf(line, sizeof(line), "writer %d line %03d", i, k);
			if (history_append(*state, BOOT, line) < 0)
				_exit(1);
		}
		_exit(0);
	}
	for (i = 0; i < WRITERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(history_read(*state, BOOT, &text), 0);
	for (p = text; *p; p = end + 1, n++) {
		end = strchr(p, '\n');
		assert_non_null(end);
		assert_int_equal(end - p, sizeof("writer 0 line 000") - 1);
	}
	assert_int_equal(n, WRITERS * LINES + 1);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_are_kept_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(another_boot_or_format_is_replaced, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_others_could_have_written_is_not_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_size_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(others_push_out_no_address_change, setup, teardown),
		cmocka_unit_test_setup_teardown(changes_leave_room_for_others, setup, teardown),
		cmocka_unit_test_setup_teardown(writers_do_not_disturb_each_other, setup, teardown),
	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
