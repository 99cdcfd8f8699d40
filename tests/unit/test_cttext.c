/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries as people are shown them: the same lines as libnetfilter_conntrack makes of its own
 * entries, which are those of conntrack(8); and our reading of what that library writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/cttext.h"
#include "lib/ct_message.h"
#include "../lib/random.h"

static void set_tuple(struct nf_conntrack *ct, const struct conn_key *key, const struct tuple *t,
		      bool reply)
{
	const bool four = key->family == AF_INET;

	nfct_set_attr_u8(ct, reply ? ATTR_REPL_L3PROTO : ATTR_L3PROTO, key->family);
	nfct_set_attr_u8(ct, reply ? ATTR_REPL_L4PROTO : ATTR_L4PROTO, key->l4proto);
	nfct_set_attr(ct,
		      four    ? reply ? ATTR_REPL_IPV4_SRC : ATTR_IPV4_SRC
		      : reply ? ATTR_REPL_IPV6_SRC
			      : ATTR_IPV6_SRC,
		      t->src);
	nfct_set_attr(ct,
		      four    ? reply ? ATTR_REPL_IPV4_DST : ATTR_IPV4_DST
		      : reply ? ATTR_REPL_IPV6_DST
			      : ATTR_IPV6_DST,
		      t->dst);
	if (l4proto_has_ports(key->l4proto)) {
		nfct_set_attr_u16(ct, reply ? ATTR_REPL_PORT_SRC : ATTR_PORT_SRC, t->sport);
		nfct_set_attr_u16(ct, reply ? ATTR_REPL_PORT_DST : ATTR_PORT_DST, t->dport);
	} else if (l4proto_is_icmp(key->l4proto) && !reply) { /* sets that of the reply as well */
		nfct_set_attr_u8(ct, ATTR_ICMP_TYPE, t->icmp.type);
		nfct_set_attr_u8(ct, ATTR_ICMP_CODE, t->icmp.code);
		nfct_set_attr_u16(ct, ATTR_ICMP_ID, t->icmp.id);
	}
}

/* C, in all that a kernel tells of an entry, as the other library has it. */
static struct nf_conntrack *their_entry(const struct conn *c, uint32_t mark, const char *helper)
{
	static const enum nf_conntrack_attr zones[] = {
		[CONN_ZONE_BOTH] = ATTR_ZONE,
		[CONN_ZONE_ORIG] = ATTR_ORIG_ZONE,
		[CONN_ZONE_REPLY] = ATTR_REPL_ZONE,
	};
	struct nf_conntrack *ct = nfct_new();

	assert_non_null(ct);
	set_tuple(ct, &c->key, &c->key.orig, false);
	set_tuple(ct, &c->key, &c->reply, true);
	nfct_set_attr_u32(ct, ATTR_STATUS, c->status);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, c->timeout);
	nfct_set_attr_u32(ct, ATTR_ID, htonl(c->id));
	nfct_set_attr_u32(ct, ATTR_MARK, mark);
	if (*helper)
		nfct_set_attr(ct, ATTR_HELPER_NAME, helper);
	if (c->key.zone)
		nfct_set_attr_u16(ct, zones[c->key.zone_dir], c->key.zone);
	if (c->key.l4proto == IPPROTO_TCP)
		nfct_set_attr_u8(ct, ATTR_TCP_STATE, c->tcp_state);
	return ct;
}

static struct conn rnd_entry(struct rnd *r)
{
	struct conn c = rnd_conn(r);

	if (c.key.l4proto == IPPROTO_TCP)
		c.tcp_state = (uint8_t)(CONN_TCP_SYN_SENT + rnd(r, 9));
	if (rnd(r, 8) == 0)
		c.status |= CONN_OFFLOAD;
	return c;
}

/* Every protocol, both families, both tuples: what the other library writes of an
 * entry we read, and its line about it and ours are the same. */
static void says_the_same_as_the_other_library(void **state _unused_)
{
	struct rnd rnd_ = rnd_begin("says_the_same_as_the_other_library");

	for (int i = 0; i < 3000; i++) {
		const struct conn c = rnd_entry(&rnd_);
		uint32_t mark = rnd(&rnd_, 2) ? rnd(&rnd_, 1U << 31) : 0, read = ~mark;
		struct nf_conntrack *ct = their_entry(&c, mark, rnd(&rnd_, 4) ? "" : "sip-5060");
		struct nlmsghdr *nlh = begin(c.key.family);
		char ours[CONN_LINE_MAX], theirs[CONN_LINE_MAX];
		struct conn_record r;
		struct conn_key master;
		struct conn back;

		nfct_snprintf(theirs, sizeof(theirs), ct, NFCT_T_UNKNOWN, NFCT_O_DEFAULT, 0);
		if (l4proto_has_ports(c.key.l4proto) || l4proto_is_icmp(c.key.l4proto)) {
			assert_int_equal(nfct_nlmsg_build(nlh, ct), 0);
			r = decode(nlh, &back, &master);
			assert_true(conn_key_equal(&back.key, &c.key));
			assert_true(tuple_equal(&back.reply, &c.reply));
			assert_int_equal(back.status, c.status);
			assert_int_equal(back.timeout, c.timeout);
			assert_int_equal(back.tcp_state, c.tcp_state);
			assert_true(ctcodec_mark(&r, &read));
			assert_int_equal(read, mark);
			assert_string_equal(cttext_line(&r, ours), theirs);
		}
		nfct_destroy(ct);
	}
}

