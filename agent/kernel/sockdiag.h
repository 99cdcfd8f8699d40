/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The transport of sock_diag: one request, and what comes back. */
#pragma once

#include <netinet/tcp.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include <vipsafe/base.h>

#ifndef SOCK_DESTROY
#define SOCK_DESTROY 21 /* Linux 4.5 */
#endif
#define TCP_NEW_SYN_RECV 12 /* 4.1, in no header; the other states are TCP_…, UDP's too */

struct sockdiag;

/* -EOPNOTSUPP: the kernel has no sock_diag. */
int sockdiag_new(struct sockdiag **ret);
struct sockdiag *sockdiag_free(struct sockdiag *d);
DEFINE_CLEANUP(struct sockdiag, sockdiag_free)

/* The next request begins with this. */
struct nlmsghdr sockdiag_header(struct sockdiag *d, uint16_t type, uint16_t flags, size_t len);

/* Send REQUEST and hand each SOCK_DIAG_BY_FAMILY message of its
 * answer to TAKE (whose error ends it) with what it begins with. Returns the
 * kernel's verdict. A listing that was interrupted has at worst missed sockets
 * that are only just coming up. */
int sockdiag_exchange(struct sockdiag *d, struct nlmsghdr *request,
		      int (*take)(void *ud, const struct inet_diag_msg *m), void *ud);
