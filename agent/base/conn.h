/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One conntrack entry as a value: the fields on which decisions are made. What else is needed to
 * create the entry again is kept beside it as an opaque payload, which only the codec in
 * agent/kernel understands. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* Bits of ip_conntrack_status (linux/netfilter/nf_conntrack_common.h; the
 * values are ABI and older headers lack the later names). */
enum conn_status {
	CONN_EXPECTED = 1 << 0,
	CONN_SEEN_REPLY = 1 << 1,
	CONN_ASSURED = 1 << 2,
	CONN_CONFIRMED = 1 << 3,
	CONN_SRC_NAT = 1 << 4,
	CONN_DST_NAT = 1 << 5,
	CONN_SEQ_ADJUST = 1 << 6,
	CONN_SRC_NAT_DONE = 1 << 7,
	CONN_DST_NAT_DONE = 1 << 8,
	CONN_DYING = 1 << 9,
	CONN_FIXED_TIMEOUT = 1 << 10,
	CONN_HELPER = 1 << 13,
	CONN_OFFLOAD = 1 << 14,
	CONN_HW_OFFLOAD = 1 << 15,
};

/* enum tcp_conntrack (linux/netfilter/nf_conntrack_tcp.h). */
enum conn_tcp_state {
	CONN_TCP_NONE,
	CONN_TCP_SYN_SENT,
	CONN_TCP_SYN_RECV,
	CONN_TCP_ESTABLISHED,
	CONN_TCP_FIN_WAIT,
	CONN_TCP_CLOSE_WAIT,
	CONN_TCP_LAST_ACK,
	CONN_TCP_TIME_WAIT,
	CONN_TCP_CLOSE,
	CONN_TCP_SYN_SENT2,
};

/* Ports are in network order. ICMP and ICMPv6 have id, type and code instead; a GRE key is in the
 * place of the ports; other protocols leave l4 zero. */
struct tuple {
	uint8_t src[16], dst[16]; /* IPv4 in the first four bytes, the rest zero */
	union {
		struct {
			uint16_t sport, dport;
		};
		struct {
			uint16_t id;
			uint8_t type, code;
		} icmp;
		uint32_t l4;
	};
};

/* Which direction a conntrack zone applies to. A directional zone is carried
 * inside that direction's tuple (Linux 4.4+, RHEL 7.3+). */
enum conn_zone_dir {
	CONN_ZONE_BOTH,
	CONN_ZONE_ORIG,
	CONN_ZONE_REPLY,
};

/* What identifies an entry. To be filled with zeros before its fields are set: keys are compared
 * and hashed as bytes. */
struct conn_key {
	struct tuple orig;
	uint16_t zone;
	uint8_t zone_dir; /* enum conn_zone_dir; BOTH while zone is 0 */
	uint8_t family;	  /* AF_INET or AF_INET6 */
	uint8_t l4proto;  /* IPPROTO_… */
	uint8_t pad[3];
};

struct conn {
	struct conn_key key;
	struct tuple reply;
	uint32_t status;   /* enum conn_status */
	uint32_t timeout;  /* seconds left when it was read */
	uint32_t id;	   /* CTA_ID as the kernel gave it; 0: not known */
	uint8_t tcp_state; /* enum conn_tcp_state; NONE for other protocols */
	bool has_master;   /* created by an expectation of another entry */
	bool has_helper;   /* FTP and the like; CONN_HELPER is set only for some of them */
};

/* An entry as passed to a callback; nothing is owned. */
struct conn_record {
	const struct conn *conn;
	const struct conn_key *master; /* NULL unless conn->has_master */
	const void *payload;
	size_t payload_len;
	bool born;   /* in an event: the entry is new */
	bool gone;   /* in an event: the entry has ended */
	uint32_t by; /* in an event: netlink port of the program that caused it; 0: the kernel */
	bool made;   /* it was created over netlink: only listings, and from Linux 4.19 on */
};

/* Largest conn_format() text, NUL included. */
#define CONN_TEXT_MAX 256

/* Largest line about an entry in the notation of conntrack(8), NUL included: an IPv6 entry with
 * all there can be takes 330 bytes. See struct kernel_ops. */
#define CONN_LINE_MAX 512

/* The zero-filled key of the entry that has TUPLE in its original direction. */
struct conn_key conn_key_make(uint8_t family, uint8_t l4proto, const struct tuple *tuple,
			      uint16_t zone, enum conn_zone_dir zone_dir);

bool conn_key_equal(const struct conn_key *a, const struct conn_key *b);
bool tuple_equal(const struct tuple *a, const struct tuple *b);

/* The tuple of a packet that travels against T, before any translation. ICMP query types become
 * those of their replies, as in nf_ct_invert_tuple(). */
struct tuple tuple_invert(const struct tuple *t, uint8_t l4proto);

/* Whether L4PROTO has ports (or keys) that NAT may translate. */
bool l4proto_has_ports(uint8_t l4proto);
bool l4proto_is_icmp(uint8_t l4proto);

struct addr tuple_src(const struct tuple *t, uint8_t family);
struct addr tuple_dst(const struct tuple *t, uint8_t family);

/* "tcp 192.168.11.7:33862 -> 10.232.3.28:8899 as 192.168.11.7:31445": the
 * original direction and the translated source, for use inside a sentence. Returns BUF. */
const char *conn_format(const struct conn *c, char buf[CONN_TEXT_MAX]);

/* "ESTABLISHED" …; "?" for what is none. */
const char *conn_tcp_state_name(enum conn_tcp_state state);

/* "tcp", "udp", … or the number as text in BUF. */
const char *l4proto_name(uint8_t l4proto, char buf[8]);
