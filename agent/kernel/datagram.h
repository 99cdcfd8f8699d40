/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The messages in a netlink datagram, one after the other. */
#pragma once

#include <stdbool.h>

#include <linux/netlink.h>

/* Is there a whole message at NLH, in the LEFT bytes from there on? For use
 * with NLMSG_NEXT(), which makes LEFT negative behind a last message whose
 * length is no multiple of four: to NLMSG_OK(), with the cast that compilers
 * ask for, that is four gigabytes. */
static inline bool datagram_has(const struct nlmsghdr *nlh, int left)
{
	return left >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
	       nlh->nlmsg_len <= (uint32_t)left;
}
