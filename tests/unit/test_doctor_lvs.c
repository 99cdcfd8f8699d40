/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor says of LVS, and when it says nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/facts.h"

static void finds_what_is_wrong(void **state _unused_)
{
	static const struct {
		struct lvs_facts facts; /* sysctls: reuse, nodest, quiescent */
		const char *codes;
		enum exit_code exit_code;
	} rows[] = {
		{ { .conn_reuse_mode = 0 }, "", EXIT_DONE }, /* no director */
		{ { .shared = 3 }, "lvs-ports-shared ", EXIT_DONE },
		{ { .shared = 1, .crossed = 1 }, "lvs-crossed lvs-ports-shared ", EXIT_CRITICAL },
		{ { .director = true,
		    .conn_reuse_mode = 1,
		    .expire_nodest_conn = 1,
		    .expire_quiescent_template = 1 },
		  "",
		  EXIT_DONE },
		{ { .director = true,
		    .conn_reuse_mode = FACTS_UNKNOWN,
		    .expire_nodest_conn = FACTS_UNKNOWN,
		    .expire_quiescent_template = FACTS_UNKNOWN },
		  "",
		  EXIT_DONE },
		{ { .director = true, .expire_nodest_conn = 1, .expire_quiescent_template = 1 },
		  "lvs-conn-reuse ",
		  EXIT_WARNINGS },
		{ { .director = true, .conn_reuse_mode = 1, .expire_quiescent_template = 1 },
		  "lvs-expire-nodest ",
		  EXIT_DONE },
		/* without persistence there are no templates */
		{ { .director = true, .conn_reuse_mode = 1, .expire_nodest_conn = 1 },
		  "",
		  EXIT_DONE },
		{ { .director = true,
		    .persistent = true,
		    .idle_servers = true,
		    .conn_reuse_mode = 1,
		    .expire_nodest_conn = 1 },
		  "lvs-expire-quiescent ",
		  EXIT_WARNINGS },
	};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct findings found = { 0 };
		char codes[200] = "";

		facts_lvs(&rows[i].facts, &found);
		for (j = 0; j < found.n; j++)
			strcat(strcat(codes, found.list[j].code), " ");
		assert_string_equal(codes, rows[i].codes);
		assert_int_equal(findings_exit_code(&found), rows[i].exit_code);
		findings_done(&found);
	}
}

/* What the other value of conn_reuse_mode costs depends on the kernel. */
static void tells_the_trade_of_reuse(void **state _unused_)
{
	struct lvs_facts l = { .director = true, .tracks = 1, .idle_servers = true };
	struct findings quick = { 0 }, slow = { 0 };

	facts_lvs(&l, &slow);
	assert_non_null(strstr(slow.list[0].text, "weight 0, which this director has"));
	assert_non_null(strstr(slow.list[0].advice, "opens 1 s later"));
	l.reuse_is_quick = true;
	facts_lvs(&l, &quick);
	assert_non_null(strstr(quick.list[0].advice, "at no cost"));
	findings_done(&slow);
	findings_done(&quick);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_wrong),
		cmocka_unit_test(tells_the_trade_of_reuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
