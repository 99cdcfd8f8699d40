/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The usual layout of a tuple in a message. Private to ctcodec.c and ctcodec_write.c. */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

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
