/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a status says of the connections that another node had: whether conntrackd has committed
 * them before the addresses of an instance came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "show/status_part.h"

/* Of an instance that is MASTER, and has all its addresses. */
struct row {
	enum commit_outcome outcome;
	const char *word; /* in JSON */
	const char *code; /* of the finding; "": none */
	enum severity severity;
	const char *text;
	bool brief; /* the text is there without --verbose */
};

static char *printed(const struct status *s, bool verbose)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	status_instances_print(s, verbose, out);
	fclose(out);
	return text;
}

static void finds(const struct status *s, const struct row *row)
{
	struct findings f = { 0 };

	status_instances_find(s, &f);
	assert_int_equal(f.n, *row->code != '\0');
	if (f.n) {
		assert_string_equal(f.list[0].code, row->code);
		assert_int_equal(f.list[0].severity, row->severity);
	}
	findings_done(&f);
}

static void has_json(const struct status *s, const struct row *row)
{
	json_t *o = status_instances_json(s), *commit;

	commit = json_object_get(json_array_get(o, 0), "commit");
	assert_string_equal(json_string_value(json_object_get(commit, "outcome")), row->word);
	assert_int_equal(json_integer_value(json_object_get(commit, "took_us")), 123000);
	json_decref(o);
}

static void it_says_what_became_of_a_commit(void **state _unused_)
{
	static const struct row rows[] = {
		{ COMMIT_NONE, "none", "", SEVERITY_NOTE, "", true },
		{ COMMIT_DONE, "done", "", SEVERITY_NOTE,
		  "  conntrackd committed before they came, in 123 ms\n", false },
		{ COMMIT_OVERDUE, "overdue", "commit-late", SEVERITY_WARNING,
		  "  FAILED: conntrackd has not committed in time: they came without\n", true },
		{ COMMIT_LATE, "late", "commit-late", SEVERITY_NOTE,
		  "  conntrackd committed only after they came, in 123 ms\n", true },
		{ COMMIT_FAILED, "failed", "commit-failed", SEVERITY_WARNING,
		  "  FAILED: conntrackd has not committed\n", true },
		{ COMMIT_SHARED, "shared", "", SEVERITY_NOTE,
		  "  conntrackd committed for another instance, and for all\n", false },
	};
	struct status_instance i = { .name = "VI_1",
				     .state = INSTANCE_MASTER,
				     .wanted = ACTION_ADD,
				     .present = 1,
				     .addresses = 1,
				     .commit_took = 123 * USEC_PER_MSEC,
				     .error = "" };
	const struct status s = { .instances = &i, .n_instances = 1 };
	size_t n;

	for (n = 0; n < ARRAY_SIZE(rows); n++) {
		_cleanup_free_ char *brief = NULL, *verbose = NULL;

		i.commit = rows[n].outcome;
		brief = printed(&s, false);
		verbose = printed(&s, true);
		assert_non_null(strstr(verbose, rows[n].text));
		assert_true(rows[n].brief == (strstr(brief, rows[n].text) != NULL));
		finds(&s, &rows[n]);
		has_json(&s, &rows[n]);
	}
}

/* It has given them up meanwhile: nobody is to do anything about it. */
static void it_is_over_when_the_addresses_go(void **state _unused_)
{
	struct status_instance i = { .name = "VI_1",
				     .state = INSTANCE_BACKUP,
				     .wanted = ACTION_DEL,
				     .addresses = 1,
				     .error = "" };
	const struct status s = { .instances = &i, .n_instances = 1 };
	const struct row none = { .code = "" };

	i.commit = COMMIT_OVERDUE;
	finds(&s, &none);
	i.commit = COMMIT_FAILED;
	finds(&s, &none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_became_of_a_commit),
		cmocka_unit_test(it_is_over_when_the_addresses_go),
	};

	return cmocka_run_group_tests_name("status_commit", tests, NULL, NULL);
}
