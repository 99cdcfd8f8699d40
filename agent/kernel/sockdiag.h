/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to sock_diag, and what it answers. */
#pragma once

#include <netinet/tcp.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "kernel/nlsock.h"

#ifndef SOCK_DESTROY
#define SOCK_DESTROY 21 /* Linux 4.5 */
#endif
#define TCP_NEW_SYN_RECV 12 /* 4.1, in no header; the other states are TCP_…, UDP's too */

/* A socket for it. -EOPNOTSUPP: the kernel has no sock_diag. */
int sockdiag_new(struct nlsock **ret);

/* The next request begins with this. */
struct nlmsghdr sockdiag_header(struct nlsock *s, uint16_t type, uint16_t flags, size_t len);

/* Send REQUEST and call TAKE with the beginning of each SOCK_DIAG_BY_FAMILY message of
 * the answer, until it returns an error. Returns that, or what the kernel answered. A
 * dump that was interrupted has at worst missed sockets that are only just coming up. */
int sockdiag_exchange(struct nlsock *s, struct nlmsghdr *request,
		      int (*take)(void *ud, const struct inet_diag_msg *m), void *ud);
