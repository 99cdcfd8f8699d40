/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resets of forwarded flows by nf_tables: what is said, as bytes, and the saying of it. */
#pragma once

#include "kernel/nft.h"
#include "kernel/reset.h"

/* What the resets say to nf_tables, as bytes; pure. The messages are those the nft
 * program makes of this, N being the device's index:
 *
 *   add table inet vipsafe_reset_N; delete table inet vipsafe_reset_N
 *   table inet vipsafe_reset_N {
 *     set flows4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags timeout; }
 *     set flows6 { type ipv6_addr . inet_service . ipv6_addr . inet_service; flags timeout; }
 *     chain forward { type filter hook forward priority -151;
 *       ip saddr . tcp sport . ip daddr . tcp dport @flows4 reject with tcp reset
 *       (the same with ip6 and flows6) }
 *     chain output { type filter hook output priority -151; (the same) } }
 *
 * and then, some at a time, of the elements. */

#define RESET_TABLE_PREFIX "vipsafe_reset_"

#define RESET_NFTMSG_SETS 2

/* The resets in nf_tables: a table per device, made in one step. */
/* -EOPNOTSUPP: this kernel has no nf_tables, or not all that is needed. */
int reset_nft_install(int ifindex, const struct reset_match *m, size_t n, usec_t duration);

/* Remove the tables of devices that are WANTED. Returns how many, or an error.
 * Does not load nf_tables where only ip_tables is. */
int reset_nft_clean(bool (*wanted)(void *ud, int ifindex), void *ud);

/* Remove those tables whose resets are over. Returns how many, or an error. */
int reset_nft_clean_ended(void);
