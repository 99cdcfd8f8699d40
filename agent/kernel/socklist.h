/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The node's own connections as its sockets know them, for those conntrack
 * does not: over sock_diag. */
#pragma once

#include "base/flow.h"

/* Each TCP socket with a peer, those in TIME_WAIT and half open ones too, and
 * each connected UDP socket; an IPv4 connection of an IPv6 socket may be told
 * as either.
 * -EOPNOTSUPP: the kernel has no sock_diag. Without its module for UDP, or
 * without IPv6, those are left out. */
int socklist_dump(flow_sink sink, void *ud);

/* One socket as a flow, from its own address to its peer. -ENOMSG: it has no
 * peer. Pure. */
struct inet_diag_msg;
int socklist_decode(const struct inet_diag_msg *m, uint8_t l4proto, struct flow *ret);
