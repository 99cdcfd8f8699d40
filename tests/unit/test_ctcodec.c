/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The codec against libnetfilter_conntrack as an independent reader and writer
 * of the same messages, and against the rules whose breach the kernel does not
 * report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "lib/ct_message.h"
#include "../lib/random.h"

static void reads_what_the_other_library_writes(void **state _unused_)
{
	struct nf_conntrack *ct = their_tcp();
	struct nlmsghdr *nlh = begin(AF_INET);
	char text[CONN_TEXT_MAX];
	struct conn_key master;
	struct conn c;

	assert_int_equal(nfct_nlmsg_build(nlh, ct), 0);
	decode(nlh, &c, &master);
	assert_string_equal(conn_format(&c, text), "tcp 192.168.11.7:33862 -> 10.232.3.28:8899 "
						   "as 192.168.11.7:31445 zone 11");
	assert_int_equal(c.timeout, 86135);
	assert_int_equal(c.tcp_state, CONN_TCP_ESTABLISHED);
	assert_int_equal(c.key.zone_dir, CONN_ZONE_BOTH);
	assert_false(c.has_master);
	assert_true(c.has_helper);
	nfct_destroy(ct);
}

static void writes_what_the_other_library_reads(void **state _unused_)
{
	struct nf_conntrack *theirs = their_tcp(), *ct = nfct_new();
	struct ct_create create = { .timeout = 1234 };
	struct nlmsghdr *nlh = begin(AF_INET);
	static uint8_t out[4096] __attribute__((aligned(8)));
	struct conn_record r;
	struct conn_key master;
	struct conn c;

	assert_int_equal(nfct_nlmsg_build(nlh, theirs), 0);
	r = decode(nlh, &c, &master);
	c.status = 0x19e | CONN_EXPECTED | CONN_DYING | CONN_HELPER;
	create.conn = &c, create.payload = r.payload, create.payload_len = r.payload_len;
	assert_true(ctcodec_create(out, sizeof(out), 9, NLM_F_ACK, &create) > 0);
	nlh = (void *)out;
	assert_int_equal(nlh->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
	assert_int_equal(nfct_nlmsg_parse(nlh, ct), 0);

	assert_int_equal(nfct_get_attr_u16(ct, ATTR_PORT_SRC), htons(33862));
	/* the reply tuple is the plain inverse, not the translated one */
	assert_int_equal(nfct_get_attr_u16(ct, ATTR_REPL_PORT_DST), htons(33862));
	assert_int_equal(nfct_get_attr_u32(ct, ATTR_REPL_IPV4_DST), inet_addr("192.168.11.7"));
	/* CONFIRMED, SEEN_REPLY, ASSURED and nothing else */
	assert_int_equal(nfct_get_attr_u32(ct, ATTR_STATUS), 0x0e);
	assert_int_equal(nfct_get_attr_u32(ct, ATTR_TIMEOUT), 1234);
	assert_int_equal(nfct_get_attr_u32(ct, ATTR_MARK), 77);
	assert_int_equal(nfct_get_attr_u16(ct, ATTR_ZONE), 11);
	assert_string_equal(nfct_get_attr(ct, ATTR_HELPER_NAME), "ftp");
	assert_int_equal(nfct_get_attr_u8(ct, ATTR_TCP_WSCALE_ORIG), 7);
	assert_int_equal(nfct_get_attr_u8(ct, ATTR_TCP_WSCALE_REPL), 9);
	/* liberal, with a mask, window scaling and SACK kept, MAXACK_SET not */
	assert_int_equal(nfct_get_attr_u8(ct, ATTR_TCP_FLAGS_ORIG), 0x0b);
	assert_int_equal(nfct_get_attr_u8(ct, ATTR_TCP_MASK_ORIG), 0xff);
	assert_int_equal(nfct_get_attr_u8(ct, ATTR_TCP_FLAGS_REPL), 0x0b);
	nfct_destroy(ct);
	nfct_destroy(theirs);
}

/* In the middle of a handshake only the client has said its window scale. The
 * kernel keeps it only if the other direction claims one as well. */
static void keeps_the_scale_of_a_handshake(void **state _unused_)
{
	struct nf_conntrack *theirs = their_tcp(), *ct = nfct_new();
	static const uint8_t offered[] = { 0x03, 0x02 };
	static uint8_t out[4096] __attribute__((aligned(8)));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offered); i++) {
		struct ct_create create = { .timeout = 100 };
		struct nlmsghdr *nlh = begin(AF_INET);
		uint8_t scaled = offered[i] & 0x01;
		struct conn_record r;
		struct conn_key master;
		struct conn c;

		nfct_set_attr_u8(theirs, ATTR_TCP_STATE, TCP_CONNTRACK_SYN_SENT);
		nfct_set_attr_u8(theirs, ATTR_TCP_FLAGS_ORIG, offered[i]);
		nfct_set_attr_u8(theirs, ATTR_TCP_WSCALE_ORIG, scaled ? 7 : 0);
		nfct_set_attr_u8(theirs, ATTR_TCP_FLAGS_REPL, 0);
		nfct_set_attr_u8(theirs, ATTR_TCP_WSCALE_REPL, 0);
		assert_int_equal(nfct_nlmsg_build(nlh, theirs), 0);
		r = decode(nlh, &c, &master);
		create.conn = &c, create.payload = r.payload, create.payload_len = r.payload_len;
		assert_true(ctcodec_create(out, sizeof(out), 9, 0, &create) > 0);
		assert_int_equal(nfct_nlmsg_parse((void *)out, ct), 0);
		assert_int_equal(nfct_get_attr_u8(ct, ATTR_TCP_WSCALE_ORIG), scaled ? 7 : 0);
		assert_int_equal(nfct_get_attr_u8(ct, ATTR_TCP_WSCALE_REPL), 0);
		assert_int_equal(nfct_get_attr_u8(ct, ATTR_TCP_FLAGS_ORIG), offered[i] | 0x08);
		assert_int_equal(nfct_get_attr_u8(ct, ATTR_TCP_FLAGS_REPL), scaled | 0x08);
	}
	nfct_destroy(ct);
	nfct_destroy(theirs);
}

