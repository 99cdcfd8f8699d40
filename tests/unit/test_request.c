/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of "add" and "del": what is understood, and that every error names
 * the word it is about. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/request.h"

#include "base/text.h"

#define WORDS_MAX 160

/* Split at single blanks; "''" stands for the empty word. */
static int split(char *text, char *argv[])
{
	char *save = NULL, *word;
	int n = 0;

	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert_true(n < WORDS_MAX);
		if (!strcmp(word, "''"))
			*word = '\0';
		argv[n++] = word;
	}
	return n;
}

static int parse(enum op op, const char *words, struct request *req, struct request_error *e)
{
	char text[8192], *argv[WORDS_MAX];

	assert_true(strlen(words) < sizeof(text));
	strcpy(text, words);
	memset(e, 0, sizeof(*e));
	request_init(req, op);
	return request_parse(req, split(text, argv), argv, e);
}

static void parse_ok(enum op op, const char *words, struct request *req)
{
	struct request_error e;

	if (parse(op, words, req, &e) < 0)
		fail_msg("\"%s\" is refused: %s", words, e.text);
}

static void takes_every_option(void **state _unused_)
{
	char text[PREFIX_TEXT_MAX];
	struct request req;
	const struct vip *v;

	parse_ok(OP_ADD,
		 "192.168.11.100/24 dev br-mgmt label br-mgmt:1 scope link brd + "
		 "noprefixroute preferred_lft 0 metric 77",
		 &req);
	v = &req.vips[0];
	assert_int_equal(req.n_vips, 1);
	assert_string_equal(req.device, "br-mgmt");
	assert_string_equal(prefix_format(&v->prefix, text), "192.168.11.100/24");
	assert_string_equal(v->label, "br-mgmt:1");
	assert_int_equal(v->scope, 253);
	assert_int_equal(v->broadcast_mode, BROADCAST_AUTO);
	assert_true(v->noprefixroute);
	assert_true(v->has_preferred_lft);
	assert_int_equal(v->preferred_lft, 0);
	assert_int_equal(v->metric, 77);
	assert_false(v->dad);

	parse_ok(OP_ADD, "10.0.0.9/8 broadcast 10.1.2.3 scope 17 dev e0 valid_lft forever", &req);
	v = &req.vips[0];
	assert_int_equal(v->broadcast_mode, BROADCAST_GIVEN);
	assert_string_equal(addr_format(&v->broadcast, text), "10.1.2.3");
	assert_int_equal(v->scope, 17);
}

static void takes_what_few_addresses_have(void **state _unused_)
{
	static const struct {
		enum op op;
		const char *words, *prefix, *peer;
	} lines[] = {
		{ OP_ADD, "10.0.0.9 peer 10.0.0.1 dev e0", "10.0.0.9/32", "10.0.0.1" },
		{ OP_ADD, "peer 10.0.0.1/30 10.0.0.9 dev e0", "10.0.0.9/30", "10.0.0.1" },
		{ OP_ADD, "10.0.0.9/24 peer 10.0.0.1/24 dev e0", "10.0.0.9/24", "10.0.0.1" },
		{ OP_ADD, "fd00::9 peer fd00::1 dev e0", "fd00::9/128", "fd00::1" },
		{ OP_DEL, "10.0.0.9 peer 10.0.0.1/30 dev e0", "10.0.0.9/30", "10.0.0.1" },
		{ OP_DEL, "10.0.0.9/32 pee 10.0.0.1 dev e0", "10.0.0.9/32", "10.0.0.1" },
	};
	char text[PREFIX_TEXT_MAX];
	struct request req;
	const struct vip *v = &req.vips[0];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		parse_ok(lines[i].op, lines[i].words, &req);
		assert_string_equal(prefix_format(&v->prefix, text), lines[i].prefix);
		assert_string_equal(addr_format(&v->extra.peer, text), lines[i].peer);
	}
	parse_ok(OP_ADD, "fd00::9 10.0.0.9 proto 77 home dev e0", &req);
	assert_int_equal(req.vips[1].extra.proto, 77);
	assert_true(req.vips[0].extra.home);
	assert_false(req.vips[1].extra.home || req.vips[0].extra.autojoin);
	parse_ok(OP_ADD, "10.0.0.9 proto kernel_ll dev e0", &req);
	assert_int_equal(v->extra.proto, 3);
	parse_ok(OP_ADD, "239.1.1.1 ff05::9 autojoin dev e0", &req);
	assert_true(v->extra.autojoin && req.vips[1].extra.autojoin);
	/* as a filter it is a protocol */
	parse_ok(OP_DEL, "239.1.1.1/32 dev e0 only proto tcp", &req);
	assert_int_equal(v->extra.proto, 0);
}

