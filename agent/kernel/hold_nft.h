/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold in nf_tables: a table per device, made and removed in one step. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vipsafe/base.h>

struct hold_nft;

/* As hold_open(), without a reason: the error is all there is to know.
 * -EOPNOTSUPP: this kernel has no nf_tables, or none for inet. */
int hold_nft_open(int ifindex, struct hold_nft **ret);

/* Take over the rules that a child has made. */
int hold_nft_adopt(int ifindex, struct hold_nft **ret);

/* Free H, which may be NULL, but leave the table. */
void hold_nft_forget(struct hold_nft *h);

/* Returns 0, or the error because of which the table stays; H may be NULL. */
int hold_nft_close(struct hold_nft *h);

/* Each call is one transaction. Kernels before 4.16 or so wait for all
 * processors in it, some milliseconds. */
int hold_nft_arm(struct hold_nft *h, usec_t duration);
int hold_nft_disarm(struct hold_nft *h);

/* -ENOENT: somebody has taken the table away. */
int hold_nft_check(struct hold_nft *h);

/* Remove the tables of devices that are WANTED. Returns how many, or an error.
 * Does not load nf_tables where only ip_tables is. */
int hold_nft_clean(bool (*wanted)(void *ud, int ifindex), void *ud);
