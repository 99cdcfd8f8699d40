/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ending TCP sockets of other programs where the kernel has no request for that (before Linux
 * 4.5). A segment out of its window makes a socket answer with an acknowledgement, which tells
 * what either end expects next: with that, each is sent a reset that it takes. */
#pragma once

#include "base/addr.h"
#include "base/conn.h"

struct sockreset_end {
	struct addr peer;
	uint16_t sport, dport; /* own and the peer's, in network order */
	bool done;
};

/* Reset N sockets whose own address is OWN, and their peers, all of the family of OWN. Takes some
 * milliseconds for some hundreds, and *RET_CLOSED counts them. -ETIMEDOUT: some have not answered,
 * as those whose packets are translated; -EPERM; -EOPNOTSUPP: no raw or packet sockets. */
int sockreset(const struct addr *own, struct sockreset_end *ends, size_t n, uint64_t *ret_closed);

/* As sock_tickle() of struct kernel_ops. */
int sockreset_tickle(const struct conn *flows, size_t n, uint64_t *ret_sent);
