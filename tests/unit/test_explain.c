/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a connection died, in words: each cause, what is said when it is not certain, what lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/end.h"
#include "base/text.h"
#include "lib/explaining.h"
#include "show/end_json.h"

static void each_cause_is_told_apart(void **state _unused_)
{
	static const struct {
		const char *cause, *more;
		const char *text, *prevention; /* parts */
	} rows[] = {
		{ "unknown", "", "nothing that was seen says why", "vipsafe watch" },
		{ "address-deleted", "\"certain\":true," DEED("address-deleted", IP_PROGRAM),
		  "192.168.11.100/32 was deleted from br-mgmt by ip[4711].", "linger says (5s)" },
		{ "address-deleted", "\"certain\":true," DEED("address-deleted", KEEPALIVED),
		  "by keepalived[812] (instance VI_1).", "pin = continuous" },
		{ "address-deleted",
		  DEED("address-deleted", "\"by\":\"us\",\"operation\":\"1a2b3c4d\""),
		  "by vipsafe (operation 1a2b3c4d).", "--vip-flows keep" },
		{ "address-deleted", DEED("address-deleted", "\"by\":\"ended\",\"pid\":99"),
		  "by a program that has ended (pid 99).", "" },
		{ "address-deleted", DEED("address-deleted", IP_PROGRAM ",\"likely\":true"),
		  "by probably ip[4711].", "" },
		{ "address-deleted", DEED("address-deleted", "\"by\":\"ended\""),
		  "by a program that has ended.", "" },
		{ "address-deleted", DEED("address-deleted", "\"by\":\"unknown\""),
		  "by a program that the kernel does not name.", "" },
		{ "flush", DEED("address-deleted", IP_PROGRAM),
		  "removes every masqueraded entry of the device that is not pinned",
		  "pin = continuous in [device br-mgmt], deleting addresses with \"vipsafe del\", "
		  "or a rule with a fixed SNAT address." },
		{ "link-down", DEED("link-down", IP_PROGRAM),
		  "The link of br-mgmt went down (ip[4711])",
		  "pin = continuous in [device br-mgmt]" },
		{ "sweep", DEED("away", "\"by\":\"us\""), "did not come back within linger (5s)",
		  "A longer linger" },
		{ "sweep", DEED("heard", "\"by\":\"us\""), "another host was heard with it",
		  "Nothing" },
		{ "sweep", DEED("given-up", "\"by\":\"us\""), "had been given up on purpose",
		  "Nothing" },
		{ "deleted",
		  "\"deed\":{\"what\":\"entries-deleted\",\"at_us\":4988000000,\"by\":\"program\","
		  "\"comm\":\"conntrack\",\"pid\":7}",
		  "conntrack[7] deleted the entry", "vipsafe doctor" },
		{ "deleted",
		  "\"deed\":{\"what\":\"entries-deleted\",\"at_us\":4988000000,\"by\":\"ended\"}",
		  "A program that has ended deleted the entry", "" },
		{ "early-drop",
		  "\"deed\":{\"what\":\"full\",\"at_us\":1,\"by\":\"kernel\",\"count\":99,"
		  "\"max\":100}",
		  "table was full (99 of 100 entries)", "nf_conntrack_max (it was 100)" },
		{ "timeout", "\"sysctl\":\"nf_conntrack_tcp_timeout_established\"",
		  "net.netfilter.nf_conntrack_tcp_timeout_established allows, in state ESTABLISHED",
		  "TCP keepalives" },
		{ "finished", "", "both sides sent FIN", "Nothing to prevent" },
		{ "reset", "", "One of its two sides reset it", "re-translated" },
		{ "reset-by-client", "", "The client reset it", "client" },
		{ "reset-by-server", "", "The server reset it", "server" },
		{ "ipvs", "", "IPVS of this node forgot", "ipvsadm --set" },
		{ "lost", "", "the kernel refused that", "vipsafe history" },
		{ "arrived", DEED("arrived", "\"by\":\"us\""), "192.168.11.100/32 had come", "" },
		{ "retranslated", "\"new_port\":45332,\"new_reset\":true",
		  "left from port 45332 instead of 31445, which the server does not know: it "
		  "reset the connection",
		  "pin = continuous in [device br-mgmt]" },
		{ "retranslated", "\"new_port\":45332", "does not know and answers with a reset",
		  "" },
		{ "flush", "\"put_back\":true," DEED("address-deleted", IP_PROGRAM),
		  "vipsafe has created the entry again: the connection lives on", "" },
	};
	bool told[END_CAUSE_COUNT] = { false };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *o = explained(rows[i].cause, rows[i].more);

		told[word_find(end_cause_words, rows[i].cause)] = true;
		assert_string_equal(text_in(o, "cause"), rows[i].cause);
		assert_string_equal(text_in(o, "when"), "2026-11-30T02:58:19.000+00:00");
		if (!strstr(text_in(o, "text"), rows[i].text) ||
		    !strstr(text_in(o, "prevention"), rows[i].prevention) ||
		    !*text_in(o, "prevention"))
			fail_msg("%s: %s %s", rows[i].cause, text_in(o, "text"),
				 text_in(o, "prevention"));
		assert_true(json_array_size(json_object_get(o, "evidence")) > 0);
		json_decref(o);
	}
	for (i = 0; i < END_CAUSE_COUNT; i++)
		if (!told[i])
			fail_msg("no row for %s", end_cause_words[i]);
}