/* {address, port} a NAT attribute asks for; both ends of each range equal. */
static void nat_of(const struct nlattr *a, uint8_t family, uint8_t *addr, uint16_t *port,
		   bool *has_port)
{
	const struct nlattr *tb[6], *range[CTA_PROTONAT_MAX + 1];
	uint16_t min = family == AF_INET ? CTA_NAT_V4_MINIP : CTA_NAT_V6_MINIP, high;
	uint8_t max[16];
	size_t size = addr_size(family);

	assert_non_null(a);
	assert_true(nest_parse(a, tb, 5));
	assert_true(attr_read(tb[min], addr, size));
	assert_true(attr_read(tb[min + 1], max, size));
	assert_memory_equal(addr, max, size);
	*has_port = tb[CTA_NAT_PROTO];
	if (!*has_port)
		return;
	assert_true(nest_parse(tb[CTA_NAT_PROTO], range, CTA_PROTONAT_MAX));
	assert_true(attr_read(range[CTA_PROTONAT_PORT_MIN], port, 2));
	assert_true(attr_read(range[CTA_PROTONAT_PORT_MAX], &high, 2));
	assert_int_equal(*port, high);
}

/* Every protocol, both families: the translation asked for is the one the
 * entry had, address and port, and exactly that. */
static void asks_for_the_exact_translation(void **state _unused_)
{
	struct rnd rnd_ = rnd_begin("asks_for_the_exact_translation");
	static uint8_t out[4096] __attribute__((aligned(8)));
	int i;

	for (i = 0; i < 3000; i++) {
		struct conn c = rnd_conn(&rnd_);
		struct ct_create create = { .conn = &c, .timeout = 1 };
		bool icmp = l4proto_is_icmp(c.key.l4proto), has_port;
		bool ports = icmp || l4proto_has_ports(c.key.l4proto);
		const struct nlattr *tb[CTA_SYNPROXY + 1];
		uint8_t addr[16];
		uint16_t port = 0;

		assert_true(ctcodec_create(out, sizeof(out), 1, 0, &create) > 0);
		attrs_of(out, tb);
		assert_true(tb[CTA_TUPLE_ORIG] && tb[CTA_TUPLE_REPLY] && tb[CTA_TIMEOUT]);
		nat_of(tb[CTA_NAT_SRC], c.key.family, addr, &port, &has_port);
		assert_memory_equal(addr, c.reply.dst, addr_size(c.key.family));
		assert_int_equal(has_port, ports);
		if (ports)
			assert_int_equal(port, icmp ? c.reply.icmp.id : c.reply.dport);
		nat_of(tb[CTA_NAT_DST], c.key.family, addr, &port, &has_port);
		assert_memory_equal(addr, c.reply.src, addr_size(c.key.family));
		if (ports)
			assert_int_equal(port, icmp ? c.key.orig.icmp.id : c.reply.sport);
		/* CTA_ZONE and a zone in a tuple exclude each other */
		assert_int_equal(!!tb[CTA_ZONE], c.key.zone && c.key.zone_dir == CONN_ZONE_BOTH);
	}
}

