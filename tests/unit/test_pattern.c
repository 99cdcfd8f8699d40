/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which connections are meant: filter words, and tuples as other tools print them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>

#include "base/pattern.h"
#include "../lib/random.h"

/* A masqueraded connection: 10.0.0.1:33862 (or [fd00::1]) to 10.232.3.28:8899, as
 * 192.168.11.7:31445. */
static struct conn make(uint8_t l4proto)
{
	static const uint8_t client[16] = { 10, 0, 0, 1 }, server[16] = { 10, 232, 3, 28 };
	static const uint8_t as[16] = { 192, 168, 11, 7 };
	struct tuple t;
	struct conn c;

	memset(&t, 0, sizeof(t)), memset(&c, 0, sizeof(c));
	memcpy(t.src, client, 16), memcpy(t.dst, server, 16);
	if (l4proto_is_icmp(l4proto))
		t.icmp.id = htons(7), t.icmp.type = 8;
	else
		t.sport = htons(33862), t.dport = htons(8899);
	c.key = conn_key_make(AF_INET, l4proto, &t, 3, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&t, l4proto);
	memcpy(c.reply.dst, as, 16);
	if (!l4proto_is_icmp(l4proto))
		c.reply.dport = htons(31445);
	return c;
}

static int words(struct pattern *p, const char *text, struct request_error *e)
{
	char copy[256], *argv[32], *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return pattern_words(p, argc, argv, e);
}

static void words_restrict(void **state _unused_)
{
	static const struct {
		const char *words;
		bool matches;
	} cases[] = {
		{ "", true },
		{ "proto tcp", true },
		{ "proto 6", true },
		{ "proto udp", false },
		{ "src 10.0.0.1", true },
		{ "src 10.0.0.0/8 dst 10.232.0.0/16", true },
		{ "src 10.0.0.2", false },
		/* the original direction is meant, as by conntrack -s */
		{ "src 192.168.11.7", false },
		{ "dst 10.0.0.1", false },
		{ "dst fd00::1", false },
		{ "sport 33862 dport 8899", true },
		{ "dport 8000-8899", true },
		{ "dport 8900-9000", false },
		{ "sport 31445", false },
		{ "mark 0x2a", true },
		{ "mark 42", true },
		{ "mark 0x20/0xf0", true },
		{ "mark 0x10/0xf0", false },
		{ "mark 0xFFFFFFFF", false },
		{ "zone 3", true },
		{ "zone 0", false },
		{ "zone 3 proto tcp src 10.0.0.0/24 dst 10.232.3.28/32 sport 1-65535 dport 8899 "
		  "mark 42",
		  true },
	};
	struct conn c = make(IPPROTO_TCP), other = make(200);
	struct request_error e = { "" };
	struct pattern p;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (words(&p, cases[i].words, &e) < 0)
			fail_msg("%s: %s", cases[i].words, e.text);
		if (pattern_matches(&p, &c, 42) != cases[i].matches)
			fail_msg("%s", cases[i].words);
	}
	/* what has no ports is not meant by one, not even by 0 */
	assert_int_equal(words(&p, "sport 0-65535", &e), 0);
	other.key.orig.l4 = other.reply.l4 = 0;
	assert_false(pattern_matches(&p, &other, 0));
	for (size_t i = 0; pattern_word(i); i++)
		assert_string_equal(pattern_word(i),
				    ((const char *[]){ "proto", "src", "dst", "sport", "dport",
						       "mark", "zone" })[i]);
}

