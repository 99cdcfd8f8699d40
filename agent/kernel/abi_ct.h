/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of ctnetlink, under the kernel's names; those at the end are later than
 * the headers of RHEL 7 (Linux 3.10). */
#pragma once

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#define CTA_SEQ_ADJ_ORIG 15 /* Linux 3.14 */
#define CTA_SEQ_ADJ_REPLY 16
#define CTA_SYNPROXY 24	 /* Linux 4.19; the last one we read */
#define CTA_TUPLE_ZONE 3 /* Linux 4.4 */
#define CTA_FILTER 25	 /* Linux 5.8, asked for only */
#define CTA_FILTER_ORIG_FLAGS 1
#define CTA_FILTER_F_CTA_IP_DST (1 << 1) /* net/netfilter/nf_internals.h */
