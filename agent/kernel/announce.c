/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both messages leave through a packet socket, the advertisement as well: a
 * raw ICMPv6 socket would route it, could not use a source address that is
 * still tentative or only now being set, and would lose it to a firewall's
 * output chain or to the ICMP rate limit. */
#include "kernel/announce.h"

#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "kernel/link.h"

struct garp {
	uint16_t hardware, protocol;
	uint8_t hardware_len, protocol_len;
	uint16_t operation;
	uint8_t sender_mac[ETH_ALEN], sender_ip[4];
	uint8_t target_mac[ETH_ALEN], target_ip[4];
} __attribute__((packed));

enum {
	NA_TYPE = 136,
	NA_ROUTER = 0x80,
	NA_OVERRIDE = 0x20,
	NA_TARGET_MAC = 2, /* option: target link-layer address */
	IP6_VERSION = 0x60,
	IP6_NEXT_ICMP = 58,
	IP6_HOPS = 255, /* receivers drop any other (RFC 4861 7.1.2) */
};

struct na {
	uint8_t type, code;
	uint16_t checksum;
	uint8_t flags, reserved[3];
	uint8_t target[16];
	uint8_t option, option_words;
	uint8_t mac[ETH_ALEN];
} __attribute__((packed));

struct na_packet {
	uint8_t version, flow[3];
	uint16_t payload_len;
	uint8_t next, hops;
	uint8_t src[16], dst[16];
	struct na na;
} __attribute__((packed));

static const uint8_t all_nodes[16] = { 0xff, 0x02, [15] = 1 };

/* RFC 5227 "ARP Announcement", which is also what keepalived sends: requests
 * update caches of stacks that ignore unasked-for replies. */
static struct garp garp_make(const struct link *link, const struct addr *a)
{
	struct garp p = {
		.hardware = htons(ARPHRD_ETHER),
		.protocol = htons(ETH_P_IP),
		.hardware_len = ETH_ALEN,
		.protocol_len = 4,
		.operation = htons(ARPOP_REQUEST),
	};

	memcpy(p.sender_mac, link->mac, ETH_ALEN);
	memcpy(p.sender_ip, a->bytes, 4);
	memcpy(p.target_ip, a->bytes, 4);
	return p;
}

static uint32_t sum16(uint32_t sum, const void *data, size_t size)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

/* Over the pseudo header (addresses, length, next header) and the message. */
static uint16_t na_checksum(const struct na_packet *p)
{
	uint32_t sum = sizeof(p->na) + IP6_NEXT_ICMP;

	sum = sum16(sum, p->src, sizeof(p->src));
	sum = sum16(sum, p->dst, sizeof(p->dst));
	sum = sum16(sum, &p->na, sizeof(p->na));
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static struct na_packet na_make(const struct link *link, const struct addr *a)
{
	struct na_packet p = {
		.version = IP6_VERSION,
		.payload_len = htons(sizeof(struct na)),
		.next = IP6_NEXT_ICMP,
		.hops = IP6_HOPS,
		.na = { .type = NA_TYPE,
			.flags = NA_OVERRIDE | (link_is_router(link) ? NA_ROUTER : 0),
			.option = NA_TARGET_MAC,
			.option_words = 1 },
	};

	memcpy(p.src, a->bytes, sizeof(p.src));
	memcpy(p.dst, all_nodes, sizeof(p.dst));
	memcpy(p.na.target, a->bytes, sizeof(p.na.target));
	memcpy(p.na.mac, link->mac, ETH_ALEN);
	p.na.checksum = na_checksum(&p);
	return p;
}

/* SOCK_DGRAM: the device writes its own link header, VLAN or not. */
static int send_on(int fd, const struct link *link, uint16_t protocol, const uint8_t dst[ETH_ALEN],
		   const void *data, size_t size)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = link->ifindex,
		.sll_halen = ETH_ALEN,
	};

	memcpy(to.sll_addr, dst, ETH_ALEN);
	if (sendto(fd, data, size, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

int announce_open(void)
{
	/* Protocol 0: this socket receives nothing. */
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int announce_send(int fd, const struct link *link, const struct addr *a)
{
	static const uint8_t broadcast[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t multicast[ETH_ALEN] = { 0x33, 0x33, 0, 0, 0, 1 };

	if (!link_is_ethernet(link))
		return -EOPNOTSUPP;
	if (addr_is_multicast(a))
		return 0; /* a group has no owner: IGMP and MLD tell of it */
	if (a->family == AF_INET) {
		struct garp p = garp_make(link, a);

		return send_on(fd, link, ETH_P_ARP, broadcast, &p, sizeof(p));
	}
	if (a->family == AF_INET6) {
		struct na_packet p = na_make(link, a);

		return send_on(fd, link, ETH_P_IPV6, multicast, &p, sizeof(p));
	}
	return -EAFNOSUPPORT;
}
