/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lvs check prints: nothing that is certain is hidden by what is possible, and what is not
 * printed is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/lvs_list.h"

static struct lvs_finding finding_of(enum severity severity, enum collide_certainty certainty)
{
	struct lvs_finding f;

	memset(&f, 0, sizeof(f));
	f.f.severity = severity;
	strcpy(f.f.code, certainty == COLLIDE_MANIFEST ? "lvs-crossed" : "lvs-collision");
	snprintf(f.f.text, sizeof(f.f.text), "\x1b[2J%s", collide_certainty_name(certainty));
	strcpy(f.f.advice, "open it again");
	strcpy(f.prevent, "one path only");
	f.has_pair = true;
	f.pair = (struct collision){ .certainty = certainty,
				     .share = 0.25,
				     .service = LVS_NONE,
				     .other_service = LVS_NONE };
	f.pair.direct = f.pair.via = (struct flow){ .family = 2, .l4proto = 6, .cport = 61902 };
	return f;
}

static void hides_nothing(void **state _unused_)
{
	static const char first[] =
		"critical: lvs-crossed: \\x1b[2Jmanifest\n  advice: open it again\n"
		"critical: lvs-collision: \\x1b[2Jcertain\n";
	struct lvs_finding possible = finding_of(SEVERITY_WARNING, COLLIDE_POSSIBLE);
	struct lvs_finding certain = finding_of(SEVERITY_CRITICAL, COLLIDE_CERTAIN);
	struct lvs_finding manifest = finding_of(SEVERITY_CRITICAL, COLLIDE_MANIFEST);
	struct lvs_list l = { .n = { 0 } };
	struct lvs_message say = { .map = NULL };
	json_t *findings, *left_out;
	char *text = NULL;
	size_t size, i;
	FILE *out;

	for (i = 0; i < 1000; i++)
		assert_int_equal(lvs_list_add(&l, &possible), 0);
	for (i = 0; i < 60; i++)
		assert_int_equal(lvs_list_add(&l, &certain), 0);
	assert_int_equal(lvs_list_add(&l, &manifest), 0);

	out = open_memstream(&text, &size);
	lvs_list_print(&l, false, out);
	lvs_list_totals(&l, false, out);
	fclose(out);
	assert_ptr_equal(strstr(text, first), text);
	assert_non_null(strstr(text, "\nprevent: one path only\n"));
	assert_non_null(strstr(text, "1 crossed, 60 critical, 1000 warnings; "
				     "960 of them are not printed\n"));
	free(text);

	findings = lvs_list_json(&l, &say);
	left_out = lvs_list_left_out_json(&l);
	assert_int_equal(json_array_size(findings), 1 + 2 * LVS_LIST_MAX);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(findings, 0), "verdict")),
		"manifest");
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(json_array_get(findings, 0), "via"), "sport")),
			 61902);
	assert_int_equal(json_integer_value(json_object_get(left_out, "warning")), 950);
	assert_int_equal(json_integer_value(json_object_get(left_out, "critical")), 10);
	json_decref(findings);
	json_decref(left_out);
	lvs_list_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(hides_nothing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