/* What is not certain says why; an unknown cause never is. */
static void doubts_are_said(void **state _unused_)
{
	json_t *o = explained("flush", "\"certain\":false,\"doubt\":\"because so\"");

	assert_true(json_is_false(json_object_get(o, "certain")));
	assert_string_equal(text_in(o, "doubt"), "because so");
	json_decref(o);
	o = explained("flush", "\"certain\":true");
	assert_true(json_is_true(json_object_get(o, "certain")));
	json_decref(o);
	o = explained("unknown", "\"certain\":true");
	assert_true(json_is_false(json_object_get(o, "certain")));
	json_decref(o);
	o = explained("of-tomorrow", "\"certain\":true");
	assert_string_equal(text_in(o, "cause"), "unknown");
	assert_true(json_is_false(json_object_get(o, "certain")));
	json_decref(o);
}

/* An end as the guard keeps it becomes what is explained. */
static void an_end_that_was_kept_is_told(void **state _unused_)
{
	const struct explain_context c = context();
	struct end_told told;
	struct tuple t;
	struct conn conn;
	json_t *end, *o;

	memset(&told, 0, sizeof(told));
	memset(&t, 0, sizeof(t));
	memset(&conn, 0, sizeof(conn));
	t.src[0] = t.dst[0] = 0xfd, t.src[15] = 1, t.dst[15] = 2;
	t.sport = htons(33862), t.dport = htons(8899);
	conn.key = conn_key_make(AF_INET6, IPPROTO_TCP, &t, 3, CONN_ZONE_BOTH);
	conn.reply = tuple_invert(&t, IPPROTO_TCP);
	conn.reply.dst[15] = 9, conn.reply.dport = htons(31445), conn.reply.sport = htons(9999);
	conn.tcp_state = CONN_TCP_ESTABLISHED;
	conn.status = CONN_SEEN_REPLY;
	conn.timeout = 77;
	end_init(&told.end, &conn, 4988 * USEC_PER_SEC);
	told.end.cause = END_RETRANSLATED;
	told.end.doubt = DOUBT_MOMENT;
	told.end.new_port = htons(45332);
	told.end.flags |= END_TOLD | END_NEW_RESET;
	snprintf(told.device, sizeof(told.device), "br-mgmt");
	told.deed = (struct deed){ .at = 4987 * USEC_PER_SEC,
				   .what = DEED_ADDRESS,
				   .by = BY_PROGRAM,
				   .comm = "ip",
				   .pid = 4711 };
	assert_int_equal(prefix_parse("fd00::9/64", PREFIX_LEN_OPTIONAL, &told.deed.address), 0);
	end = end_json(&told);
	o = explain_end(&c, end);
	assert_non_null(o);
	assert_string_equal(text_in(o, "kind"), "retranslated");
	assert_string_equal(text_in(o, "doubt"), word_of(end_doubt_words, DOUBT_MOMENT));
	assert_true(json_is_false(json_object_get(o, "certain")));
	assert_int_equal(json_integer_value(json_object_get(o, "old_port")), 31445);
	assert_int_equal(json_integer_value(json_object_get(o, "new_port")), 45332);
	assert_int_equal(json_integer_value(json_object_get(o, "zone")), 3);
	{
		json_t *orig = json_object_get(o, "original"), *reply = json_object_get(o, "reply");
		json_t *deed = json_object_get(o, "deed");

		assert_string_equal(text_in(orig, "src"), "fd00::1");
		assert_int_equal(json_integer_value(json_object_get(orig, "sport")), 33862);
		assert_string_equal(text_in(reply, "dst"), "fd00::9");
		assert_int_equal(json_integer_value(json_object_get(reply, "dport")), 31445);
		assert_int_equal(json_integer_value(json_object_get(reply, "sport")), 9999);
		assert_string_equal(text_in(deed, "address"), "fd00::9/64");
		assert_string_equal(text_in(deed, "when"), "2026-11-30T02:58:18.000+00:00");
	}
	json_decref(o);
	json_decref(end);
}