static void has_plain_defaults(void **state _unused_)
{
	struct request req;
	const struct vip *v = &req.vips[0];

	parse_ok(OP_ADD, "dev e0 10.0.0.9 nodad", &req);
	assert_int_equal(v->prefix.len, 32);
	assert_int_equal(v->scope, -1);
	assert_int_equal(v->broadcast_mode, BROADCAST_NONE);
	assert_string_equal(v->label, "");
	assert_false(v->noprefixroute || v->dad || v->has_preferred_lft);
	assert_int_equal(v->metric, 0);
}

static void takes_several_addresses(void **state _unused_)
{
	struct request req;

	parse_ok(OP_ADD, "10.0.0.9 2001:db8::9/64 dev e0 10.0.0.9/24 dad preferred_lft forever",
		 &req);
	assert_int_equal(req.n_vips, 3);
	/* dad is a matter of IPv6 alone, the rest of all */
	assert_false(req.vips[0].dad);
	assert_true(req.vips[1].dad);
	assert_int_equal(req.vips[1].prefix.len, 64);
	assert_int_equal(req.vips[2].prefix.len, 24);
	assert_true(req.vips[2].preferred_lft == UINT32_MAX);
	parse_ok(OP_DEL, "10.0.0.9/32 2001:db8::9/128 dev e0", &req);
	assert_int_equal(req.n_vips, 2);
}

static void takes_unique_abbreviations(void **state _unused_)
{
	struct request req;

	parse_ok(OP_ADD, "10.0.0.9 de e0 l e0:1 s host b + nop pre 3 m 4", &req);
	assert_string_equal(req.device, "e0");
	assert_string_equal(req.vips[0].label, "e0:1");
	assert_int_equal(req.vips[0].scope, 254);
	assert_true(req.vips[0].noprefixroute);
	assert_int_equal(req.vips[0].preferred_lft, 3);
	assert_int_equal(req.vips[0].metric, 4);
}

static void leaves_the_global_part_alone(void **state _unused_)
{
	char *argv[] = { "10.0.0.9/32", "dev", "e0" };
	struct request_error e;
	struct request req;

	request_init(&req, OP_DEL);
	req.force = req.plan = true;
	req.strategy = STRATEGY_RESTORE;
	req.timeout = 17;
	assert_int_equal(request_parse(&req, 3, argv, &e), 0);
	assert_true(req.force && req.plan);
	assert_int_equal(req.strategy, STRATEGY_RESTORE);
	assert_true(req.timeout == 17);
}

/* 127 characters: the longest alternative name there is */
static void takes_long_alternative_names(void **state _unused_)
{
	struct request_error e;
	char words[256], name[129];
	struct request req;

	memset(name, 'n', sizeof(name));
	name[127] = '\0';
	snprintf(words, sizeof(words), "10.0.0.9/32 dev %s", name);
	parse_ok(OP_DEL, words, &req);
	assert_string_equal(req.device, name);

	name[127] = 'n';
	name[128] = '\0';
	snprintf(words, sizeof(words), "10.0.0.9/32 dev %s", name);
	assert_true(parse(OP_DEL, words, &req, &e) < 0);
	assert_non_null(strstr(e.text, "longer than 127"));
}

static void takes_so_many_and_no_more(void **state _unused_)
{
	char words[8192] = "dev e0";
	struct request_error e;
	struct request req;
	int i;

	for (i = 0; i <= VIPS_MAX; i++) {
		if (i == VIPS_MAX)
			parse_ok(OP_DEL, words, &req);
		snprintf(words + strlen(words), 32, " 10.0.1.%d/32", i + 1);
	}
	assert_int_equal(req.n_vips, VIPS_MAX);
	assert_true(parse(OP_DEL, words, &req, &e) < 0);
	assert_non_null(strstr(e.text, "\"10.0.1.65/32\""));
}

struct bad {
	enum op op;
	const char *words;
	const char *says; /* part of the error text */
};

