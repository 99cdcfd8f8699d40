/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe connections: the words, which entries they mean, and how one is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>

#include "show/connections.h"
#include "show/wire.h"
#include "../lib/random.h"

static const char *say_line(void *ctx _unused_, const struct conn_record *record,
			    char buf[CONN_LINE_MAX])
{
	return conn_format(record->conn, buf);
}

/* The payload is the mark. */
static bool read_mark(void *ctx _unused_, const struct conn_record *record, uint32_t *ret)
{
	if (record->payload_len != sizeof(*ret))
		return false;
	memcpy(ret, record->payload, sizeof(*ret));
	return true;
}

static const struct kernel_ops ops = { .ct_line = say_line, .ct_mark = read_mark };
static const struct kernel kernel = { .ops = &ops };

static int parse(struct connections *ret, const char *text, struct request_error *e)
{
	char copy[256], *argv[32], *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return connections_parse(ret, argc, argv, e);
}

/* 10.0.0.1:33862 to 10.232.3.28:8899, as 192.168.11.7:31445 */
static struct conn make(uint8_t state)
{
	static const uint8_t client[16] = { 10, 0, 0, 1 }, server[16] = { 10, 232, 3, 28 };
	static const uint8_t as[16] = { 192, 168, 11, 7 };
	struct tuple t;
	struct conn c;

	memset(&t, 0, sizeof(t)), memset(&c, 0, sizeof(c));
	memcpy(t.src, client, 16), memcpy(t.dst, server, 16);
	t.sport = htons(33862), t.dport = htons(8899);
	c.key = conn_key_make(AF_INET, IPPROTO_TCP, &t, 3, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&t, IPPROTO_TCP);
	memcpy(c.reply.dst, as, 16);
	c.reply.dport = htons(31445);
	c.status = CONN_CONFIRMED | CONN_SEEN_REPLY | CONN_ASSURED | CONN_SRC_NAT;
	c.timeout = 431999, c.id = 7, c.tcp_state = state;
	return c;
}

static void means_what_is_asked_for(void **state _unused_)
{
	/* as a string of those meant: Pinned, Unpinned, Altered, Lingering, Not selected,
	 * Committed, and c, an unpinned one that is closed */
	static const struct {
		const char *words, *meant;
	} cases[] = {
		{ "", "PUALNCc" },
		{ "dev br0", "PUALNCc" },
		{ "pinned", "PC" },
		{ "unpinned", "Uc" },
		{ "altered", "A" },
		{ "lingering", "L" },
		{ "not-selected", "N" },
		{ "committed", "C" },
		{ "at-risk", "UAN" },
		{ "pinned lingering", "PLC" },
		{ "pinned at-risk", "PUANC" },
		{ "proto tcp pinned dport 8899", "PC" },
		{ "pinned src 10.0.0.2", "" },
		{ "dst 10.232.0.0/16 dev br0 at-risk mark 5 zone 3", "UAN" },
		{ "mark 4", "" },
	};
	const struct conn c = make(CONN_TCP_ESTABLISHED), closed = make(CONN_TCP_TIME_WAIT);
	const uint32_t mark = 5;
	const struct conn_record open = { .conn = &c, .payload = &mark, .payload_len = 4 };
	const struct conn_record ended = { .conn = &closed, .payload = &mark, .payload_len = 4 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request_error e = { "" };
		struct connections q;
		char got[8] = "";

		if (parse(&q, cases[i].words, &e) < 0)
			fail_msg("%s: %s", cases[i].words, e.text);
		for (unsigned p = PROTECTION_PINNED; p <= PROTECTION_COMMITTED; p++)
			if (connections_want(&q, &kernel, &open, (enum protection)p))
				got[strlen(got)] = "-PUALNC"[p];
		if (connections_want(&q, &kernel, &ended, PROTECTION_UNPINNED))
			got[strlen(got)] = 'c';
		assert_false(connections_want(&q, &kernel, &open, PROTECTION_NONE));
		if (strcmp(got, cases[i].meant) != 0)
			fail_msg("%s: got %s, not %s", cases[i].words, got, cases[i].meant);
	}
}

static void wrong_words_are_named(void **state _unused_)
{
	static const struct {
		const char *words, *error;
	} cases[] = {
		{ "dev", "\"dev\" has no value" },
		{ "dev a dev b", "\"dev\" is given twice" },
		{ "dev a/b", "device name \"a/b\" holds a slash or a space" },
		{ "none", "unknown word \"none\"" },
		{ "pin", "unknown word \"pin\"" },
		{ "src pinned", "src \"pinned\" is not an address or a prefix" },
		{ "pinned src 10.0.0.1 src 10.0.0.1", "\"src\" is given twice" },
	};
	struct request_error e = { "" };
	struct connections q;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (parse(&q, cases[i].words, &e) != -EINVAL)
			fail_msg("%s is taken", cases[i].words);
		assert_string_equal(e.text, cases[i].error);
	}
}

