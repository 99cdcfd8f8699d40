/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What messages to all subsystems behind a netfilter socket (ctnetlink, nf_tables,
 * ip_set) have in common; pure. */
#pragma once

#include <linux/netfilter/nfnetlink.h>

#include "kernel/attr.h"

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