static void wrong_words_are_named(void **state _unused_)
{
	static const struct {
		const char *words, *error;
	} cases[] = {
		{ "port 80", "unknown word \"port\"" },
		{ "src", "\"src\" has no value" },
		{ "src 10.0.0.1 src 10.0.0.2", "\"src\" is given twice" },
		{ "src 10.0.0.1/33", "src \"10.0.0.1/33\" is not an address or a prefix" },
		{ "src host", "src \"host\" is not an address or a prefix" },
		{ "proto TCPP", "proto \"TCPP\" is not tcp, udp, icmp ... or a number" },
		{ "proto 256", "proto \"256\" is not tcp, udp, icmp ... or a number" },
		{ "sport 65536", "sport \"65536\" is not a port or a range such as 1024-2047" },
		{ "sport 2-1", "sport \"2-1\" is not a port or a range such as 1024-2047" },
		{ "sport -1", "sport \"-1\" is not a port or a range such as 1024-2047" },
		{ "dport 1-", "dport \"1-\" is not a port or a range such as 1024-2047" },
		{ "dport 00000000000001-2",
		  "dport \"00000000000001-2\" is not a port or a range such as 1024-2047" },
		{ "mark 0x", "mark \"0x\" is not a number, or a number and a mask as 0x10/0xf0" },
		{ "mark 0x123456789",
		  "mark \"0x123456789\" is not a number, or a number and a mask as 0x10/0xf0" },
		{ "mark 0x1g",
		  "mark \"0x1g\" is not a number, or a number and a mask as 0x10/0xf0" },
		{ "mark 4/3", "mark \"4/3\" is not a number, or a number and a mask as 0x10/0xf0" },
		{ "zone 65536", "zone \"65536\" is not a number up to 65535" },
		{ "src 10.0.0.1 dst fd00::1", "one address is IPv4, the other IPv6" },
		{ "proto 200 dport 1", "protocol 200 has no ports" },
	};
	struct request_error e = { "" };
	struct pattern p;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (words(&p, cases[i].words, &e) != -EINVAL)
			fail_msg("%s is taken", cases[i].words);
		assert_string_equal(e.text, cases[i].error);
	}
}

