/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last operations, as people see them. */
#include "lib/lines.h"
#include "lib/screen.h"

/* ---- tables ------------------------------------------------------------------------------- */

static void it_is_shown_as_wide_as_the_terminal_is(void **state _unused_)
{
	_cleanup_free_ char *a = line_of("0123456789aa", 0, 86401);
	_cleanup_free_ char *b = line_of("0123456789bb", 12, 10);
	_cleanup_free_ char *text = NULL, *wide = NULL, *narrow = NULL;
	const char *line;
	json_t *list;

	assert_true(asprintf(&text, "%s\n%s\n", a, b) > 0);
	list = history_parse(text, 10, now);
	wide = shown(list, 0, false);
	assert_string_equal(
		wide,
		"WHEN                 BY                 DID                                    "
		"CONNECTIONS         ID\n"
		"02:57:50             root: vipsafe del  del 192.168.11.100/32 br-mgmt partial  "
		"1420 kept, 12 lost  0123456789bb\n"
		"2026-11-29 02:57:59  root: vipsafe del  del 192.168.11.100/32 br-mgmt ok       "
		"1432 kept           0123456789aa\n");
	narrow = shown(list, 40, false);
	assert_string_equal(narrow, "02:57:50\n"
				    "  BY           root: vipsafe del\n"
				    "  DID          del 192.168.11.100/32\n"
				    "               br-mgmt partial\n"
				    "  CONNECTIONS  1420 kept, 12 lost\n"
				    "  ID           0123456789bb\n"
				    "2026-11-29 02:57:59\n"
				    "  BY           root: vipsafe del\n"
				    "  DID          del 192.168.11.100/32\n"
				    "               br-mgmt ok\n"
				    "  CONNECTIONS  1432 kept\n"
				    "  ID           0123456789aa\n");
	for (line = narrow; *line; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") <= 40);
	json_decref(list);
}

/* With the longest addresses there are, nothing but the ids is missing at 80 columns, and
 * with -v nothing at all. */
static void long_addresses_push_out_the_ids_only(void **state _unused_)
{
	static const uint8_t ip[16] = { 0x20, 0x01, 0x0d, 0xb8, 0x11, 0x11, 0x22, 0x22,
					0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x66, 0x66 };
	struct report r = make("0123456789aa", 12);
	_cleanup_free_ char *table = NULL, *whole = NULL;
	const char *line;
	struct lines l;
	json_t *list;

	r.addresses[0].addr = addr_make(AF_INET6, ip);
	r.addresses[0].len = 128;
	r.addresses[1] = r.addresses[0];
	r.addresses[1].addr.bytes[15] = 0x67;
	r.n_addresses = 2;
	lines_begin(&l);
	add_run(&l, &r, 1);
	list = lines_parse(&l);
	table = shown(list, 80, false);
	for (line = table; *line; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") <= 80);
	assert_non_null(strstr(table, "2001:db8:1111:2222:3333:4444:5555:6666/128"));
	assert_non_null(strstr(table, "+1"));
	assert_non_null(strstr(table, "12 lost"));
	assert_null(strstr(table, "  ID\n"));
	assert_null(strstr(table, "0123456789aa"));
	whole = shown(list, 80, true);
	assert_non_null(strstr(whole, "2001:db8:1111:2222:3333:4444:5555:6667/128"));
	assert_non_null(strstr(whole, "  0123456789aa\n"));
	assert_non_null(strstr(whole, "\n2026-11-30T02:57:59.000+00:00  "));
	json_decref(list);
}

/* Somebody else's delete of such an address, on another day: still a table. */
static void long_addresses_of_others_too(void **state _unused_)
{
	static const char *const ip = "2001:db8:1111:2222:3333:4444:5555:6666/128";
	struct history_note n = note_of(HISTORY_FOREIGN_DELETE, "0123456789b0", &ip);
	_cleanup_free_ char *table = NULL;
	const char *line;
	struct lines l;
	json_t *list;

	lines_begin(&l);
	n.foreign = true;
	n.by = (struct asker){ .is_known = true, .pid = 4711, .command = "keepalived" };
	add_note(&l, &n, 90000);
	list = lines_parse(&l);
	table = shown(list, 80, false);
	for (line = table; *line; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") <= 80);
	assert_non_null(strstr(table, "WHEN"));
	assert_non_null(strstr(table, "keepalived"));
	assert_non_null(strstr(table, "[4711]"));
	assert_null(strstr(table, "0123456789b0"));
	json_decref(list);
}

static void add_runs(struct lines *l)
{
	static const uint8_t ip6[16] = { 0xfd, 0x00, 0, 0x11, [15] = 0x64 };
	struct report r = make("0123456789a0", 0);

	add_run(l, &r, 90000);
	r = make("0123456789a1", 12);
	add_run(l, &r, 600);
	r = make("0123456789a2", 0);
	r.op = OP_ADD;
	r.addresses[0].addr = addr_make(AF_INET6, ip6);
	r.addresses[0].len = 128;
	r.entries.candidates = r.entries.pinned = 0;
	strcpy(r.by.instance, "VI_1");
	strcpy(r.by.source, "fifo");
	add_run(l, &r, 590);
	r = make("0123456789a3", 0);
	r.changed = false;
	r.entries.candidates = r.entries.pinned = 0;
	add_run(l, &r, 580);
	r.result = RESULT_REFUSED;
	r.addresses[0].addr.bytes[3] = 7;
	r.addresses[0].len = 24;
	strcpy(r.id, "0123456789a4");
	strcpy(r.error, "192.168.11.7/24 is the last IPv4 address of br-mgmt: every connection of "
			"the device would go with it");
	add_run(l, &r, 570);
}

static void the_screen_of_an_operator(void **state _unused_)
{
	static const char *const ip = "192.168.11.100/32", *const own = "192.168.11.7",
				 *const rs = "10.9.2.2:3269";
	struct history_note n = note_of(HISTORY_FOREIGN_DELETE, "0123456789b0", &ip);
	_cleanup_free_ char *table = NULL;
	struct lines l;
	json_t *list;

	lines_begin(&l);
	add_runs(&l);
	n.foreign = true;
	n.by = (struct asker){ .is_known = true, .pid = 4711, .command = "keepalived" };
	n.candidates = n.pinned = 1432;
	n.lost = 1;
	n.result = "partial";
	add_note(&l, &n, 120);
	n = note_of(HISTORY_REPAIR, "0123456789b1", &ip);
	n.restored = 5;
	n.lost = 1;
	n.result = "partial";
	add_note(&l, &n, 119);
	n = note_of(HISTORY_QUARANTINE, "0123456789b2", &ip);
	n.candidates = 1432;
	n.result = "suspended";
	add_note(&l, &n, 60);
	n = note_of(HISTORY_LINGER, "0123456789b3", &own);
	n.removed = 20;
	n.took = 1500000;
	n.result = "heard";
	n.times = 12;
	add_note(&l, &n, 30);
	n = note_of(HISTORY_COLLISION, "0123456789b4", &rs);
	n.device = "";
	n.candidates = 2;
	n.result = "manifest";
	add_note(&l, &n, 1);
	list = lines_parse(&l);
	table = shown(list, SCREEN_COLUMNS, false);
	screen_is("history", table);
	json_decref(list);
}

static void a_table_without_ids_has_all_the_rest(void **state _unused_)
{
	_cleanup_free_ char *a = line_of("0123456789aa", 0, 5), *text = NULL, *table = NULL;
	json_t *list;

	assert_true(asprintf(&text, "%s\n", a) > 0);
	list = history_parse(text, 10, now);
	table = shown(list, 80, false);
	assert_string_equal(
		table,
		"WHEN      BY                 DID                               "
		"CONNECTIONS\n"
		"02:57:55  root: vipsafe del  del 192.168.11.100/32 br-mgmt ok  1432 kept\n");
	json_decref(list);
}

static void one_shows_what_was_left_alone(void **state _unused_)
{
	json_t *list = history_parse("{\"at_us\":5,\"op\":\"del\",\"addresses\":[],\"id\":\"ab\","
				     "\"entries\":{\"skipped\":7,\"altered\":7}}\n",
				     1, now);
	_cleanup_free_ char *text = shown_one(json_array_get(list, 0));

	assert_non_null(strstr(text, "  altered        7\n"));
	json_decref(list);
}

static void one_of_others_shows_all_of_it(void **state _unused_)
{
	static const char *const ip = "192.168.11.100/32";
	struct history_note n = note_of(HISTORY_FOREIGN_DELETE, "00ab", &ip);
	_cleanup_free_ char *text = NULL;
	struct lines l;
	json_t *list;

	n.foreign = true;
	n.by = (struct asker){ .is_known = true, .pid = 4711, .command = "ip" };
	n.candidates = n.pinned = 20;
	n.text = "more of it";
	n.times = 3;
	lines_begin(&l);
	add_note(&l, &n, 12);
	list = lines_parse(&l);
	text = shown_one(history_find(list, "00a"));
	assert_string_equal(text, "operation 00ab\n"
				  "  when           2026-11-30T02:57:48.000+00:00 (12 s ago)\n"
				  "  by             not vipsafe: ip[4711]\n"
				  "  what           foreign-delete\n"
				  "  address        192.168.11.100/32\n"
				  "  device         br-mgmt\n"
				  "  result         ok\n"
				  "  more           more of it\n"
				  "  candidates     20\n"
				  "  pinned         20\n"
				  "  restored       0\n"
				  "  superseded     0\n"
				  "  lost           0\n"
				  "  removed        0\n"
				  "  total took     0 us\n"
				  "  times          3\n");
	json_decref(list);
}

/* The file could hold anything that is JSON. */
static void nothing_reaches_the_terminal_unescaped(void **state _unused_)
{
	static const char text[] =
		"{\"at_us\":-5,\"id\":\"\\u001b[2Jx\",\"op\":\"\\u0007\",\"addresses\":[1,{}],"
		"\"entries\":{\"lost\":-1},\"warnings\":[{\"text\":\"\\u009b\"},7],"
		"\"by\":{\"foreign\":true,\"command\":\"\\u001b[31m\"},\"when\":\"\\u001b\","
		"\"wall_us\":9223372036854775807,\"device\":3}\n";
	json_t *list = history_parse(text, 10, now);
	char *out_text = NULL;
	const char *p;
	size_t size;
	FILE *out;

	assert_int_equal(json_array_size(list), 1);
	out = open_memstream(&out_text, &size);
	history_print(list, now, 80, false, out);
	history_print(list, now, 20, false, out);
	history_print(list, now, 20, true, out);
	history_print_one(json_array_get(list, 0), now, out);
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
		cmocka_unit_test(it_is_shown_as_wide_as_the_terminal_is),
		cmocka_unit_test(a_table_without_ids_has_all_the_rest),
		cmocka_unit_test(long_addresses_push_out_the_ids_only),
		cmocka_unit_test(long_addresses_of_others_too),
		cmocka_unit_test(the_screen_of_an_operator),
		cmocka_unit_test(one_shows_what_was_left_alone),
		cmocka_unit_test(one_of_others_shows_all_of_it),
		cmocka_unit_test(nothing_reaches_the_terminal_unescaped),
		cmocka_unit_test(ages_are_short),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("history_text", tests, NULL, NULL);
}
