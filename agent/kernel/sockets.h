/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets of this namespace by sock_diag: one, all of them, and how to end those of an address. */
#pragma once

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

#include "base/flow.h"
#include "base/kernel.h"
#include "kernel/nlsock.h"

/* Requests to sock_diag, and what it answers. */

#ifndef SOCK_DESTROY
#define SOCK_DESTROY 21 /* Linux 4.5 */
#endif
#define TCP_NEW_SYN_RECV 12 /* 4.1, in no header; the other states are TCP_…, UDP's too */

/* The node's own connections as its sockets know them, for those conntrack
 * does not: over sock_diag. */
/* Each TCP socket with a peer, those in TIME_WAIT and half open ones too, and
 * each connected UDP socket; an IPv4 connection of an IPv6 socket may be told
 * as either.
 * -EOPNOTSUPP: the kernel has no sock_diag. Without its module for UDP, or
 * without IPv6, those are left out. */
int socklist_dump(enum sock_extent extent, flow_sink sink, void *ud);

/* One socket as a flow, from its own address to its peer. INFO: its tcp_info, or NULL.
 * *RET_TIMES is where RET->times points if there are any. -ENOMSG:
 * it has no peer and does not listen. Pure. */
int socklist_decode(const struct inet_diag_msg *m, const struct nlattr *info, uint8_t l4proto,
		    struct flow *ret, struct flow_times *ret_times);

/* The node's own TCP sockets, over sock_diag. */
/* Close those whose own address is A, as an IPv4 one in an IPv6 socket too;
 * their peers are sent a reset. Listeners stay, and so do sockets with nothing
 * left to reset (TIME_WAIT). One that cannot be closed does not save the rest.
 * *RET_CLOSED counts the closed ones, also when the result is an error.
 * Where the kernel cannot (before Linux 4.5, or without INET_DIAG_DESTROY) as sockreset(). */
int sockets_destroy(const struct addr *a, uint64_t *ret_closed);

/* Whether the kernel has that, and it is permitted. Asks for a socket that cannot be. */
bool sockets_can_destroy(void);