/* How people know the connection of make(): each names it, and no other one. */
static void reads_what_tools_print(void **state _unused_)
{
	static const char *const tuples[] = {
		"10.0.0.1:33862 10.232.3.28:8899",
		"tcp 10.0.0.1:33862 10.232.3.28:8899",
		"10.0.0.1 10.232.3.28:8899",
		"10.0.0.1:33862",
		"* 10.232.3.28:8899",
		"*:33862 *:8899",
		/* as the other end sees it, and what is translated */
		"10.232.3.28:8899 10.0.0.1:33862",
		"192.168.11.7:31445 10.232.3.28:8899",
		"10.232.3.28:8899 192.168.11.7:31445",
		/* ss -tn, -tun, and with more columns; netstat -tn */
		"ESTAB      0      0               10.0.0.1:33862       10.232.3.28:8899",
		"tcp   ESTAB  0  36  10.0.0.1%eth0:33862  10.232.3.28:8899  "
		"users:((\"ssh\",pid=1,fd=3))",
		"ESTAB 0 0 [::ffff:10.0.0.1]:33862 [::ffff:10.232.3.28]:8899 "
		"timer:(keepalive,9min,0)",
		"tcp        0      0 10.0.0.1:33862          10.232.3.28:8899        ESTABLISHED",
		"tcp6       0      0 ::ffff:10.0.0.1:33862   ::ffff:10.232.3.28:8899 ESTABLISHED -",
		/* conntrack -L, -E, -L -o extended, /proc/net/nf_conntrack; after a new
		 * translation, the old line still names it */
		"tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.232.3.28 sport=33862 dport=8899 "
		"src=10.232.3.28 dst=192.168.11.7 sport=8899 dport=31445 [ASSURED] mark=0 zone=3 "
		"use=1",
		"    [NEW] tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.232.3.28 sport=33862 "
		"dport=8899 "
		"[UNREPLIED] src=10.232.3.28 dst=192.168.11.7 sport=8899 dport=4444 id=4217374",
		"ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.232.3.28 sport=33862 "
		"dport=8899 packets=1 bytes=60 src=10.232.3.28 dst=192.168.11.7 sport=8899 dport=1",
		/* tcpdump -n, of both directions, before and after translation */
		"12:34:56.789012 IP 10.0.0.1.33862 > 10.232.3.28.8899: Flags [P.], seq 1:6, ack 1, "
		"win 229, length 5",
		"2026-11-29 12:34:56.789 eth0  Out IP 10.232.3.28.8899 > 192.168.11.7.31445: Flags "
		"[R], "
		"seq 7, win 0, length 0",
		"    10.0.0.1.33862 > 10.232.3.28.8899: Flags [S], cksum 0x1 (correct), seq 1",
		/* with hardware addresses, verbose, quiet, and with colons */
		"12:34:56.789012 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), "
		"length 74: 10.0.0.1.33862 > 10.232.3.28.8899: Flags [S], seq 1, win 64240",
		"12:34:56.789012 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), "
		"length 60)\n    10.0.0.1.33862 > 10.232.3.28.8899: Flags [S], seq 1",
		"IP 10.0.0.1.33862 > 10.232.3.28.8899: tcp 0",
		"10.0.0.1:33862 > 10.232.3.28:8899",
		/* ss state established; and what somebody has pasted with its time */
		"0      0         10.0.0.1:33862       10.232.3.28:8899 timer:(keepalive,9min,0)",
		"tcp 0 0 10.0.0.1:33862 10.232.3.28:8899 users:((\"ssh\",pid=1,fd=3))",
		"02:58:31 ESTAB 0 0 10.0.0.1:33862 10.232.3.28:8899",
		"2026-11-30T02:58:31.5Z tcp 10.0.0.1:33862 10.232.3.28:8899",
		"[1796007511.123456]	[DESTROY] tcp      6 src=10.0.0.1 dst=10.232.3.28 "
		"sport=33862 dport=8899 src=10.232.3.28 dst=192.168.11.7 sport=8899 dport=31445",
		/* as vipsafe writes it, and lvs check */
		"tcp 10.0.0.1:33862 -> 10.232.3.28:8899 as 192.168.11.7:31445",
		"10.0.0.1:33862->10.232.3.28:8899",
		/* iptables' LOG */
		"Nov 30 02:58:31 node kernel: [12.3] INVALID IN=br-mgmt OUT=cali0 MAC=02:00 "
		"SRC=10.0.0.1 DST=10.232.3.28 LEN=52 TTL=63 ID=1 DF PROTO=TCP SPT=33862 "
		"DPT=8899 WINDOW=229 RES=0x00 ACK URGP=0",
	};
	struct request_error e = { "" };
	struct pattern p;

	for (size_t i = 0; i < ARRAY_SIZE(tuples); i++) {
		struct conn c = make(IPPROTO_TCP);

		if (pattern_tuple(&p, tuples[i], &e) < 0)
			fail_msg("%s: %s", tuples[i], e.text);
		if (!pattern_matches(&p, &c, 0))
			fail_msg("%s names nothing", tuples[i]);
		/* neither another port nor another host */
		c.key.orig.sport ^= 0x0100, c.reply.dport ^= 0x0100;
		c.key.orig.dport ^= 0x0100, c.reply.sport ^= 0x0100;
		if (pattern_matches(&p, &c, 0))
			fail_msg("%s names another port", tuples[i]);
		c = make(IPPROTO_TCP);
		c.key.orig.src[3] ^= 1, c.key.orig.dst[3] ^= 1;
		c.reply.src[3] ^= 1, c.reply.dst[3] ^= 1;
		if (tuples[i][0] != '*' && pattern_matches(&p, &c, 0))
			fail_msg("%s names another host", tuples[i]);
	}
}

