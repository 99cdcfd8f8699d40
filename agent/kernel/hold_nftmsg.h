/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hold says to nf_tables, as bytes; pure. The messages are those the
 * nft program makes of this (0.8 and later), N being the device's index:
 *
 *   add table inet vipsafe_hold_N; delete table inet vipsafe_hold_N
 *   table inet vipsafe_hold_N {
 *     set held { type iface_index; flags timeout; }
 *     chain prerouting { type filter hook prerouting priority -150;
 *       iif @held meta l4proto tcp ct state invalid drop
 *       iif @held meta l4proto tcp ct state new tcp flags & (fin|syn|rst|ack) != syn drop }
 *     chain forward { type filter hook forward priority -150; (the same with oif) }
 *     chain output { type filter hook output priority -150; (the same with oif) } }
 *
 * Sent by ourselves, because nft reads the node's rules first and may not be
 * there at all where iptables writes into nf_tables. */
#pragma once

#include "kernel/nftbatch.h"

#define HOLD_TABLE_PREFIX "vipsafe_hold_"

/* The messages of both are numbered from SEQ. */
void hold_nftmsg_install(struct nftbatch *b, uint32_t seq, int ifindex);

/* Hold for TIMEOUT_MS. Before Linux 6.12 adding an element again does not extend it. So with
 * EXCLUSIVE it is added, and -EEXIST if it is there; without it is deleted and added, and
 * -ENOENT if it is not there. */
void hold_nftmsg_arm(struct nftbatch *b, uint32_t seq, int ifindex, uint64_t timeout_ms,
		     bool exclusive);

/* Hold no longer: the element is removed. -ENOENT: there is none. */
void hold_nftmsg_disarm(struct nftbatch *b, uint32_t seq, int ifindex);
