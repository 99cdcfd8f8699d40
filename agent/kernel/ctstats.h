/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel counts of its connection tracking, over ctnetlink. */
#pragma once

#include <stdint.h>

/* How many entries it has dropped for want of room, since the start of the node. -EPERM, …; also
 * of kernels that do not count. */
int ctstats_early_drops(uint64_t *ret);