static void reads_other_protocols(void **state _unused_)
{
	static const struct {
		uint8_t l4proto;
		const char *tuple;
	} cases[] = {
		{ IPPROTO_UDP, "udp 10.0.0.1:33862 10.232.3.28:8899" },
		{ IPPROTO_UDP, "udp   UNCONN 0 0 10.0.0.1:33862 10.232.3.28:*" },
		{ IPPROTO_UDP, "IP 10.0.0.1.33862 > 10.232.3.28.8899: UDP, length 5" },
		{ IPPROTO_ICMP, "icmp 10.0.0.1 10.232.3.28" },
		{ IPPROTO_ICMP,
		  "IP 10.0.0.1 > 10.232.3.28: ICMP echo request, id 7, seq 1, length 64" },
		{ IPPROTO_ICMP, "icmp 1 29 src=10.0.0.1 dst=10.232.3.28 type=8 code=0 id=7 "
				"src=10.232.3.28 dst=192.168.11.7 type=0 code=0 id=50000 mark=0" },
		{ IPPROTO_GRE, "IP 10.0.0.1 > 10.232.3.28: GREv1, call 8899, seq 1, length 4" },
		{ 200,
		  "unknown  200 29 src=10.0.0.1 dst=10.232.3.28 src=10.232.3.28 dst=10.0.0.1" },
	};
	struct request_error e = { "" };
	struct pattern p;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct conn c = make(cases[i].l4proto), tcp = make(IPPROTO_TCP);

		if (pattern_tuple(&p, cases[i].tuple, &e) < 0)
			fail_msg("%s: %s", cases[i].tuple, e.text);
		if (!pattern_matches(&p, &c, 0) || pattern_matches(&p, &tcp, 0))
			fail_msg("%s", cases[i].tuple);
	}
	/* the id of an echo counts */
	{
		struct conn c = make(IPPROTO_ICMP);

		c.key.orig.icmp.id = c.reply.icmp.id = htons(8);
		pattern_tuple(&p, cases[4].tuple, &e);
		assert_false(pattern_matches(&p, &c, 0));
	}
}

static void reads_ipv6(void **state _unused_)
{
	static const char *const tuples[] = {
		"[fd00::1]:33862 [fd01::2]:8899",
		"fd00::1 fd01::2",
		"fd00::1 [fd01::2]:8899",
		"ESTAB 0 0 [fd00::1]:33862 [fd01::2]:8899",
		"tcp6 0 0 fd00::1:33862 fd01::2:8899 ESTABLISHED",
		"IP6 fd00::1.33862 > fd01::2.8899: Flags [.], ack 1, win 2, length 0",
		"0 0 [fd00::1]:33862 [fd01::2]:8899",
		"02:58:31.123456 IP6 [fd00::1].33862 > [fd01::2].8899: Flags [.], ack 1",
		"tcp [fd00::1]:33862 -> [fd01::2]:8899 as [fd00::9]:5",
		"tcp 6 9 CLOSE src=fd00::1 dst=fd01::2 sport=33862 dport=8899 src=fd01::2 "
		"dst=fd00::9 "
		"sport=8899 dport=5",
	};
	struct request_error e = { "" };
	struct pattern p;
	struct conn c = make(IPPROTO_TCP);

	c.key.family = AF_INET6;
	memset(c.key.orig.src, 0, 16), memset(c.key.orig.dst, 0, 16);
	c.key.orig.src[0] = c.key.orig.dst[0] = 0xfd, c.key.orig.dst[1] = 1;
	c.key.orig.src[15] = 1, c.key.orig.dst[15] = 2;
	c.reply = tuple_invert(&c.key.orig, IPPROTO_TCP);
	for (size_t i = 0; i < ARRAY_SIZE(tuples); i++) {
		if (pattern_tuple(&p, tuples[i], &e) < 0)
			fail_msg("%s: %s", tuples[i], e.text);
		if (!pattern_matches(&p, &c, 0))
			fail_msg("%s", tuples[i]);
	}
}

static void ports_may_lack_brackets(void **state _unused_)
{
	static const struct {
		const char *text, *read; /* NULL: as it is */
	} cases[] = {
		{ "fd00:1::5:3386 fd00:3::28:8899", "[fd00:1::5]:3386 [fd00:3::28]:8899" },
		/* what cannot be an address is read so at once */
		{ "fd00:1::5:33862 fd00:3::28:8899", "fd00:1::5:33862 [fd00:3::28]:8899" },
		{ "tcp fd00::1 fd00:3::28:8899", "tcp fd00::1 [fd00:3::28]:8899" },
		{ "fd00::1 fd00:3::28", NULL },
		{ "[fd00::1]:5 [fd00:3::28:8899]", NULL },
		{ "10.0.0.1:5 10.0.0.2:80", NULL },
		{ "fd00::1:0 fd00::1:fd", NULL },
		{ "", NULL },
	};
	char buf[256];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(pattern_tuple_ports(cases[i].text, buf, sizeof(buf)),
				 cases[i].read != NULL);
		assert_string_equal(buf, cases[i].read ? cases[i].read : cases[i].text);
	}
	assert_true(pattern_tuple_ports(cases[0].text, buf, 20));
	assert_int_equal(strlen(buf), 19);
}