static const struct bad bad_lines[] = {
	{ OP_ADD, "", "no address given" },
	{ OP_ADD, "dev e0", "no address given" },
	{ OP_ADD, "10.0.0.9", "\"dev\" is missing" },
	{ OP_ADD, "10.0.0.9 dev", "\"dev\" needs a value" },
	{ OP_ADD, "10.0.0.9 dev e0 dev e1", "\"dev\" given twice" },
	{ OP_ADD, "10.0.0.9 dev ''", "is empty" },
	{ OP_ADD, "10.0.0.9 dev a/b", "\"a/b\"" },
	{ OP_ADD, "10.0.0.9 dev a\tb", "\"a\\x09b\"" },
	{ OP_ADD, "10.0.0.9 dev ..", "\"..\"" },
	{ OP_ADD, "10.0.0.9 dev e0:1", "\"dev e0 label e0:1\"" },
	{ OP_ADD, "10.0.0.9 dev e0 wobble", "unknown word \"wobble\"" },

	{ OP_ADD, "10.0.0.9 dev e0 remote 10.0.0.1", "unknown word \"remote\"" },
	{ OP_ADD, "10.0.0.9 dev e0 peer", "\"peer\" needs a value" },
	{ OP_ADD, "10.0.0.9 dev e0 peer x", "peer \"x\" is no address" },
	{ OP_ADD, "10.0.0.9 dev e0 peer 0.0.0.0", "peer \"0.0.0.0\" is no address" },
	{ OP_ADD, "10.0.0.9 dev e0 peer 10.0.0.1/33", "\"10.0.0.1/33\"" },
	{ OP_ADD, "10.0.0.9 dev e0 peer 10.0.0.9", "peer 10.0.0.9 is the address itself" },
	{ OP_ADD, "10.0.0.9 dev e0 peer fd00::1", "not of the family of 10.0.0.9/32" },
	{ OP_ADD, "10.0.0.9/24 dev e0 peer 10.0.0.1", "\"10.0.0.9/24 peer 10.0.0.1/24\"" },
	{ OP_ADD, "10.0.0.9 10.0.0.8 dev e0 peer 10.0.0.1", "of one address, not of 2" },
	{ OP_DEL, "10.0.0.9/32 dev e0 peer 10.0.0.1/24", "contradictory lengths" },
	{ OP_ADD, "10.0.0.9 dev e0 proto 256", "proto \"256\" is none of" },
	{ OP_ADD, "10.0.0.9 dev e0 proto tcp", "proto \"tcp\" is none of" },
	{ OP_ADD, "10.0.0.9 dev e0 home", "\"home\" is for IPv6 only" },
	{ OP_ADD, "10.0.0.9 dev e0 autojoin", "\"autojoin\" is for multicast addresses" },
	{ OP_ADD, "239.1.1.1 10.0.0.9 dev e0 autojoin", "not for 10.0.0.9/32" },
	{ OP_ADD, "127.0.0.5 dev e0 autojoin", "\"127.0.0.5\" cannot be" },
	{ OP_DEL, "ff05::9/128 dev e0 autojoin", "contradictory options: \"autojoin\"" },
	{ OP_DEL, "10.0.0.9/32 dev e0 home", "contradictory options: \"home\"" },
	{ OP_ADD, "10.0.0.9 dev e0 p 1", "\"p\" is ambiguous: preferred_lft, peer, proto" },
	{ OP_ADD, "10.0.0.9 dev e0 ''", "unknown word \"\"" },
	{ OP_ADD, "10.0.0.9 dev e0 --force", "unknown word \"--force\"" },
	{ OP_ADD, "10.0.0.9 d e0", "\"d\" is ambiguous: dev, dad" },
	{ OP_ADD, "10.0.0.9 dev e0 no", "\"no\" is ambiguous: noprefixroute, nodad" },
	{ OP_ADD, "10.0.0.9 dev e0 labels x", "unknown word \"labels\"" },
	{ OP_ADD, "10.0.0.9 dev e0 \033[31m", "\"\\x1b[31m\"" },
	{ OP_ADD, "10.0.0.9 dev e0 \xc3\xa4", "\"\\xc3\\xa4\"" },
	{ OP_ADD, "10.0.0.9/33 dev e0", "\"10.0.0.9/33\"" },
	{ OP_ADD, "10.0.0.9/ dev e0", "\"10.0.0.9/\"" },
	{ OP_ADD, "10.0.0 dev e0", "\"10.0.0\" is not an address" },
	{ OP_ADD, "10.0.0.256 dev e0", "\"10.0.0.256\"" },
	{ OP_ADD, "2001:db8::1/129 dev e0", "\"2001:db8::1/129\"" },
	{ OP_ADD, "fe80::1%e0 dev e0", "\"fe80::1%e0\"" },
	{ OP_ADD, "10.0.0.9 eth0.100", "\"eth0.100\" is not an address" },
	{ OP_ADD, "0.0.0.0 dev e0", "\"0.0.0.0\" cannot be a virtual IP" },
	{ OP_ADD, "127.0.0.5 dev e0", "\"127.0.0.5\" cannot be" },
	{ OP_ADD, "224.0.0.18 dev e0", "\"224.0.0.18/32\" cannot be" },
	{ OP_ADD, ":: dev e0", "\"::\" cannot be" },
	{ OP_ADD, "::1 dev e0", "\"::1\" cannot be" },
	{ OP_ADD, "ff02::12 dev e0", "\"ff02::12/128\" cannot be" },
	{ OP_ADD, "10.0.0.9 10.0.0.9/32 dev e0", "\"10.0.0.9/32\" given twice" },
	{ OP_ADD, "2001:db8::1/64 2001:db8:0::1 dev e0", "\"2001:db8:0::1\" given twice" },
	{ OP_ADD, "10.0.0.9 dev e0 label", "\"label\" needs a value" },
	{ OP_ADD, "10.0.0.9 dev e0 label ''", "is empty" },
	{ OP_ADD, "10.0.0.9 dev e0 label e0:a label e0:b", "\"label\" given twice" },
	{ OP_ADD, "10.0.0.9 dev e0 label e0:567890123456_", "longer than 15" },
	{ OP_ADD, "10.0.0.9 dev e0 label e0:\001", "\"e0:\\x01\"" },
	{ OP_ADD, "2001:db8::1 dev e0 label e0:1", "\"label\" is for IPv4 only" },
	{ OP_ADD, "10.0.0.9 2001:db8::1 dev e0 brd +", "\"brd\" is for IPv4 only" },
	{ OP_ADD, "10.0.0.9 dev e0 brd -", "\"-\"" },
	{ OP_ADD, "10.0.0.9 dev e0 brd 10.0.0.300", "\"10.0.0.300\"" },
	{ OP_ADD, "10.0.0.9 dev e0 brd ::1", "\"::1\"" },
	{ OP_ADD, "10.0.0.9 dev e0 brd + broadcast +", "\"broadcast\" given twice" },
	{ OP_ADD, "10.0.0.9 dev e0 scope wide", "\"wide\"" },
	{ OP_ADD, "10.0.0.9 dev e0 scope 256", "\"256\"" },
	{ OP_ADD, "10.0.0.9 dev e0 scope -1", "\"-1\"" },
	{ OP_ADD, "10.0.0.9 dev e0 metric 4294967296", "\"4294967296\"" },
	{ OP_ADD, "10.0.0.9 dev e0 metric 99999999999999999999999", "metric" },
	{ OP_ADD, "10.0.0.9 dev e0 metric 1x", "\"1x\"" },
	{ OP_ADD, "10.0.0.9 dev e0 preferred_lft never", "\"never\"" },
	{ OP_ADD, "10.0.0.9 dev e0 preferred_lft 4294967295", "\"4294967295\"" },
	{ OP_ADD, "10.0.0.9 dev e0 valid_lft 60", "valid_lft \"60\" is refused" },
	{ OP_ADD, "10.0.0.9 dev e0 dad", "\"dad\" is for IPv6 only" },
	{ OP_ADD, "2001:db8::1 dev e0 dad nodad", "contradictory options" },
	{ OP_ADD, "2001:db8::1 dev e0 dad dad", "\"dad\" given twice" },
	{ OP_DEL, "10.0.0.9 dev e0", "\"10.0.0.9\" needs its prefix length (10.0.0.9/32)" },
	{ OP_DEL, "2001:db8::1 dev e0", "(2001:db8::1/128)" },
	{ OP_DEL, "10.0.0.9/32 dev e0 label e0:1", "contradictory options: \"label\"" },
	{ OP_DEL, "10.0.0.9/32 dev e0 metric 1", "contradictory options: \"metric\"" },
	{ OP_DEL, "10.0.0.9/32 dev e0 nodad", "contradictory options: \"nodad\"" },
};