/* Whatever a daemon or a file says is printable, and of any type. */
static void nonsense_is_harmless(void **state _unused_)
{
	static const char *const ends[] = {
		"[]",
		"{}",
		"{\"cause\":7,\"deed\":[],\"as\":\"x\",\"at_us\":\"y\"}",
		("{\"cause\":\"flush\",\"deed\":{\"by\":\"program\",\"comm\":\"\\u001b[31m\"},"
		 "\"device\":\"\\u001b[2J\",\"at_us\":-5,\"src\":\"\\u0007\"}"),
	};
	const struct explain_context c = context();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		json_t *end = json_loads(ends[i], 0, NULL), *items = json_array();
		json_t *item = explain_end(&c, end), *result;
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_int_equal(!item, i == 0);
		if (item)
			json_array_append_new(items, item);
		result = explain_result(&c, "", items, json_array());
		assert_non_null(result);
		explain_print(&c, result, 80, 0, out);
		fclose(out);
		assert_null(strpbrk(text, "\033\007"));
		free(text);
		json_decref(result);
		json_decref(end);
	}
}

static void what_lives_is_said(void **state _unused_)
{
	static const struct {
		enum protection protection;
		const char *word, *text;
	} rows[] = {
		{ PROTECTION_PINNED, "pinned", "it is pinned" },
		{ PROTECTION_COMMITTED, "committed", "committed from the peer" },
		{ PROTECTION_UNPINNED, "unpinned", "it is not pinned" },
		{ PROTECTION_ALTERED, "altered", "Another program has altered" },
		{ PROTECTION_LINGERING, "lingering", "Its address is gone" },
		{ PROTECTION_UNSELECTED, "not-selected", "leaves it unprotected" },
		{ PROTECTION_NONE, "none", "It lives" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *o = alive(rows[i].protection);

		assert_string_equal(text_in(o, "kind"), "alive");
		assert_string_equal(text_in(o, "protection"), rows[i].word);
		assert_non_null(strstr(text_in(o, "text"), rows[i].text));
		json_decref(o);
	}
}

/* What the server said to the new port is a consequence, and told as one. */
static void a_reset_after_a_translation_is_its_consequence(void **state _unused_)
{
	const struct explain_context c = context();
	json_t *items = json_array(), *result, *reset;
	size_t i;

	for (i = 0; i < 2; i++)
		json_array_append_new(items, explained("reset-by-server",
						       i ? "\"at_us\":4990500000,\"as\":{\"addr\":"
							   "\"192.168.11.7\",\"port\":45332}"
							 : "\"at_us\":4990600000"));
	json_array_append_new(items, explained("retranslated", "\"at_us\":4990000000,\"certain\":"
							       "true,\"new_port\":45332"));
	result = explain_result(&c, "", explain_sort(items), json_array());
	items = json_object_get(result, "connections");
	for (i = 0; i < 2; i++) {
		reset = json_array_get(items, i);
		assert_string_equal(text_in(reset, "cause"), "reset-by-server");
		assert_int_equal(!*text_in(reset, "after"), i == 0);
		assert_int_equal(!strstr(text_in(reset, "prevention"), "pin = continuous"), i == 0);
	}
	json_decref(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cause_is_told_apart),
		cmocka_unit_test(doubts_are_said),
		cmocka_unit_test(an_end_that_was_kept_is_told),
		cmocka_unit_test(nonsense_is_harmless),
		cmocka_unit_test(what_lives_is_said),
		cmocka_unit_test(a_reset_after_a_translation_is_its_consequence),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