static void what_is_no_tuple_is_named(void **state _unused_)
{
	static const struct {
		const char *tuple, *error;
	} cases[] = {
		{ "", "\"\" names no address" },
		{ "tcp", "\"tcp\" names no address" },
		{ "*:* *:*", "\"*:* *:*\" names no address" },
		{ "host:80", "\"host:80\" is no address, nor one with a port" },
		{ "10.0.0.1:http", "sport \"http\" is not a port or a range such as 1024-2047" },
		{ "10.0.0.1:80 10.0.0.2:65536",
		  "dport \"65536\" is not a port or a range such as 1024-2047" },
		{ "10.0.0.1:1 10.0.0.2:2 10.0.0.3:3", "unknown word \"10.0.0.3:3\"" },
		{ "10.0.0.1:1 10.0.0.2:2 yesterday", "unknown word \"yesterday\"" },
		{ "10.0.0.300:1 10.0.0.2:2",
		  "\"10.0.0.300:1\" is no address, nor one with a port" },
		{ "80", "\"80\" names no address" },
		{ "12:34:56", "\"12:34:56\" names no address" },
		{ "SRC=10.0.0.1 DST=x", "dst \"x\" is not an address or a prefix" },
		{ "10.0.0.1 fd00::1", "one address is IPv4, the other IPv6" },
		{ "tcp 6 src=10.0.0.1 dst=x", "dst \"x\" is not an address or a prefix" },
		{ "IP client.33862 > 10.0.0.1.80: Flags",
		  "\"client.33862\" is no address, nor one with a port" },
		{ "> 10.0.0.1.80", "\"\" is no address, nor one with a port" },
		{ "10.0.0.1.80 >", "\"\" is no address, nor one with a port" },
		{ "10.0.0.1:\033[0m",
		  "sport \"\\x1b[0m\" is not a port or a range such as 1024-2047" },
	};
	struct request_error e = { "" };
	struct pattern p = { .zone = 77 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (pattern_tuple(&p, cases[i].tuple, &e) != -EINVAL)
			fail_msg("%s is taken", cases[i].tuple);
		assert_string_equal(e.text, cases[i].error);
	}
	assert_int_equal(p.zone, 77); /* untouched */
}

/* Every random entry is named by its own short forms. */
static void names_every_entry(void **state _unused_)
{
	struct rnd rnd_ = rnd_begin("names_every_entry");

	for (int i = 0; i < 3000; i++) {
		struct conn c = rnd_conn(&rnd_);
		struct addr src = tuple_src(&c.key.orig, c.key.family),
			    dst = tuple_dst(&c.reply, c.key.family);
		char text[256], a[PREFIX_TEXT_MAX], b[PREFIX_TEXT_MAX];
		bool ports = l4proto_has_ports(c.key.l4proto);
		struct request_error e;
		struct pattern p;

		/* the client, and how the server sees it */
		snprintf(text, sizeof(text), ports ? "[%s]:%u" : "%s", addr_format(&src, a),
			 ntohs(c.key.orig.sport));
		assert_int_equal(pattern_tuple(&p, text, &e), 0);
		assert_true(pattern_matches(&p, &c, 0));
		snprintf(text, sizeof(text), ports ? "* [%s]:%u" : "* %s", addr_format(&dst, b),
			 ntohs(c.reply.dport));
		assert_int_equal(pattern_tuple(&p, text, &e), 0);
		assert_true(pattern_matches(&p, &c, 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_restrict),
		cmocka_unit_test(wrong_words_are_named),
		cmocka_unit_test(reads_what_tools_print),
		cmocka_unit_test(reads_other_protocols),
		cmocka_unit_test(reads_ipv6),
		cmocka_unit_test(ports_may_lack_brackets),
		cmocka_unit_test(what_is_no_tuple_is_named),
		cmocka_unit_test(names_every_entry),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