static void every_word_is_offered(void **state _unused_)
{
	struct request_error e;
	struct connections q;
	size_t i;

	for (i = 0; connections_word(i); i++)
		assert_int_equal(parse(&q, connections_word(i), &e), 0);
	assert_int_equal(i, 7);
}

/* The daemon means what the command line says. */
static void words_arrive(void **state _unused_)
{
	char *words[] = { (char *)"dev",	(char *)"br0",	(char *)"at-risk", (char *)"src",
			  (char *)"10.0.0.0/8", (char *)"zone", (char *)"3" };
	struct wire_request sent = { .op = WIRE_CONNECTIONS, .words = words, .n_words = 7 }, got;
	char *line = wire_request_line(&sent);
	enum wire_refusal why;
	struct request_error e;

	assert_non_null(line);
	assert_int_equal(wire_request_parse(line, strlen(line), &got, &why, &e), 0);
	assert_int_equal(got.op, WIRE_CONNECTIONS);
	assert_string_equal(got.connections.device, "br0");
	assert_true(got.connections.at_risk);
	assert_int_equal(got.connections.pattern.parts, PATTERN_SRC | PATTERN_ZONE);
	free(line);
	sent.n_words = 6;
	line = wire_request_line(&sent);
	assert_int_equal(wire_request_parse(line, strlen(line), &got, &why, &e), -EINVAL);
	assert_string_equal(e.text, "\"zone\" has no value");
	free(line);
}

static void shows_one_in_a_line(void **state _unused_)
{
	const struct conn c = make(CONN_TCP_ESTABLISHED);
	const uint32_t mark = 5;
	const struct conn_record r = { .conn = &c, .payload = &mark, .payload_len = 4 };
	char line[CONNECTION_LINE_MAX];
	size_t n;

	n = connections_line(&kernel, &r, "br0", PROTECTION_PINNED, false, line);
	assert_int_equal(n, strlen(line));
	assert_string_equal(line, "tcp 10.0.0.1:33862 -> 10.232.3.28:8899 as 192.168.11.7:31445 "
				  "zone 3 # pinned br0\n");
	connections_line(&kernel, &r, "\033\n", PROTECTION_LINGERING, false, line);
	assert_non_null(strstr(line, "# lingering \\x1b\\x0a\n"));
	n = connections_line(&kernel, &r, "br0", PROTECTION_UNPINNED, true, line);
	assert_int_equal(n, strlen(line));
	assert_string_equal(line,
			    "{\"protocol\":\"tcp\",\"state\":\"ESTABLISHED\",\"timeout\":431999,"
			    "\"original\":{\"src\":\"10.0.0.1\",\"dst\":\"10.232.3.28\","
			    "\"sport\":33862,\"dport\":8899},\"reply\":{\"src\":\"10.232.3.28\","
			    "\"dst\":\"192.168.11.7\",\"sport\":8899,\"dport\":31445},"
			    "\"replied\":true,\"assured\":true,\"mark\":5,\"zone\":3,\"id\":7,"
			    "\"helper\":false,\"device\":\"br0\",\"protection\":\"unpinned\","
			    "\"at_risk\":true}\n");
}

/* Any entry, with the longest device name of the oddest bytes: one line, and it fits. */
static void every_line_is_whole(void **state _unused_)
{
	struct rnd rnd_ = rnd_begin("every_line_is_whole");
	char device[DEVICE_NAME_MAX], line[CONNECTION_LINE_MAX];

	memset(device, '\001', sizeof(device) - 1);
	device[sizeof(device) - 1] = '\0';
	for (int i = 0; i < 3000; i++) {
		const struct conn c = rnd_conn(&rnd_);
		const struct conn_record r = { .conn = &c };
		enum protection p = (enum protection)(1 + rnd(&rnd_, PROTECTION_LINGERING));
		bool json = rnd(&rnd_, 2);
		size_t n = connections_line(&kernel, &r, device, p, json, line);
		json_t *o;

		assert_true(n && n == strlen(line) && strchr(line, '\n') == line + n - 1);
		if (!json)
			continue;
		o = json_loads(line, 0, NULL);
		assert_true(json_is_object(o));
		assert_int_equal(json_integer_value(json_object_get(o, "timeout")), c.timeout);
		json_decref(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(means_what_is_asked_for), cmocka_unit_test(wrong_words_are_named),
		cmocka_unit_test(every_word_is_offered),   cmocka_unit_test(words_arrive),
		cmocka_unit_test(shows_one_in_a_line),	   cmocka_unit_test(every_line_is_whole),
	};

	return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
