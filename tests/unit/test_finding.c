/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of findings: what is kept of it, the exit code, text and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "show/finding_show.h"

static void add_numbered(struct findings *f, int n)
{
	findings_add(f, SEVERITY_NOTE, "many", NULL, "number %d", n);
}

static void the_worst_decides_the_exit_code(void **state _unused_)
{
	struct findings f = { 0 };

	assert_int_equal(findings_exit_code(&f), EXIT_DONE);
	findings_add(&f, SEVERITY_NOTE, "a", NULL, "x");
	assert_int_equal(findings_exit_code(&f), EXIT_DONE);
	findings_add(&f, SEVERITY_CRITICAL, "b", NULL, "x");
	assert_int_equal(findings_exit_code(&f), EXIT_CRITICAL);
	findings_add(&f, SEVERITY_WARNING, "c", NULL, "x");
	assert_int_equal(findings_exit_code(&f), EXIT_CRITICAL);
	findings_done(&f);
	findings_add(&f, SEVERITY_UNSEEN, "d", NULL, "x");
	assert_int_equal(findings_exit_code(&f), EXIT_WARNINGS);
	findings_done(&f);
	findings_add(&f, SEVERITY_WARNING, "d", NULL, "x");
	assert_int_equal(findings_exit_code(&f), EXIT_WARNINGS);
	findings_done(&f);
}

static void the_same_is_said_once(void **state _unused_)
{
	struct findings f = { 0 };

	findings_add(&f, SEVERITY_NOTE, "a", NULL, "entry %d", 1);
	findings_add(&f, SEVERITY_WARNING, "a", "fix", "entry %d", 1);
	findings_add(&f, SEVERITY_NOTE, "a", NULL, "entry %d", 2);
	assert_int_equal(f.n, 2);
	assert_true(findings_have(&f, "a"));
	assert_false(findings_have(&f, "b"));
	findings_done(&f);
	assert_int_equal(f.n, 0);
}

static void what_does_not_fit_is_counted(void **state _unused_)
{
	struct findings f = { 0 };
	char *text = NULL;
	size_t size;
	FILE *out;
	int i;

	for (i = 0; i < FINDINGS_MAX + 7; i++)
		add_numbered(&f, i);
	assert_int_equal(f.n, FINDINGS_MAX);
	assert_int_equal(f.dropped, 7);
	/* it could have been the worst of all */
	assert_int_equal(findings_exit_code(&f), EXIT_WARNINGS);
	out = open_memstream(&text, &size);
	findings_print(&f, false, 0, out);
	fclose(out);
	assert_string_equal(text, "nothing wrong was found, 256 notes, and 7 more than fit here\n");
	free(text);
	findings_done(&f);
}

static void make(struct findings *f)
{
	findings_add(f, SEVERITY_CRITICAL, "table-full", "vipsafe recover", "full\033[2J");
	findings_add(f, SEVERITY_WARNING, "odd", NULL, "it is \"odd\"");
	findings_add(f, SEVERITY_UNSEEN, "dark", NULL, "not permitted");
	findings_add(f, SEVERITY_NOTE, "fine", NULL, "all is well");
}

static void text_escapes_and_counts(void **state _unused_)
{
	struct findings f = { 0 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	make(&f);
	findings_print(&f, true, 0, out);
	fputs("--\n", out);
	findings_print(&f, false, 0, out);
	fclose(out);
	assert_string_equal(text, "critical: table-full: full\\x1b[2J\n"
				  "  fix: vipsafe recover\n"
				  "warning: odd: it is \"odd\"\n"
				  "unseen: dark: not permitted\n"
				  "note: fine: all is well\n"
				  "1 critical, 1 warning, 1 could not be looked at, 1 note\n"
				  "--\n"
				  "critical: table-full: full\\x1b[2J\n"
				  "  fix: vipsafe recover\n"
				  "warning: odd: it is \"odd\"\n"
				  "unseen: dark: not permitted\n"
				  "1 critical, 1 warning, 1 could not be looked at, 1 note\n");
	free(text);
	findings_done(&f);
}

static void json_has_everything(void **state _unused_)
{
	struct findings f = { 0 };
	json_t *o, *one;

	make(&f);
	o = findings_json_new(&f);
	assert_non_null(o);
	assert_int_equal(json_integer_value(json_object_get(o, "exit_code")), EXIT_CRITICAL);
	assert_int_equal(json_array_size(json_object_get(o, "findings")), 4);
	one = json_array_get(json_object_get(o, "findings"), 0);
	assert_string_equal(json_string_value(json_object_get(one, "code")), "table-full");
	assert_string_equal(json_string_value(json_object_get(one, "severity")), "critical");
	assert_string_equal(json_string_value(json_object_get(one, "text")), "full\033[2J");
	assert_string_equal(json_string_value(json_object_get(one, "fix")), "vipsafe recover");
	json_decref(o);
	findings_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worst_decides_the_exit_code),
		cmocka_unit_test(the_same_is_said_once),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(text_escapes_and_counts),
		cmocka_unit_test(json_has_everything),
	};

	return cmocka_run_group_tests_name("finding", tests, NULL, NULL);
}
