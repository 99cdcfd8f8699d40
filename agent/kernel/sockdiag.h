/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The transport of sock_diag: one request, and what comes back. */
#pragma once

#include <linux/inet_diag.h>
#include <linux/netlink.h>

#include <vipsafe/base.h>

/* linux/sock_diag.h, and what the headers of RHEL 7 lack of it. */
enum {
	SOCKDIAG_BY_FAMILY = 20,
	SOCKDIAG_DESTROY = 21, /* SOCK_DESTROY, Linux 4.5 */
};

/* net/tcp_states.h: the values are ABI. UDP has ESTABLISHED for connected. */
enum sockdiag_state {
	SOCKDIAG_ESTABLISHED = 1,
	SOCKDIAG_SYN_SENT = 2,
	SOCKDIAG_SYN_RECV = 3,
	SOCKDIAG_FIN_WAIT1 = 4,
	SOCKDIAG_FIN_WAIT2 = 5,
	SOCKDIAG_TIME_WAIT = 6,
	SOCKDIAG_CLOSE_WAIT = 8,
	SOCKDIAG_LAST_ACK = 9,
	SOCKDIAG_CLOSING = 11,
	SOCKDIAG_NEW_SYN_RECV = 12, /* Linux 4.1 */
};

struct sockdiag;

/* -EOPNOTSUPP: the kernel has no sock_diag. */
int sockdiag_new(struct sockdiag **ret);
struct sockdiag *sockdiag_free(struct sockdiag *d);
DEFINE_CLEANUP(struct sockdiag, sockdiag_free)

/* The next request begins with this. */
struct nlmsghdr sockdiag_header(struct sockdiag *d, uint16_t type, uint16_t flags, size_t len);

/* Send the request at NLH and hand each SOCKDIAG_BY_FAMILY message of its
 * answer to TAKE (whose error ends it) with what it begins with. Returns the
 * kernel's verdict. A listing that was interrupted has at worst missed sockets
 * that are only just coming up. */
int sockdiag_exchange(struct sockdiag *d, const struct nlmsghdr *nlh,
		      int (*take)(void *ud, const struct inet_diag_msg *m), void *ud);