/* IPVS has altered where replies come from: that is given, not asked for, and
 * only the source is translated. */
static void leaves_the_server_of_ipvs_as_it_is(void **state _unused_)
{
	struct rnd rnd_ = rnd_begin("leaves_the_server_of_ipvs_as_it_is");
	static uint8_t out[4096] __attribute__((aligned(8)));
	int i, n = 0;

	for (i = 0; i < 3000; i++) {
		struct conn c = rnd_conn(&rnd_), back;
		struct ct_create create = { .conn = &c, .timeout = 1 };
		const struct nlattr *tb[CTA_SYNPROXY + 1];
		struct conn_key master;
		uint8_t addr[16];
		uint16_t port = 0;
		bool has_port;

		if (c.key.l4proto != IPPROTO_TCP && c.key.l4proto != IPPROTO_UDP)
			continue;
		n++;
		c.reply.src[1] ^= 0x40, c.reply.sport = (uint16_t)~c.reply.sport;
		assert_true(ctcodec_create(out, sizeof(out), 1, 0, &create) > 0);
		decode((void *)out, &back, &master);
		assert_memory_equal(back.reply.src, c.reply.src, 16);
		assert_int_equal(back.reply.sport, c.reply.sport);
		assert_memory_equal(back.reply.dst, c.key.orig.src, 16);
		assert_int_equal(back.reply.dport, c.key.orig.sport);
		attrs_of(out, tb);
		/* nothing is left to be done about the destination */
		nat_of(tb[CTA_NAT_DST], c.key.family, addr, &port, &has_port);
		assert_memory_equal(addr, back.reply.src, addr_size(c.key.family));
		assert_int_equal(port, back.reply.sport);
		nat_of(tb[CTA_NAT_SRC], c.key.family, addr, &port, &has_port);
		assert_memory_equal(addr, c.reply.dst, addr_size(c.key.family));
		assert_int_equal(port, c.reply.dport);
	}
	assert_true(n > 300);
}

/* A DELETE without a tuple flushes the whole table. */
static void a_delete_always_has_its_tuple(void **state _unused_)
{
	struct rnd rnd_ = rnd_begin("a_delete_always_has_its_tuple");
	static uint8_t out[512] __attribute__((aligned(8)));
	size_t size;
	int i;

	for (i = 0; i < 2000; i++) {
		const struct nlattr *tb[CTA_SYNPROXY + 1], *tuple[CTA_TUPLE_ZONE + 1];
		struct conn c = rnd_conn(&rnd_);
		int n = ctcodec_delete(out, sizeof(out), 1, 0, &c.key, c.id);

		assert_true(n > 0);
		attrs_of(out, tb);
		assert_non_null(tb[CTA_TUPLE_ORIG]);
		assert_true(nest_parse(tb[CTA_TUPLE_ORIG], tuple, CTA_TUPLE_ZONE));
		assert_true(tuple[CTA_TUPLE_IP] && tuple[CTA_TUPLE_PROTO]);
		assert_non_null(tb[CTA_ID]);
		/* and one that does not fit is not sent at all */
		for (size = 0; size < (size_t)n; size += 4)
			assert_int_equal(ctcodec_delete(out, size, 1, 0, &c.key, c.id), -EMSGSIZE);
	}
}