/* As conntrack(8) prints them. */
static void speaks_as_conntrack_does(void **state _unused_)
{
	static const uint8_t client[16] = { 192, 168, 11, 7 }, server[16] = { 10, 232, 3, 28 };
	struct nlmsghdr *nlh = begin(AF_INET);
	struct nf_conntrack *ct;
	char line[CONN_LINE_MAX];
	struct conn_key master;
	struct conn_record r;
	struct tuple t;
	struct conn c;

	memset(&t, 0, sizeof(t)), memset(&c, 0, sizeof(c));
	memcpy(t.src, client, 16), memcpy(t.dst, server, 16);
	t.sport = htons(33862), t.dport = htons(8899);
	c.key = conn_key_make(AF_INET, IPPROTO_TCP, &t, 11, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&t, IPPROTO_TCP);
	c.reply.dport = htons(31445);
	c.status = 0x19e, c.timeout = 86135, c.tcp_state = CONN_TCP_ESTABLISHED;
	ct = their_entry(&c, 77, "ftp");
	assert_int_equal(nfct_nlmsg_build(nlh, ct), 0);
	r = decode(nlh, &c, &master);
	assert_string_equal(cttext_line(&r, line),
			    "tcp      6 86135 ESTABLISHED src=192.168.11.7 dst=10.232.3.28 "
			    "sport=33862 dport=8899 src=10.232.3.28 dst=192.168.11.7 sport=8899 "
			    "dport=31445 [ASSURED] mark=77 zone=11 helper=ftp");
	/* without the payload there is no mark and no helper, but the state is known */
	r.payload = NULL, r.payload_len = 0;
	c.tcp_state = CONN_TCP_CLOSE_WAIT, c.status = CONN_CONFIRMED;
	c.key.zone_dir = CONN_ZONE_REPLY;
	assert_string_equal(cttext_line(&r, line),
			    "tcp      6 86135 CLOSE_WAIT src=192.168.11.7 dst=10.232.3.28 "
			    "sport=33862 dport=8899 [UNREPLIED] src=10.232.3.28 dst=192.168.11.7 "
			    "sport=8899 dport=31445 zone-reply=11");
	/* the translated id of a query is that of the reply */
	t.l4 = 0;
	t.icmp.id = htons(7), t.icmp.type = 8;
	c.key = conn_key_make(AF_INET, IPPROTO_ICMP, &t, 0, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&t, IPPROTO_ICMP);
	c.reply.icmp.id = htons(50000);
	c.timeout = 29, c.status |= CONN_SEEN_REPLY;
	assert_string_equal(cttext_line(&r, line),
			    "icmp     1 29 src=192.168.11.7 dst=10.232.3.28 type=8 code=0 id=7 "
			    "src=10.232.3.28 dst=192.168.11.7 type=0 code=0 id=50000");
	nfct_destroy(ct);
}

/* The longest there is fits, and a payload that is none is left out. */
static void every_line_fits(void **state _unused_)
{
	struct rnd rnd_ = rnd_begin("every_line_fits");
	char line[CONN_LINE_MAX];
	size_t longest = 0;

	for (int i = 0; i < 3000; i++) {
		struct conn c = rnd_entry(&rnd_);
		struct nf_conntrack *ct;
		struct nlmsghdr *nlh;
		struct conn_key master;
		struct conn_record r;

		if (c.key.l4proto != IPPROTO_TCP || c.key.family != AF_INET6)
			continue;
		memset(c.key.orig.src, 0xfe, 16), memset(c.key.orig.dst, 0xfd, 16);
		memset(c.reply.src, 0xfd, 16), memset(c.reply.dst, 0xfc, 16);
		c.key.orig.sport = c.key.orig.dport = c.reply.sport = c.reply.dport = 0xffff;
		c.key.zone = 0xffff, c.timeout = UINT32_MAX;
		ct = their_entry(&c, UINT32_MAX, "fifteen-letters");
		nlh = begin(AF_INET6);
		assert_int_equal(nfct_nlmsg_build(nlh, ct), 0);
		r = decode(nlh, &c, &master);
		longest = MAX(longest, strlen(cttext_line(&r, line)));
		assert_non_null(strstr(line, "mark=4294967295 "));
		rnd_bytes(&rnd_, payload, 64);
		assert_non_null(strstr(cttext_line(&r, line), "src=fefe:fefe:"));
		nfct_destroy(ct);
	}
	assert_in_range(longest, 300, CONN_LINE_MAX - 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_the_same_as_the_other_library),
		cmocka_unit_test(speaks_as_conntrack_does),
		cmocka_unit_test(every_line_fits),
	};

	return cmocka_run_group_tests_name("cttext", tests, NULL, NULL);
}
