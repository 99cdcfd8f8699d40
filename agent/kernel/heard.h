/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other hosts that speak for an address: the packets by which a neighbour learns that it lives
 * elsewhere. A host speaks for an address if it is the sender of an ARP request or reply, if it
 * advertises it (NA), or solicits from it (NS). Probes for it (ARP with sender 0.0.0.0, NS from
 * the unspecified address) only ask. */
#pragma once

#include "base/kernel.h"

/* One for each family; -1: not open. Begin with HEARD_CLOSED. */
struct heard {
	int fds[2];
	int ifindex;
	uint8_t mac[LINK_MAC_MAX]; /* our own */
};

#define HEARD_CLOSED              \
	{                         \
		.fds = { -1, -1 } \
	}

/* Listen on LINK for others that speak for one of ADDRS, or for nothing if N is 0. The sockets
 * have a filter that lets nothing else through; of more than HEARD_ADDRS_MAX addresses it does
 * not know any, and lets through whoever speaks for any address. What was heard before and not
 * read may still be told. -EPERM: needs CAP_NET_RAW. -EOPNOTSUPP: no Ethernet-like device.
 * -ENODEV. After an error it is closed. */
#define HEARD_ADDRS_MAX 64
int heard_listen(struct heard *h, const struct link *link, const struct addr *addrs, size_t n);

/* Closing waits for all packet receivers of the machine (packet_release(): synchronize_net()). */
void heard_close(struct heard *h);

/* Hand over what was heard. -EAGAIN: much was, and there may be more. */
int heard_read(struct heard *h, heard_sink sink, void *ud);

/* A packet without its link header, as a socket of type SOCK_DGRAM gives it. */
struct heard_packet {
	bool is_arp; /* else IPv6 */
	const uint8_t *data;
	size_t size;
	const uint8_t *from; /* the sender's MAC in the link header, 6 bytes; NULL: not known */
};

/* Whether the sender of P, if it is not MAC (6 bytes), speaks for an address: *RET. */
bool heard_parse(const struct heard_packet *p, const uint8_t *mac, struct addr *ret);