/* Every protocol, both families: the other library finds the tuples, the zone, the
 * timeout and the state that were to be written. */
static void the_other_library_reads_every_key(void **state _unused_)
{
	struct rnd rnd_ = rnd_begin("the_other_library_reads_every_key");
	static uint8_t out[4096] __attribute__((aligned(8)));

	for (int i = 0; i < 3000; i++) {
		struct conn c = rnd_conn(&rnd_);
		struct ct_create create = { .conn = &c, .timeout = c.timeout };
		bool four = c.key.family == AF_INET;
		struct nf_conntrack *ct = nfct_new();
		const struct tuple *o = &c.key.orig;

		assert_non_null(ct);
		assert_true(ctcodec_create(out, sizeof(out), 1, 0, &create) > 0);
		assert_int_equal(nfct_nlmsg_parse((void *)out, ct), 0);
		assert_int_equal(nfct_get_attr_u8(ct, ATTR_L3PROTO), c.key.family);
		assert_int_equal(nfct_get_attr_u8(ct, ATTR_L4PROTO), c.key.l4proto);
		assert_memory_equal(nfct_get_attr(ct, four ? ATTR_IPV4_SRC : ATTR_IPV6_SRC), o->src,
				    addr_size(c.key.family));
		assert_memory_equal(nfct_get_attr(ct, four ? ATTR_IPV4_DST : ATTR_IPV6_DST), o->dst,
				    addr_size(c.key.family));
		if (l4proto_has_ports(c.key.l4proto)) {
			assert_int_equal(nfct_get_attr_u16(ct, ATTR_PORT_SRC), o->sport);
			assert_int_equal(nfct_get_attr_u16(ct, ATTR_PORT_DST), o->dport);
		} else if (l4proto_is_icmp(c.key.l4proto)) {
			assert_int_equal(nfct_get_attr_u16(ct, ATTR_ICMP_ID), o->icmp.id);
			assert_int_equal(nfct_get_attr_u8(ct, ATTR_ICMP_TYPE), o->icmp.type);
			assert_int_equal(nfct_get_attr_u8(ct, ATTR_ICMP_CODE), o->icmp.code);
		}
		if (c.key.zone_dir == CONN_ZONE_BOTH)
			assert_int_equal(nfct_get_attr_u16(ct, ATTR_ZONE), c.key.zone);
		assert_int_equal(nfct_get_attr_u32(ct, ATTR_TIMEOUT), c.timeout);
		assert_int_equal(nfct_get_attr_u32(ct, ATTR_STATUS),
				 c.status & (CONN_CONFIRMED | CONN_SEEN_REPLY | CONN_ASSURED));
		nfct_destroy(ct);
	}
}

/* What was written is read back as the same key, whatever the protocol. */
static void reads_its_own_keys(void **state _unused_)
{
	struct rnd rnd_ = rnd_begin("reads_its_own_keys");
	static uint8_t out[4096] __attribute__((aligned(8)));
	int i;

	for (i = 0; i < 3000; i++) {
		struct conn c = rnd_conn(&rnd_), back;
		struct ct_create create = { .conn = &c, .timeout = c.timeout };
		struct tuple inverse = tuple_invert(&c.key.orig, c.key.l4proto);
		struct conn_key master;

		assert_true(ctcodec_create(out, sizeof(out), 1, 0, &create) > 0);
		decode((void *)out, &back, &master);
		assert_true(conn_key_equal(&back.key, &c.key));
		assert_true(tuple_equal(&back.reply, &inverse));
		assert_int_equal(back.timeout, c.timeout);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_other_library_writes),
		cmocka_unit_test(writes_what_the_other_library_reads),
		cmocka_unit_test(keeps_the_scale_of_a_handshake),
		cmocka_unit_test(asks_for_the_exact_translation),
		cmocka_unit_test(leaves_the_server_of_ipvs_as_it_is),
		cmocka_unit_test(a_delete_always_has_its_tuple),
		cmocka_unit_test(the_other_library_reads_every_key),
		cmocka_unit_test(reads_its_own_keys),
	};

	return cmocka_run_group_tests_name("ctcodec", tests, NULL, NULL);
}
