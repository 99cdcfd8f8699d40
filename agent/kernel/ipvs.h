/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The node's own IPVS: what it balances, over generic netlink, and which
 * connections it has, from /proc (there is no netlink listing of those). */
#pragma once

#include "base/kernel.h"

/* Each service and its real servers, in the kernel's order. -EOPNOTSUPP: this
 * network namespace has no IPVS, and asking would load it. -EPERM. */
int ipvs_list(ipvs_sink sink, void *ud);

/* Each connection and each persistence template. -EOPNOTSUPP as above. */
int ipvs_conns(flow_sink sink, void *ud);

/* As ipvs_tracks of struct kernel_ops. */
int ipvs_tracks(void);
