/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The services and destinations of IPVS over generic netlink: messages of its family, version 1,
 * and the listing. */
#pragma once

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ipvs.h"
#include "base/kernel.h"

/* The messages of generic netlink's family IPVS, version 1. Pure. */

/* Each writes one request into BUF, which is aligned, and returns its length
 * or -EMSGSIZE. FAMILY is the number the kernel has given to IPVS. */
int ipvscodec_find_family(void *buf, size_t size, uint32_t seq);
int ipvscodec_list_dests(void *buf, size_t size, uint32_t seq, uint16_t family,
			 const struct ipvs_service *service);

/* Each reads one message. -EBADMSG: it makes no sense; -ENOMSG: it is about
 * something else. */
int ipvscodec_family(const struct nlmsghdr *nlh, uint16_t *ret);
int ipvscodec_service(const struct nlmsghdr *nlh, uint16_t family, struct ipvs_service *ret);
/* SERVICE: the one whose real servers were asked for. */
int ipvscodec_dest(const struct nlmsghdr *nlh, uint16_t family, const struct ipvs_service *service,
		   struct ipvs_dest *ret);

/* The node's own IPVS: what it balances, over generic netlink, and which
 * connections it has, from /proc (there is no netlink listing of those). */
/* Each service and its real servers, in the kernel's order. -EOPNOTSUPP: this
 * network namespace has no IPVS, and asking would load it. -EPERM. */
int ipvs_list(ipvs_sink sink, void *ud);

/* Each connection and each persistence template. -EOPNOTSUPP as above. */
int ipvs_conns(flow_sink sink, void *ud);

/* As ipvs_tracks of struct kernel_ops. */
int ipvs_tracks(void);
