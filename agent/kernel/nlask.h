/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ask the kernel over netlink and wait for the whole answer. The messages at DATA
 * have been numbered with nlsock_seq(); what answers others, of earlier exchanges
 * that were given up, is left out. Returned is what the kernel answered (ip_set has
 * numbers of its own beyond 4095), or -ETIMEDOUT: nothing came, or -ENOBUFS: an
 * answer was lost; in both cases a change may have been made. */
#pragma once

#include <linux/netfilter/nfnetlink.h>

#include "kernel/attr.h"
#include "kernel/nlsock.h"

/* One message of an answer, valid only during the call. Negative: an error of its
 * own, after which it is not called again. */
typedef int (*nlask_sink)(void *ud, const struct nlmsghdr *nlh);

/* Send messages numbered FIRST to LAST, the last of which asks for an
 * acknowledgement, and return the first error among them, or 0. It comes after all
 * consequences of the change (the kernel's notifier chains). */
int nlask_change(struct nlsock *s, const void *data, size_t len, uint32_t first, uint32_t last);

/* The same for what is in B: one message, or -EMSGSIZE because it did not fit. */
int nlask_change_one(struct nlsock *s, const struct attr_buf *b);

/* Ask for one object, and hand it to SINK. */
int nlask_object(struct nlsock *s, const struct attr_buf *b, nlask_sink sink, void *ud);

/* Ask for any number of them (NLM_F_DUMP), and hand each to SINK. -EINTR: what is
 * listed changed meanwhile, and what SINK saw is no consistent picture. It ends with
 * the first that SINK refuses: the kernel makes no more of the rest than fits into the
 * socket, and the next exchange leaves it out. The kernel wants it read before the next
 * dump (-EBUSY), which that one does. */
int nlask_dump(struct nlsock *s, const struct attr_buf *b, nlask_sink sink, void *ud);

/* Hand the messages of one datagram to SINK, until it returns an error. */
int nlask_read(struct nlsock *s, usec_t deadline, nlask_sink sink, void *ud);

/* The error an NLMSG_ERROR or NLMSG_DONE carries; an acknowledgement is 0. -EBADMSG. */
int nlask_error(const struct nlmsghdr *nlh);

/* What messages to all subsystems behind a netfilter socket (ctnetlink, nf_tables,
 * ip_set) have in common; pure. */

#define NF_TYPE(subsys, command) ((uint16_t)((subsys) << 8 | (command)))

/* As message_begin(). */
static inline size_t nfmsg_begin(struct attr_buf *b, uint16_t type, uint16_t flags, uint8_t family,
				 uint32_t seq)
{
	const struct nfgenmsg nfg = { .nfgen_family = family, .version = NFNETLINK_V0 };

	return message_begin(b, type, flags, seq, &nfg, sizeof(nfg));
}

/* Collect the attributes of a message of TYPE, as attrs_parse() does. False:
 * it is of another type, or malformed. */
static inline bool nfmsg_parse(const struct nlmsghdr *nlh, uint16_t type, const struct nlattr **ret,
			       uint16_t max)
{
	return nlh->nlmsg_type == type && message_parse(nlh, sizeof(struct nfgenmsg), ret, max);
}
