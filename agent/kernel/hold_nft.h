/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold by nf_tables: what is said, as bytes, and the saying of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "kernel/nft.h"

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

#define HOLD_TABLE_PREFIX "vipsafe_hold_"

/* The messages of both are numbered from SEQ. */
void hold_nftmsg_install(struct nftbatch *b, uint32_t seq, int ifindex);

/* Hold for TIMEOUT_MS. Before Linux 6.12 adding an element again does not extend it. So with
 * EXCLUSIVE it is added, and -EEXIST if it is there; without it is deleted and added, and
 * -ENOENT if it is not there. */
void hold_nftmsg_arm(struct nftbatch *b, uint32_t seq, int ifindex, uint64_t timeout_ms,
		     bool exclusive);

/* The hold in nf_tables: a table per device, made and removed in one step. */

struct hold_nft;

/* As hold_open(), without a reason: the error is all there is to know.
 * -EOPNOTSUPP: this kernel has no nf_tables, or none for inet. */
int hold_nft_open(int ifindex, struct hold_nft **ret);

/* Take over the rules that a child has made. */
int hold_nft_adopt(int ifindex, struct hold_nft **ret);

/* Free H, which may be NULL, but leave the table. */
void hold_nft_forget(struct hold_nft *h);

/* Returns 0, or the error because of which the table stays; H may be NULL. *RET_SPENT becomes its
 * socket, for nftsock_free(): whoever closes it waits until the kernel has freed the table, 7 to
 * 20 ms on 6.18 (nft_rcv_nl_event()). */
int hold_nft_close(struct hold_nft *h, struct nftsock **ret_spent);

/* Each call is one transaction. Kernels before 4.16 or so wait for all
 * processors in it, some milliseconds. */
int hold_nft_arm(struct hold_nft *h, usec_t duration);
int hold_nft_disarm(struct hold_nft *h);

/* -ENOENT: somebody has taken the table away. */
int hold_nft_check(struct hold_nft *h);

/* Remove the tables of devices that are WANTED. Returns how many, or an error.
 * Does not load nf_tables where only ip_tables is. */
int hold_nft_clean(bool (*wanted)(void *ud, int ifindex), void *ud);
