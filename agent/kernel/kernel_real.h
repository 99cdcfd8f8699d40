/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real kernel behind kernel.h: opens the sockets, owns them. */
#pragma once

#include "base/kernel.h"

struct kernel_real;

/* Open what an address change needs. -EPERM is only found out by the first
 * call that writes. */
int kernel_real_new(struct kernel_real **ret);
struct kernel_real *kernel_real_free(struct kernel_real *k);

struct kernel kernel_real_get(struct kernel_real *k);

/* The same beside OF, which has to outlive it: with sockets of its own, so that
 * it disturbs nothing OF guards, but it borrows the hold that OF has open on a
 * device instead of replacing it. */
int kernel_real_beside(struct kernel_real *of, struct kernel_real **ret);

/* What to poll: the events of conntrack, of addresses, and what is heard of other hosts
 * (two); -1 for what is not watched. They change with each ct_watch(), addr_watch() and
 * heard_watch(). */
#define KERNEL_FDS 4
void kernel_real_fds(const struct kernel_real *k, int ret[KERNEL_FDS]);
