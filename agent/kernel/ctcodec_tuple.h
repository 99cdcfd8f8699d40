/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The usual layout of a tuple and of what is told of TCP in a message. Private to ctcodec.c and
 * ctcodec_write.c. */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netlink.h>

#include "kernel/abi_ct.h"

/* What is in a tuple of IPv4 whose protocol has ports, as the kernel writes it
 * (ctnetlink_dump_tuples(), all versions) and as it is written here. Most of what is read and
 * written are these: they are compared and copied whole. */
struct tuple4 {
	struct nlattr ip, src_head;
	uint8_t src[4];
	struct nlattr dst_head;
	uint8_t dst[4];
	struct nlattr l4, num_head;
	uint8_t num, num_pad[3];
	struct nlattr sport_head;
	uint16_t sport, sport_pad;
	struct nlattr dport_head;
	uint16_t dport, dport_pad;
};

/* The head of an attribute with a value of LEN bytes. */
#define HEAD(len, type)                                          \
	{                                                        \
		(uint16_t)(NLA_HDRLEN + (len)), (uint16_t)(type) \
	}

static const struct tuple4 tuple4_heads = {
	.ip = HEAD(16, CTA_TUPLE_IP | NLA_F_NESTED),
	.src_head = HEAD(4, CTA_IP_V4_SRC),
	.dst_head = HEAD(4, CTA_IP_V4_DST),
	.l4 = HEAD(24, CTA_TUPLE_PROTO | NLA_F_NESTED),
	.num_head = HEAD(1, CTA_PROTO_NUM),
	.sport_head = HEAD(2, CTA_PROTO_SRC_PORT),
	.dport_head = HEAD(2, CTA_PROTO_DST_PORT),
};

/* CTA_PROTOINFO of TCP, as tcp_to_nlattr() writes it of an entry that has not ended (Linux 3.10 to
 * 6.18), and as it is written back. */
struct tcp_info {
	struct nlattr info, tcp, state_head;
	uint8_t state, state_pad[3];
	struct nlattr orig_scale_head;
	uint8_t orig_scale, orig_scale_pad[3];
	struct nlattr reply_scale_head;
	uint8_t reply_scale, reply_scale_pad[3];
	struct nlattr orig_head;
	struct nf_ct_tcp_flags orig;
	uint8_t orig_pad[2];
	struct nlattr reply_head;
	struct nf_ct_tcp_flags reply;
	uint8_t reply_pad[2];
};

static const struct tcp_info tcp_info_heads = {
	.info = HEAD(44, CTA_PROTOINFO | NLA_F_NESTED),
	.tcp = HEAD(40, CTA_PROTOINFO_TCP | NLA_F_NESTED),
	.state_head = HEAD(1, CTA_PROTOINFO_TCP_STATE),
	.orig_scale_head = HEAD(1, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL),
	.reply_scale_head = HEAD(1, CTA_PROTOINFO_TCP_WSCALE_REPLY),
	.orig_head = HEAD(2, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL),
	.reply_head = HEAD(2, CTA_PROTOINFO_TCP_FLAGS_REPLY),
};
