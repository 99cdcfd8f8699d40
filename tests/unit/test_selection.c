/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which connections a delete or a guard protects: as words of the command line, over the socket,
 * and as lines of the configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>

#include "base/selection.h"
#include "show/config.h"
#include "show/wire.h"

#define DEL "192.168.11.100/32 dev br0 "

/* A masqueraded TCP connection of 10.0.0.1 to DST:DPORT in zone 3. */
static struct conn make(uint8_t last, uint16_t dport)
{
	const uint8_t client[16] = { 10, 0, 0, 1 }, server[16] = { 10, 1, 0, last };
	struct tuple t;
	struct conn c;

	memset(&t, 0, sizeof(t)), memset(&c, 0, sizeof(c));
	memcpy(t.src, client, 16), memcpy(t.dst, server, 16);
	t.sport = htons(33862), t.dport = htons(dport);
	c.key = conn_key_make(AF_INET, IPPROTO_TCP, &t, 3, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&t, IPPROTO_TCP);
	return c;
}

static int split(char *copy, char *argv[32])
{
	char *save = NULL;
	int argc = 0;

	for (char *w = strtok_r(copy, " ", &save); w && argc < 31; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return argc;
}

static int parse(enum op op, const char *words, struct request *ret, struct request_error *e)
{
	char copy[512], *argv[32];

	snprintf(copy, sizeof(copy), "%s", words);
	request_init(ret, op);
	return request_parse(ret, split(copy, argv), argv, e);
}

/* The connections of a case: to port 443 of .1, to 443 of .2, to 25 of .1, and to 443 of .1 with
 * the mark 5. */
static const char *selected(const struct selection *s, char buf[8])
{
	const struct conn a = make(1, 443), b = make(2, 443), c = make(1, 25);

	snprintf(buf, 8, "%s%s%s%s", selection_has(s, &a, 0) ? "a" : "",
		 selection_has(s, &b, 0) ? "b" : "", selection_has(s, &c, 0) ? "c" : "",
		 selection_has(s, &a, 5) ? "m" : "");
	return buf;
}

static void words_select(void **state _unused_)
{
	static const struct {
		const char *words, *selected;
	} cases[] = {
		{ DEL, "abcm" },
		{ DEL "proto tcp", "abcm" },
		{ DEL "proto tcp dport 443", "abm" },
		{ DEL "dport 443 dst 10.1.0.1", "am" },
		{ "dport 443 " DEL "dst 10.1.0.1", "am" },
		{ "only dport 443 " DEL, "abm" },
		{ DEL "only proto udp", "" },
		{ DEL "only dst 10.1.0.2 only dport 25", "bc" },
		{ DEL "dst 10.1.0.2 only dport 25", "bc" },
		{ DEL "except dst 10.1.0.0/16", "" },
		{ DEL "except dport 25", "abm" },
		{ DEL "only proto tcp dport 443 except dst 10.1.0.2", "am" },
		{ DEL "except dst 10.1.0.2 only dport 443 except mark 5", "a" },
		{ DEL "mark 0x4/0x4 zone 3 sport 33862 src 10.0.0.0/8", "m" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request_error e = { "" };
		struct request req;
		char got[8];

		if (parse(OP_DEL, cases[i].words, &req, &e) < 0)
			fail_msg("%s: %s", cases[i].words, e.text);
		assert_int_equal(req.n_vips, 1);
		assert_string_equal(req.device, "br0");
		if (strcmp(selected(&req.selection, got), cases[i].selected) != 0)
			fail_msg("%s: selects \"%s\"", cases[i].words, got);
	}
}

static void wrong_words_are_named(void **state _unused_)
{
	static const struct {
		enum op op;
		const char *words, *error;
	} cases[] = {
		{ OP_DEL, DEL "dport", "\"dport\" has no value" },
		{ OP_DEL, DEL "dport http", "dport \"http\" is not a port or a range such as" },
		{ OP_DEL, DEL "dport 1 dport 2", "\"dport\" is given twice" },
		{ OP_DEL, DEL "only", "\"only\" names no connections: proto, src, dst" },
		{ OP_DEL, DEL "only except dport 1", "\"only\" names no connections" },
		{ OP_DEL, DEL "except", "\"except\" names no connections" },
		{ OP_DEL, DEL "proto 89 dport 1", "protocol 89 has no ports" },
		{ OP_DEL, DEL "src 10.0.0.1 dst fd00::1", "one address is IPv4, the other IPv6" },
		{ OP_DEL, DEL "exept dport 1", "unknown word \"exept\"" },
		{ OP_ADD, DEL "dport 443", "\"dport\" only goes with del" },
		{ OP_ADD, DEL "except dport 1", "\"except\" only goes with del" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request_error e = { "" };
		struct request req;

		if (parse(cases[i].op, cases[i].words, &req, &e) != -EINVAL)
			fail_msg("%s is taken", cases[i].words);
		if (!strstr(e.text, cases[i].error))
			fail_msg("%s: %s", cases[i].words, e.text);
	}
}

/* No more than there is room for, and exactly these. */
static void many_fit_and_more_do_not(void **state _unused_)
{
	struct selection s = { .n = 0 };
	struct request_error e;
	int used;

	for (int i = 0; i < SELECTION_MAX; i++) {
		assert_int_equal(selection_take(&s, "except", NULL, &used, &e), 0);
		assert_int_equal(used, 1);
		assert_int_equal(selection_take(&s, "dport", i ? "25" : "443", &used, &e), 0);
		assert_int_equal(used, 2);
	}
	assert_int_equal(selection_take(&s, "only", NULL, &used, &e), -EINVAL);
	assert_string_equal(e.text, "too many filters: at most 16 fit");
	assert_int_equal(s.n, SELECTION_MAX);
	assert_int_equal(selection_check(&s, &e), 0);
}

/* As it is shown it can be given again. */
static void is_shown_as_it_is_read(void **state _unused_)
{
	static const char *const texts[] = {
		"proto tcp src 10.0.0.0/8 dst 10.1.0.0/16 sport 1-1023 dport 443",
		"mark 0x5",
		"mark 0x10/0xf0 zone 3",
		"proto 200 src fd00::/64",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct selection s = { .n = 0 };
		char buf[PATTERN_WORDS_MAX];
		struct request_error e;

		assert_int_equal(selection_add(&s, true, texts[i], &e), 0);
		assert_true(s.filters[0].except);
		assert_string_equal(pattern_format(&s.filters[0].pattern, buf), texts[i]);
	}
}

static void the_daemon_means_the_same(void **state _unused_)
{
	char words[] = DEL "only proto tcp dport 443 except dst 10.1.0.2", *argv[32], *line, got[8];
	struct wire_request sent = { .op = WIRE_MOVE, .words = argv }, r;
	struct request_error e = { "" };
	enum wire_refusal why;

	sent.n_words = split(words, argv);
	for (int plan = 0; plan < 2; plan++) {
		request_init(&sent.move, OP_DEL);
		sent.move.plan = plan;
		line = wire_request_line(&sent);
		assert_non_null(line);
		assert_int_equal(wire_request_parse(line, strlen(line), &r, &why, &e), 0);
		assert_int_equal(r.move.plan, plan);
		assert_string_equal(selected(&r.move.selection, got), "am");
		free(line);
	}
}

/* An older client sends no filters: everything is selected. */
static void an_older_client_selects_all(void **state _unused_)
{
	static const char line[] = "{\"v\":2,\"words\":[\"del\",\"--strategy=pin\","
				   "\"192.0.2.1/32\",\"dev\",\"br0\"]}";
	struct wire_request r;
	struct request_error e;
	enum wire_refusal why;

	assert_int_equal(wire_request_parse(line, strlen(line), &r, &why, &e), 0);
	assert_int_equal(r.move.selection.n, 0);
}

/* ---- the configuration ------------------------------------------------------------ */

static int load(const char *text, struct settings *s, struct request_error *e)
{
	char path[] = "/tmp/vipsafe-selection-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = config_load(path, s, e);
	unlink(path);
	return r;
}

static void settings_select(void **state _unused_)
{
	static const struct {
		const char *keys, *selected;
		size_t n;
	} cases[] = {
		{ "", "abcm", 0 },
		{ "only = proto tcp dport 443\n", "abm", 1 },
		{ "only = dst 10.1.0.2; dport 25\n", "bc", 2 },
		{ "only = dst 10.1.0.2 ; dport 25\n", "bc", 2 }, /* no comment */
		{ "only = dst 10.1.0.2\t;\tdport 25 # a comment\n", "bc", 2 },
		{ "only = dst 10.1.0.2\nlinger = 1s\nonly = dport 25\n", "bc", 2 },
		{ "except = dport 25;mark 5\n", "ab", 2 },
		{ "except = dst 10.1.0.2\nonly = dport 443\n", "am", 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request_error e = { "" };
		const struct selection *one;
		char text[256], got[8];
		struct settings s;

		snprintf(text, sizeof(text), "[device br0]\n%s[device br1]\nonly = zone 9\n",
			 cases[i].keys);
		if (load(text, &s, &e) < 0)
			fail_msg("%s: %s", cases[i].keys, e.text);
		one = settings_selection(&s, "mgmt0", "br0");
		assert_non_null(one);
		assert_int_equal(one->n, cases[i].n);
		if (strcmp(selected(one, got), cases[i].selected) != 0)
			fail_msg("%s: selects \"%s\"", cases[i].keys, got);
		assert_string_equal(selected(settings_selection(&s, "br1", "br1"), got), "");
		assert_null(settings_selection(&s, "br2", "eth2"));
		settings_done(&s);
	}
}

static void wrong_settings_are_named(void **state _unused_)
{
	static const struct {
		const char *keys, *error;
	} cases[] = {
		{ "only =\n", ":2: \"only\" names no connections" },
		{ "pin = continuous\nexcept = dport 1;\n", ":3: \"except\" names no connections" },
		{ "only = proto tcp ; web servers\n", ":2: unknown word \"web\"" },
		{ "only = dport 443 dport 80\n", ":2: \"dport\" is given twice" },
		{ "except = dst\n", ":2: \"dst\" has no value" },
		{ "except = mark 5/1\n",
		  ":2: mark \"5/1\" is not a number, or a number and a mask" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request_error e = { "" };
		struct settings s;
		char text[256];

		snprintf(text, sizeof(text), "[device br0]\n%s", cases[i].keys);
		if (load(text, &s, &e) != -EINVAL)
			fail_msg("%s is taken", cases[i].keys);
		if (!strstr(e.text, cases[i].error))
			fail_msg("%s: %s", cases[i].keys, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_select),
		cmocka_unit_test(wrong_words_are_named),
		cmocka_unit_test(many_fit_and_more_do_not),
		cmocka_unit_test(is_shown_as_it_is_read),
		cmocka_unit_test(the_daemon_means_the_same),
		cmocka_unit_test(an_older_client_selects_all),
		cmocka_unit_test(settings_select),
		cmocka_unit_test(wrong_settings_are_named),
	};

	return cmocka_run_group_tests_name("selection", tests, NULL, NULL);
}
