/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conntrack entries to and from ctnetlink messages. Reads the kernel's dumps
 * and writes CREATE, DELETE and GET; touches no socket.
 *
 * Written by hand rather than on libnetfilter_conntrack because it is the hot
 * path of a snapshot and of a pin (bench: decode), and because a CREATE must
 * differ from what was dumped in ways that library's builder does not offer:
 * the untranslated reply tuple, identity NAT ranges, TCP flags with a mask.
 * tests/unit/test_ctcodec.c holds it against that library. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

#include "base/conn.h"

/* A payload never exceeds the message it came from, and a netlink attribute's
 * length is 16 bits. */
#define CT_PAYLOAD_MAX 65535

/* Decode one IPCTNL_MSG_CT_NEW message. RECORD points into *RET_CONN,
 * *RET_MASTER and PAYLOAD. Returns 0, -EBADMSG (truncated, or without what an
 * entry must have) or -EOPNOTSUPP (a family that is neither IPv4 nor IPv6). */
int ctcodec_decode(const struct nlmsghdr *nlh, struct conn *ret_conn, struct conn_key *ret_master,
		   uint8_t payload[CT_PAYLOAD_MAX], struct conn_record *ret_record);

struct ct_create {
	const struct conn *conn;
	const void *payload;
	size_t payload_len;
	bool orphan;	  /* without the reference to its master */
	uint32_t timeout; /* seconds; 0 would create an entry that expires at once */
};

/* The encoders write one whole message at BUF and return its aligned length,
 * or -EMSGSIZE when it does not fit into SIZE. FLAGS are added to
 * NLM_F_REQUEST (e.g. NLM_F_ACK). */
int ctcodec_create(void *buf, size_t size, uint32_t seq, uint16_t flags,
		   const struct ct_create *create);

/* Always carries the original tuple: a DELETE without one would flush the
 * whole table (ctnetlink_del_conntrack(), all versions). ID 0 is left out. */
int ctcodec_delete(void *buf, size_t size, uint32_t seq, uint16_t flags, const struct conn_key *key,
		   uint32_t id);

int ctcodec_get(void *buf, size_t size, uint32_t seq, uint16_t flags, const struct conn_key *key);

/* Write RECORD as the kernel would dump it, the translated reply tuple included: what a person is
 * shown of it (cttext.h). Never for the kernel. What is in the payload is checked and written anew:
 * libnetfilter_conntrack ends the process when it meets a malformed attribute. Returns as the
 * others. */
int ctcodec_entry(void *buf, size_t size, const struct conn_record *record);

/* The mark of RECORD (CTA_MARK). False: its payload has none; kernels leave out a mark of 0. */
bool ctcodec_mark(const struct conn_record *record, uint32_t *ret);

/* List everything of FAMILY (AF_UNSPEC: all), or with TO, only what has its original
 * destination: Linux before 5.8 lists everything all the same, and for IPv6 the kernel lists all
 * others (ctnetlink_filter_match_tuple(), up to 6.18 at least). */
int ctcodec_dump(void *buf, size_t size, uint32_t seq, uint8_t family, const struct tuple *to);
