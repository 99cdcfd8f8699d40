/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tell the neighbours where an address lives now. The kernel does not do it
 * for an address that is just added (no gratuitous ARP at all, no
 * advertisement for a nodad address; docs/kernel.md 8). */
#pragma once

#include "base/kernel.h"

/* A socket to announce on; keep it for several, since closing one waits for all
 * packet receivers of the machine (packet_release(): synchronize_net()).
 * -EPERM: needs CAP_NET_RAW. */
int announce_open(void);

/* Send on FD one gratuitous ARP request (sender = target = A, broadcast), or one
 * unsolicited Neighbour Advertisement with the override flag to all nodes,
 * with the MAC in *LINK as the answer. *LINK must be fresh: a bond may have
 * changed its MAC. -EOPNOTSUPP: no Ethernet-like device; -ENETDOWN: it is
 * down. */
int announce_send(int fd, const struct link *link, const struct addr *a);
