/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The resets in nf_tables: a table per device, made in one step. */
#pragma once

#include "kernel/reset.h"

/* -EOPNOTSUPP: this kernel has no nf_tables, or not all that is needed. */
int reset_nft_install(int ifindex, const struct reset_match *m, size_t n, usec_t duration);

/* Remove the tables of devices that are WANTED. Returns how many, or an error.
 * Does not load nf_tables where only ip_tables is. */
int reset_nft_clean(bool (*wanted)(void *ud, int ifindex), void *ud);

/* Remove those tables whose resets are over. Returns how many, or an error. */
int reset_nft_clean_ended(void);
