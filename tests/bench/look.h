/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ask whether an entry is in the table, as fast as a program can: a TCP socket
 * that has the connection's addresses, without there being a connection (it is
 * put together by TCP_REPAIR and never sends), and SO_ORIGINAL_DST, for which
 * the kernel looks its tuple up. That is the lookup a packet of the flow
 * causes: it takes no lock, so the asking does not hold up what is observed,
 * as asking by netlink would. A question takes some tenths of a microsecond. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Addresses and ports in network order, as the original tuple has them. Needs
 * a route to DST. Returns a descriptor or a negative errno. */
int look_open(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport);

/* -1 for errors other than that there is no such entry. */
int look_there(int fd);

/* As many descriptors as this process may have. */
void look_raise_limit(void);

/* Nanoseconds of the monotonic clock. */
uint64_t look_clock(void);
