/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages to the other subsystems behind a netfilter socket (nf_tables, ip_set),
 * and the exchange of them for a verdict. */
#pragma once

#include <netlink/netlink.h>

#include "kernel/ctattr.h"

/* linux/netfilter/nfnetlink.h; RHEL 7's first headers lack the batch. */
enum {
	NF_SUBSYS_IPSET = 6,
	NF_SUBSYS_NFTABLES = 10,
	NF_BATCH_BEGIN = 0x10,
	NF_BATCH_END = 0x11,
};

/* A whole message is started and finished around its attributes. Returns its
 * offset for nfmsg_end(). FLAGS: without NLM_F_REQUEST, which is always set. */
size_t nfmsg_begin(struct attr_buf *b, uint16_t type, uint16_t flags, uint8_t family, uint32_t seq);
void nfmsg_end(struct attr_buf *b, size_t at);

#define NF_TYPE(subsys, command) ((uint16_t)((subsys) << 8 | (command)))

/* nf_tables changes what lies between the two in one step or not at all. The
 * sequence number of the beginning answers for the batch as a whole. */
void nfmsg_batch_begin(struct attr_buf *b, uint32_t seq);
void nfmsg_batch_end(struct attr_buf *b, uint32_t seq);

void nfmsg_string(struct attr_buf *b, uint16_t type, const char *value);
void nfmsg_be32(struct attr_buf *b, uint16_t type, uint32_t value);

/* A string attribute that really ends, or NULL. */
const char *nfmsg_text(const struct nlattr *a);

/* Collect the attributes of a message of TYPE, as attrs_parse() does. False:
 * it is of another type, or malformed. */
bool nfmsg_parse(const struct nlmsghdr *nlh, uint16_t type, const struct nlattr **ret,
		 uint16_t max);

/* The error an NLMSG_ERROR or NLMSG_DONE carries; an ACK is 0. -EBADMSG. */
int nfmsg_error(const struct nlmsghdr *nlh);

/* Send LEN bytes whose messages are numbered FIRST to LAST, the last asking
 * for an acknowledgement, and wait for the verdict: the first error among them
 * (ip_set has numbers of its own beyond 4095), or 0. -ETIMEDOUT. */
int nfmsg_ask(struct nl_sock *sk, const void *data, size_t len, uint32_t first, uint32_t last);

/* Ask for a listing with the one message at DATA. -EINTR: it was torn. */
int nfmsg_list(struct nl_sock *sk, const void *data, size_t len,
	       void (*sink)(void *ud, const struct nlmsghdr *nlh), void *ud);
