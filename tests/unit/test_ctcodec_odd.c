/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The codec reads messages that no kernel writes so: in another order, or damaged. */
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

/* Tuples are mostly as our kernels write them, and are read at once then. Written with another
 * order or without the nested flag they are the same. */
static void reads_a_tuple_written_otherwise(void **state _unused_)
{
	struct nf_conntrack *ct = their_tcp();
	struct nlmsghdr *nlh = begin(AF_INET);
	const struct nlattr *tb[CTA_SYNPROXY + 1];
	uint8_t *ip, head[NLA_HDRLEN + 4];
	struct conn usual, other;
	struct conn_key master;
	int way;

	assert_int_equal(nfct_nlmsg_build(nlh, ct), 0);
	decode(nlh, &usual, &master);
	attrs_of(nlh, tb);
	ip = (uint8_t *)(uintptr_t)attr_data(tb[CTA_TUPLE_ORIG]);
	for (way = 0; way < 2; way++) {
		if (way == 0) { /* the destination first */
			memcpy(head, ip + NLA_HDRLEN, sizeof(head));
			memmove(ip + NLA_HDRLEN, ip + NLA_HDRLEN + sizeof(head), sizeof(head));
			memcpy(ip + NLA_HDRLEN + sizeof(head), head, sizeof(head));
		} else {
			((struct nlattr *)(void *)ip)->nla_type = CTA_TUPLE_IP;
		}
		memset(&other, 0, sizeof(other));
		decode(nlh, &other, &master);
		assert_memory_equal(&other, &usual, sizeof(usual));
	}
	nfct_destroy(ct);
}

/* Write the attributes of TCP, which lie at AT, in the order of their types in ORDER. */
static void tcp_order(uint8_t *at, const char *order)
{
	const struct nlattr *tb[CTA_PROTOINFO_TCP_MAX + 1];
	uint8_t sorted[5 * 8];
	size_t i;

	assert_true(attrs_parse(at, sizeof(sorted), tb, CTA_PROTOINFO_TCP_MAX));
	for (i = 0; i < 5; i++)
		memcpy(sorted + i * 8, tb[order[i] - '0'], 8);
	memcpy(at, sorted, sizeof(sorted));
}

/* As our kernels tell of TCP it is read at once; in another order or without the nested flag
 * the same comes of it. */
static void reads_tcp_written_otherwise(void **state _unused_)
{
	struct nf_conntrack *ct = their_tcp();
	struct nlmsghdr *nlh = begin(AF_INET);
	const struct nlattr *tb[CTA_SYNPROXY + 1];
	static uint8_t usual[CT_PAYLOAD_MAX];
	struct nlattr *heads;
	struct conn_record r;
	struct conn_key master;
	struct conn c;
	size_t len, way;

	assert_int_equal(nfct_nlmsg_build(nlh, ct), 0);
	attrs_of(nlh, tb);
	heads = (struct nlattr *)(uintptr_t)tb[CTA_PROTOINFO]; /* of two nests */
	tcp_order((uint8_t *)&heads[2], "12345");	       /* tcp_to_nlattr() */
	r = decode(nlh, &c, &master);
	memcpy(usual, r.payload, len = r.payload_len);
	for (way = 0; way < 3; way++) {
		if (way < 2)
			heads[way].nla_type &= NLA_TYPE_MASK;
		else
			tcp_order((uint8_t *)&heads[2], "31254");
		r = decode(nlh, &c, &master);
		assert_int_equal(c.tcp_state, CONN_TCP_ESTABLISHED);
		assert_int_equal(r.payload_len, len);
		assert_memory_equal(r.payload, usual, len);
	}
	nfct_destroy(ct);
}

/* Cut anywhere, or with any byte changed, a message is refused or read; never
 * beyond its end (the sanitizers look on: the copy is exactly as long). */
static void survives_damage(void **state _unused_)
{
	struct rnd rnd_ = rnd_begin("survives_damage");
	struct nf_conntrack *ct = their_tcp();
	struct nlmsghdr *nlh = begin(AF_INET);
	uint32_t full, len;
	int i;

	assert_int_equal(nfct_nlmsg_build(nlh, ct), 0);
	full = nlh->nlmsg_len;
	for (i = 0; i < 20000; i++) {
		struct conn_record r;
		struct conn_key master;
		struct nlmsghdr *copy;
		struct conn c;
		int ret;

		len = i < (int)full ? (uint32_t)MAX(i, (int)sizeof(*nlh)) : full;
		copy = malloc(len);
		assert_non_null(copy);
		memcpy(copy, nlh, len);
		copy->nlmsg_len = len;
		if (i >= (int)full)
			((uint8_t *)copy)[sizeof(*nlh) + rnd(&rnd_, len - sizeof(*nlh))] =
				(uint8_t)rnd(&rnd_, 256);
		ret = ctcodec_decode(copy, &c, &master, payload, &r);
		assert_true(ret == 0 || ret == -EBADMSG || ret == -EOPNOTSUPP);
		free(copy);
	}
	nfct_destroy(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_tuple_written_otherwise),
		cmocka_unit_test(reads_tcp_written_otherwise),
		cmocka_unit_test(survives_damage),
	};

	return cmocka_run_group_tests_name("ctcodec_odd", tests, NULL, NULL);
}
