/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a hook hands over the control socket, and how the daemon tells of
 * instances. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "show/wire.h"

static int parse(const char *text, struct wire_request *ret)
{
	enum wire_refusal why = WIRE_INTERNAL;
	struct request_error e = { "" };
	int r = wire_request_parse(text, strlen(text), ret, &why, &e);

	if (r < 0) {
		assert_int_equal(why, WIRE_BAD_REQUEST);
		assert_true(e.text[0]);
	}
	return r;
}

static void pass(int n, char *words[], struct wire_request *ret)
{
	struct wire_request r = {
		.op = WIRE_NOTIFY, .words = words, .n_words = n, .notify.acted = true
	};
	char *line;

	r.notify.event.stamp = 1234567890123ULL;
	line = wire_request_line(&r);
	assert_non_null(line);
	assert_int_equal(parse(line, ret), 0);
	free(line);
	assert_int_equal(ret->op, WIRE_NOTIFY);
	assert_string_equal(wire_op_name(ret), "notify");
	assert_true(ret->notify.acted);
}

static void words_pass(void **state _unused_)
{
	char *words[] = { "INSTANCE", "VI \"1\" \xc3\xa9", "MASTER", "100" };
	struct wire_request r;

	pass(4, words, &r);
	assert_false(r.notify.is_bad);
	assert_string_equal(r.notify.event.name, words[1]);
	assert_int_equal(r.notify.event.state, INSTANCE_MASTER);
	assert_int_equal(r.notify.event.priority, 100);
	assert_int_equal(r.notify.event.source, SOURCE_HOOK);
	assert_true(r.notify.event.stamp == 1234567890123ULL);
}

/* The daemon counts them: they have to get there. */
static void bad_words_pass_as_bad(void **state _unused_)
{
	static char large[100000];
	char *unknown[] = { "INSTANCE", "VI_1", "SLEEPING" };
	char *bytes[] = { "INSTANCE", "\xff\xfe\x01", "MASTER" };
	char *many[] = { "INSTANCE", "VI_1", "MASTER", "1", "2", "3", "4", "5" };
	char *long_ones[] = { large, large, large, large };
	struct wire_request r;

	memset(large, 'x', sizeof(large) - 1);
	pass(3, unknown, &r);
	assert_true(r.notify.is_bad);
	assert_non_null(strstr(r.notify.why.text, "SLEEPING"));
	pass(0, NULL, &r);
	assert_true(r.notify.is_bad);
	pass(8, many, &r);
	assert_true(r.notify.is_bad);
	pass(4, long_ones, &r);
	assert_true(r.notify.is_bad);
	/* what is no UTF-8 arrives in another spelling, as a name nobody has */
	pass(3, bytes, &r);
	assert_string_not_equal(r.notify.event.name, "");
}

static void others_are_refused(void **state _unused_)
{
	static const char *const bad[] = {
		"{\"v\":2,\"words\":\"notify\"}",
		"{\"v\":2,\"words\":[\"notify\",1,2,3]}",
		"{\"v\":2,\"words\":[\"notify\"],\"stamp_us\":-1}",
		"{\"v\":2,\"words\":[\"notify\"],\"stamp_us\":\"now\"}",
		"{\"v\":2,\"words\":[\"notify\"],\"acted\":1}",
		"{\"v\":2,\"words\":[\"notify\"],\"colour\":\"red\"}",
	};
	struct wire_request r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse(bad[i], &r) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(parse("{\"v\":2,\"words\":[\"notify\",\"INSTANCE\",\"V\","
			       "\"STOP\"]}",
			       &r),
			 0);
	assert_true(r.notify.event.stamp == 0 && !r.notify.acted && !r.notify.is_bad);
}

/* ---- status --------------------------------------------------------------------------- */

static const struct status_instance instances[] = {
	{ .name = "VI_1",
	  .device = "br-mgmt",
	  .state = INSTANCE_MASTER,
	  .source = SOURCE_FIFO,
	  .age = 75 * USEC_PER_SEC,
	  .wanted = ACTION_ADD,
	  .present = 1,
	  .addresses = 2,
	  .has_decoy = true,
	  .decoy_there = true,
	  .counters = { .changes = 3, .duplicates = 4, .late = 5, .operations = 6 } },
	{ .name = "VI\033[2J", .owner = OWNER_KEEPALIVED, .present = 1, .addresses = 1 },
	{ .name = "VI_3",
	  .state = INSTANCE_FAULT,
	  .source = SOURCE_DECOY,
	  .wanted = ACTION_DEL,
	  .present = 1,
	  .addresses = 1 },
};

static const struct status status = {
	.version = "0",
	.instances = instances,
	.n_instances = ARRAY_SIZE(instances),
	.notify = { .is_used = true, .hooks = 7, .lines = 8, .bad = 9, .fifo_problem = "gone" },
};

static char *text_of(bool verbose)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	status_print(&status, verbose, out);
	fclose(out);
	return text;
}

static void holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void status_tells_of_instances(void **state _unused_)
{
	char *text = text_of(true);

	holds(text,
	      "instance VI_1: MASTER by fifo for 75 s, 1 of 2 addresses there, NOT ALL THERE");
	holds(text, "duplicates 4, late 5");
	holds(text, "instance VI\\x1b[2J: unknown, 1 of 1 addresses there, keepalived's\n");
	holds(text, "instance VI_3: FAULT by decoy for 0 s, 1 of 1 addresses there, NOT ALL GONE");
	holds(text, "keepalived's FIFO cannot be read: gone");
	holds(text, "7 times by hooks, 8 by lines; bad 9");
	free(text);
	text = text_of(false);
	assert_null(strstr(text, "duplicates"));
	free(text);
}

static void status_in_json(void **state _unused_)
{
	json_t *o = status_json_new(&status), *list, *one;

	assert_non_null(o);
	list = json_object_get(o, "instances");
	assert_int_equal(json_array_size(list), 3);
	one = json_array_get(list, 0);
	assert_string_equal(json_string_value(json_object_get(one, "state")), "MASTER");
	assert_string_equal(json_string_value(json_object_get(one, "wanted")), "present");
	assert_true(json_is_true(json_object_get(one, "decoy")));
	assert_int_equal(json_integer_value(json_object_get(one, "operations")), 6);
	one = json_array_get(list, 1);
	assert_string_equal(json_string_value(json_object_get(one, "owner")), "keepalived");
	assert_string_equal(json_string_value(json_object_get(one, "wanted")), "any");
	assert_true(json_is_null(json_object_get(one, "decoy")));
	one = json_object_get(o, "notify");
	assert_int_equal(json_integer_value(json_object_get(one, "bad")), 9);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_pass),	      cmocka_unit_test(bad_words_pass_as_bad),
		cmocka_unit_test(others_are_refused), cmocka_unit_test(status_tells_of_instances),
		cmocka_unit_test(status_in_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
