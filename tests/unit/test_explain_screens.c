/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explanations as whole screens, and what is said where nobody has recorded anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "lib/explaining.h"
#include "lib/screen.h"

/* "a,b,c": the causes. */
static const char *possible(const struct explain_context *c, const struct explain_facts *f,
			    bool known, char buf[256])
{
	json_t *list = explain_possible(c, f, known);
	size_t i, n = 0;

	*buf = '\0';
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		assert_true(json_is_false(json_object_get(o, "certain")));
		assert_true(*text_in(o, "prevention"));
		n += (size_t)snprintf(buf + n, 256 - n, "%s%s", i ? "," : "", text_in(o, "cause"));
	}
	json_decref(list);
	return buf;
}

static void what_it_may_be_has_evidence(void **state _unused_)
{
	struct explain_context c = context();
	struct explain_facts f = facts();
	char buf[256];

	assert_string_equal(possible(&c, &f, true, buf), "");
	assert_string_equal(possible(&c, &f, false, buf), "too-old,other-namespace");
	c.recorded_max = 0; /* explain_max = 0 */
	assert_string_equal(possible(&c, &f, false, buf), "not-recorded,other-namespace");
	c.recorded_max = 65536;
	c.source = EXPLAIN_FROM_NOTHING;
	assert_string_equal(possible(&c, &f, false, buf), "not-recorded,other-namespace");
	c.source = EXPLAIN_FROM_FILE;
	f.notrack = "-A PREROUTING -p tcp --dport 8899 -j NOTRACK";
	f.drops_invalid = true;
	assert_string_equal(possible(&c, &f, false, buf),
			    "notrack,invalid,too-old,other-namespace");
	/* the kernel counts them, and there was none */
	f.has_counts = true;
	assert_string_equal(possible(&c, &f, false, buf), "notrack,too-old,other-namespace");
	f.invalid = 3;
	f.early_drop = 1;
	f.collision = "x";
	f.ipvs = "y";
	assert_string_equal(possible(&c, &f, false, buf),
			    "collision,ipvs-forgot,notrack,invalid,early-drop,too-old,"
			    "other-namespace");
	assert_string_equal(possible(&c, &f, true, buf), "collision,ipvs-forgot");
}

/* ---- whole screens ------------------------------------------------------------------------------
 */

static char *printed(json_t *items, json_t *maybe, size_t max)
{
	const struct explain_context c = context();
	json_t *result =
		explain_result(&c, "10.232.1.5 10.232.3.28:8899", explain_sort(items), maybe);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(result);
	explain_print(&c, result, SCREEN_COLUMNS, max, out);
	fclose(out);
	json_decref(result);
	return text;
}

static json_t *long_ipv6(void)
{
	const struct explain_context c = context();
	json_t *end = json_loads(
		"{\"at_us\":1000000,\"cause\":\"early-drop\",\"certain\":false,\"device\":\"br-"
		"mgmt\","
		"\"doubt\":\"the table was nearly full, but this kernel does not tell what it "
		"dropped\",\"proto\":\"udp\",\"zone\":7,"
		"\"src\":\"2001:db8:1111:2222:3333:4444:5555:6666\",\"sport\":33862,"
		"\"dst\":\"2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff\",\"dport\":65535,"
		"\"as\":{\"addr\":\"2001:db8:9999:8888:7777:6666:5555:4444\",\"port\":31445},"
		"\"deed\":{\"what\":\"full\",\"at_us\":900000,\"by\":\"kernel\",\"count\":262144,"
		"\"max\":262144}}",
		0, NULL);
	json_t *item = explain_end(&c, end);

	json_decref(end);
	return item;
}

static void what_died_fits_a_terminal(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;
	json_t *items = json_array();

	json_array_append_new(items, long_ipv6());
	json_array_append_new(items,
			      explained("flush", "\"certain\":true,\"timeout_s\":431999," DEED(
							 "address-deleted", KEEPALIVED)));
	json_array_append_new(items, explained("retranslated", "\"at_us\":4990000000,\"certain\":"
							       "true,\"new_port\":45332,"
							       "\"new_reset\":true"));
	text = printed(items, json_array(), 0);
	screen_is("explain", text);
}

static void what_lives_fits_a_terminal(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;
	const struct explain_context c = context();
	struct explain_facts f = facts();
	json_t *items = json_array();

	f.collision = "tcp 10.9.1.2:5000 -> 10.9.2.2:3269 and tcp 10.9.1.2:5000 -> 10.9.9.1:3306 "
		      "are one (certain)";
	json_array_append_new(items, alive(PROTECTION_PINNED));
	json_array_append_new(items, explained("finished", "\"certain\":true"));
	text = printed(items, explain_possible(&c, &f, true), 1);
	screen_is("explain-alive", text);
}

static void what_is_not_known_fits_a_terminal(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;
	const struct explain_context c = context();
	struct explain_facts f = facts();

	f.notrack = "-A PREROUTING -p tcp -m tcp --dport 8899 -j CT --notrack";
	f.drops_invalid = f.has_counts = true;
	f.invalid = 314;
	text = printed(json_array(), explain_possible(&c, &f, false), 0);
	screen_is("explain-unknown", text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_may_be_has_evidence),
		cmocka_unit_test(what_died_fits_a_terminal),
		cmocka_unit_test(what_lives_fits_a_terminal),
		cmocka_unit_test(what_is_not_known_fits_a_terminal),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("explain_screens", tests, NULL, NULL);
}