static void names_what_is_wrong(void **state _unused_)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_lines); i++) {
		const struct bad *b = &bad_lines[i];
		struct request_error e;
		struct request req;
		const char *p;

		if (parse(b->op, b->words, &req, &e) != -EINVAL)
			fail_msg("%s \"%s\" is accepted", op_name(b->op), b->words);
		if (!strstr(e.text, b->says))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", b->words, e.text, b->says);
		for (p = e.text; *p; p++)
			assert_true(*p >= ' ' && *p < 0x7f);
	}
}

static void survives_huge_words(void **state _unused_)
{
	struct request_error e;
	char words[8000];
	struct request req;

	memset(words, '\007', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	assert_int_equal(parse(OP_ADD, words, &req, &e), -EINVAL);
	assert_true(strlen(e.text) < sizeof(e.text));
	memset(words, '1', sizeof(words) - 1);
	assert_int_equal(parse(OP_ADD, words, &req, &e), -EINVAL);
	assert_non_null(strstr(e.text, "is not an address"));
}

static int parse_vip(const char *words, struct vip *v, struct request_error *e)
{
	char text[256], *argv[WORDS_MAX];

	snprintf(text, sizeof(text), "%s", words);
	return vip_parse(v, split(text, argv), argv, e);
}

static void reads_a_configured_vip(void **state _unused_)
{
	struct request_error e;
	struct vip v;

	assert_int_equal(parse_vip("192.168.11.100 label br-mgmt:1", &v, &e), 0);
	assert_int_equal(v.prefix.len, 32);
	assert_string_equal(v.label, "br-mgmt:1");
	assert_int_equal(parse_vip("192.168.11.100 dev e0", &v, &e), -EINVAL);
	assert_non_null(strstr(e.text, "\"dev\""));
	assert_int_equal(parse_vip("10.0.0.1 10.0.0.2", &v, &e), -EINVAL);
	assert_non_null(strstr(e.text, "\"10.0.0.2\""));
	assert_int_equal(parse_vip("label x", &v, &e), -EINVAL);
}

static int parse_vip_at(const char *words, struct vip *v, const char **ignored)
{
	char text[256], *argv[WORDS_MAX], device[DEVICE_NAME_MAX];
	struct request_error e;

	snprintf(text, sizeof(text), "%s", words);
	return vip_parse_at(v, device, ignored, split(text, argv), argv, &e);
}

static void leaves_out_what_keepalived_leaves_out(void **state _unused_)
{
	const char *ignored;
	struct vip v;

	assert_int_equal(parse_vip_at("2001:db8::5 label vip dev e0", &v, &ignored), 0);
	assert_string_equal(ignored, "label");
	assert_string_equal(v.label, "");
	assert_int_equal(parse_vip_at("2001:db8::5 brd +", &v, &ignored), 0);
	assert_string_equal(ignored, "brd");
	assert_int_equal(v.broadcast_mode, BROADCAST_NONE);
	assert_int_equal(parse_vip_at("192.0.2.5 label vip brd +", &v, &ignored), 0);
	assert_null(ignored);
	assert_string_equal(v.label, "vip");
	assert_int_equal(parse_vip_at("2001:db8::5 label 0123456789abcdef", &v, &ignored), -EINVAL);
}

static void knows_its_names(void **state _unused_)
{
	assert_int_equal(word_find(strategy_words, "restore"), STRATEGY_RESTORE);
	assert_string_equal(strategy_name(STRATEGY_RESTORE), "restore");
	assert_int_equal(word_find(strategy_words, "Restore"), -EINVAL);
	assert_int_equal(word_find(hold_words, "iptables"), HOLD_IPTABLES);
	assert_string_equal(hold_choice_name(HOLD_IPTABLES), "iptables");
	assert_int_equal(word_find(hold_words, ""), -EINVAL);
	assert_int_equal(word_find(vip_flows_words, "reset"), VIP_FLOWS_RESET);
	assert_string_equal(vip_flows_name(VIP_FLOWS_RESET), "reset");
	assert_int_equal(word_find(vip_flows_words, "dropp"), -EINVAL);
	assert_string_equal(hold_choice_name((enum hold_choice)99), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_every_option),
		cmocka_unit_test(takes_what_few_addresses_have),
		cmocka_unit_test(has_plain_defaults),
		cmocka_unit_test(takes_several_addresses),
		cmocka_unit_test(takes_unique_abbreviations),
		cmocka_unit_test(leaves_the_global_part_alone),
		cmocka_unit_test(takes_long_alternative_names),
		cmocka_unit_test(takes_so_many_and_no_more),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(survives_huge_words),
		cmocka_unit_test(reads_a_configured_vip),
		cmocka_unit_test(leaves_out_what_keepalived_leaves_out),
		cmocka_unit_test(knows_its_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
