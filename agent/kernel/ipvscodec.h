/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The messages of generic netlink's family IPVS, version 1. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

#include "base/ipvs.h"

/* Each writes one request into BUF, which is aligned, and returns its length
 * or -EMSGSIZE. FAMILY is the number the kernel has given to IPVS. */
int ipvscodec_find_family(void *buf, size_t size, uint32_t seq);
int ipvscodec_list_services(void *buf, size_t size, uint32_t seq, uint16_t family);
int ipvscodec_list_dests(void *buf, size_t size, uint32_t seq, uint16_t family,
			 const struct ipvs_service *service);

/* Each reads one message. -EBADMSG: it makes no sense; -ENOMSG: it is about
 * something else. */
int ipvscodec_family(const struct nlmsghdr *nlh, uint16_t *ret);
int ipvscodec_service(const struct nlmsghdr *nlh, uint16_t family, struct ipvs_service *ret);
/* SERVICE: the one whose real servers were asked for. */
int ipvscodec_dest(const struct nlmsghdr *nlh, uint16_t family, const struct ipvs_service *service,
		   struct ipvs_dest *ret);
