/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of conntrack as libnetfilter_conntrack writes them, for the tests of the codec. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>

#include "kernel/abi_ct.h"
#include "kernel/attr.h"
#include "kernel/ctcodec.h"

static uint8_t message[4096] __attribute__((aligned(8)));
static uint8_t payload[CT_PAYLOAD_MAX] __attribute__((aligned(8)));

static inline struct nlmsghdr *begin(uint8_t family)
{
	struct nlmsghdr *nlh = (void *)message;
	struct nfgenmsg *nfg = NLMSG_DATA(nlh);

	memset(message, 0, sizeof(message));
	nlh->nlmsg_len = NLMSG_SPACE(sizeof(*nfg));
	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW;
	nfg->nfgen_family = family;
	return nlh;
}

/* The attributes of a message of ours. */
static inline void attrs_of(const void *buf, const struct nlattr **tb)
{
	const struct nlmsghdr *nlh = buf;
	size_t head = NLMSG_SPACE(sizeof(struct nfgenmsg));

	assert_true(nlh->nlmsg_len >= head);
	assert_true(
		attrs_parse((const uint8_t *)buf + head, nlh->nlmsg_len - head, tb, CTA_SYNPROXY));
}

/* A masqueraded TCP flow as the other library writes it. */
static inline struct nf_conntrack *their_tcp(void)
{
	struct nf_conntrack *ct = nfct_new();

	assert_non_null(ct);
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, inet_addr("192.168.11.7"));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, inet_addr("10.232.3.28"));
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(33862));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(8899));
	nfct_set_attr_u8(ct, ATTR_REPL_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_REPL_IPV4_SRC, inet_addr("10.232.3.28"));
	nfct_set_attr_u32(ct, ATTR_REPL_IPV4_DST, inet_addr("192.168.11.7"));
	nfct_set_attr_u8(ct, ATTR_REPL_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(ct, ATTR_REPL_PORT_SRC, htons(8899));
	nfct_set_attr_u16(ct, ATTR_REPL_PORT_DST, htons(31445));
	nfct_set_attr_u32(ct, ATTR_STATUS, 0x19e);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 86135);
	nfct_set_attr_u32(ct, ATTR_MARK, 77);
	nfct_set_attr_u16(ct, ATTR_ZONE, 11);
	nfct_set_attr(ct, ATTR_HELPER_NAME, "ftp");
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u8(ct, ATTR_TCP_WSCALE_ORIG, 7);
	nfct_set_attr_u8(ct, ATTR_TCP_WSCALE_REPL, 9);
	/* as a kernel dumps it: flags with MAXACK_SET, and mask 0 */
	nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_ORIG, 0x23);
	nfct_set_attr_u8(ct, ATTR_TCP_MASK_ORIG, 0);
	nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_REPL, 0x27);
	nfct_set_attr_u8(ct, ATTR_TCP_MASK_REPL, 0);
	return ct;
}

static inline struct conn_record decode(const struct nlmsghdr *nlh, struct conn *c,
					struct conn_key *master)
{
	struct conn_record r;

	assert_int_equal(ctcodec_decode(nlh, c, master, payload, &r), 0);
	return r;
}
