/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of nf_tables, under the kernel's names. All of them, since Linux 3.10 has no
 * linux/netfilter/nf_tables.h; do not include that. */
#pragma once

#include <netinet/in.h> /* before linux/in.h, which goes with it in this order only */

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#define NFPROTO_INET 1 /* Linux 3.14 */

#ifndef NFNL_SUBSYS_NFTABLES
#define NFNL_SUBSYS_NFTABLES 10 /* 3.13, and the batches */
#endif
#ifndef NFNL_MSG_BATCH_BEGIN
#define NFNL_MSG_BATCH_BEGIN NLMSG_MIN_TYPE
#define NFNL_MSG_BATCH_END (NLMSG_MIN_TYPE + 1)
#endif
#ifndef NLM_F_NONREC
#define NLM_F_NONREC 0x100 /* 4.11: fail where there is something inside */
#endif

enum {
	NFT_MSG_NEWTABLE = 0,
	NFT_MSG_GETTABLE = 1,
	NFT_MSG_DELTABLE = 2,
	NFT_MSG_NEWCHAIN = 3,
	NFT_MSG_GETCHAIN = 4,
	NFT_MSG_DELCHAIN = 5,
	NFT_MSG_NEWRULE = 6,
	NFT_MSG_NEWSET = 9,
	NFT_MSG_NEWSETELEM = 12,
	NFT_MSG_GETSETELEM = 13,
	NFT_MSG_DELSETELEM = 14,

	NFTA_LIST_ELEM = 1,
	NFTA_TABLE_NAME = 1,
	NFTA_CHAIN_TABLE = 1,
	NFTA_CHAIN_NAME = 3,
	NFTA_CHAIN_HOOK = 4,
	NFTA_CHAIN_POLICY = 5,
	NFTA_CHAIN_TYPE = 7,
	NFTA_HOOK_HOOKNUM = 1,
	NFTA_HOOK_PRIORITY = 2,
	NFTA_RULE_TABLE = 1,
	NFTA_RULE_CHAIN = 2,
	NFTA_RULE_EXPRESSIONS = 4,
	NFTA_EXPR_NAME = 1,
	NFTA_EXPR_DATA = 2,
	NFTA_SET_TABLE = 1,
	NFTA_SET_NAME = 2,
	NFTA_SET_FLAGS = 3,
	NFTA_SET_KEY_TYPE = 4,
	NFTA_SET_KEY_LEN = 5,
	NFTA_SET_ID = 10,
	NFTA_SET_USERDATA = 13,
	NFT_SET_TIMEOUT = 0x10,
	NFTA_SET_ELEM_LIST_TABLE = 1,
	NFTA_SET_ELEM_LIST_SET = 2,
	NFTA_SET_ELEM_LIST_ELEMENTS = 3,
	NFTA_SET_ELEM_KEY = 1,
	NFTA_SET_ELEM_TIMEOUT = 4,
	NFTA_DATA_VALUE = 1,
	NFTA_DATA_VERDICT = 2,
	NFTA_VERDICT_CODE = 1,
	NFT_REG_VERDICT = 0,
	NFT_REG_1 = 1,
	NFT_REG_2 = 2,
	NFT_REG32_00 = 8, /* 32 bits each; every part of a concatenation begins one */
	NFTA_META_DREG = 1,
	NFTA_META_KEY = 2,
	NFT_META_IIF = 4,
	NFT_META_OIF = 5,
	NFT_META_NFPROTO = 15,
	NFT_META_L4PROTO = 16,
	NFTA_LOOKUP_SET = 1,
	NFTA_LOOKUP_SREG = 2,
	NFTA_LOOKUP_SET_ID = 4,
	NFTA_CT_DREG = 1,
	NFTA_CT_KEY = 2,
	NFT_CT_STATE = 0,
	CT_STATE_INVALID = 1, /* NF_CT_STATE_INVALID_BIT */
	CT_STATE_NEW = 8,     /* NF_CT_STATE_BIT(IP_CT_NEW) */
	NFTA_CMP_SREG = 1,
	NFTA_CMP_OP = 2,
	NFTA_CMP_DATA = 3,
	NFT_CMP_EQ = 0,
	NFT_CMP_NEQ = 1,
	NFT_CMP_LTE = 3,
	NFT_CMP_GTE = 5,
	NFTA_BITWISE_SREG = 1,
	NFTA_BITWISE_DREG = 2,
	NFTA_BITWISE_LEN = 3,
	NFTA_BITWISE_MASK = 4,
	NFTA_BITWISE_XOR = 5,
	NFTA_PAYLOAD_DREG = 1,
	NFTA_PAYLOAD_BASE = 2,
	NFTA_PAYLOAD_OFFSET = 3,
	NFTA_PAYLOAD_LEN = 4,
	NFT_PAYLOAD_NETWORK_HEADER = 1,
	NFT_PAYLOAD_TRANSPORT_HEADER = 2,
	NFTA_IMMEDIATE_DREG = 1,
	NFTA_IMMEDIATE_DATA = 2,
	NFTA_NAT_TYPE = 1,
	NFTA_NAT_FAMILY = 2,
	NFTA_NAT_REG_PROTO_MIN = 5,
	NFTA_NAT_REG_PROTO_MAX = 6,
	NFT_NAT_SNAT = 0,
	NFTA_REJECT_TYPE = 1,
	NFT_REJECT_TCP_RST = 1,
};

/* The nft program's own numbers of types, so that it can show the sets. */
enum {
	TYPE_BITS = 6, /* of each in a concatenation */
	TYPE_IPV4_ADDR = 7,
	TYPE_IPV6_ADDR = 8,
	TYPE_INET_SERVICE = 13,
	TYPE_IFINDEX = 20,
};
