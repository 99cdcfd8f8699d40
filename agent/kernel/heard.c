/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket for ETH_P_ARP and one for ETH_P_IPV6, not one for everything: so the node's own
 * packets are not among them (dev_queue_xmit_nit() serves ETH_P_ALL only), and nothing is
 * done for a packet of another kind. */
#include "kernel/heard.h"

#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "base/os.h"
#include "kernel/link.h"

/* Packets that are read in one call. */
#define HEARD_READ_MAX 64

/* What the filter lets through of a packet: all that is looked at, and options. */
#define HEARD_SNAP 256

/* Where things are, from the network header on. */
enum {
	ARP_HARDWARE = 0,
	ARP_PROTOCOL = 2,
	ARP_HARDWARE_LEN = 4,
	ARP_PROTOCOL_LEN = 5,
	ARP_OPERATION = 6,
	ARP_SENDER_MAC = 8,
	ARP_SENDER_IP = 14,
	ARP_SIZE = 28,

	IP6_PAYLOAD_LEN = 4,
	IP6_NEXT = 6,
	IP6_HOPS = 7,
	IP6_SOURCE = 8,
	ND_TYPE = 40,
	ND_CODE = 41,
	ND_TARGET = 48,
	ND_OPTIONS = 64,
};

enum {
	NEXT_ICMP6 = 58,
	HOPS_OF_NEIGHBOUR = 255, /* a router would have made it less (RFC 4861 7.1) */
	ND_SOLICITATION = 135,
	ND_ADVERTISEMENT = 136,
	ND_SOURCE_MAC = 1, /* options */
	ND_TARGET_MAC = 2,
};

/* ---- what a packet says ------------------------------------------------------------- */

static unsigned load16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static bool is_unset(const struct addr *a)
{
	struct addr none = { .family = a->family };

	return addr_equal(a, &none);
}

static bool heard_parse_arp(const struct heard_packet *p, const uint8_t *mac, struct addr *ret)
{
	const uint8_t *d = p->data;
	unsigned hardware, operation;

	if (p->size < ARP_SIZE)
		return false;
	hardware = load16(d + ARP_HARDWARE);
	operation = load16(d + ARP_OPERATION);
	if ((hardware != ARPHRD_ETHER && hardware != ARPHRD_IEEE802) ||
	    load16(d + ARP_PROTOCOL) != ETH_P_IP || d[ARP_HARDWARE_LEN] != ETH_ALEN ||
	    d[ARP_PROTOCOL_LEN] != 4 || (operation != ARPOP_REQUEST && operation != ARPOP_REPLY))
		return false;
	*ret = addr_make(AF_INET, d + ARP_SENDER_IP);
	return memcmp(d + ARP_SENDER_MAC, mac, ETH_ALEN) != 0;
}

/* Whether the option KIND of the message names MAC, or the options are malformed. What the
 * filter has cut off is not looked at. */
static bool is_ours_by_option(const struct heard_packet *p, size_t end, uint8_t kind,
			      const uint8_t *mac)
{
	size_t at = ND_OPTIONS, len;

	for (; at + 2 <= end; at += len) {
		len = 8U * p->data[at + 1];
		if (!len)
			return true; /* the whole message is invalid (RFC 4861 4.6) */
		if (at + len <= end && p->data[at] == kind &&
		    !memcmp(p->data + at + 2, mac, ETH_ALEN))
			return true;
	}
	return false;
}

/* No checksum: what is damaged on the way would have to be damaged into one of few addresses. */
static bool heard_parse_nd(const struct heard_packet *p, const uint8_t *mac, struct addr *ret)
{
	const uint8_t *d = p->data;
	size_t end;
	bool is_na;

	if (p->size < ND_OPTIONS || d[0] >> 4 != 6 || d[IP6_NEXT] != NEXT_ICMP6 ||
	    d[IP6_HOPS] != HOPS_OF_NEIGHBOUR || d[ND_CODE] != 0)
		return false;
	end = ND_TYPE + load16(d + IP6_PAYLOAD_LEN);
	is_na = d[ND_TYPE] == ND_ADVERTISEMENT;
	if (end < ND_OPTIONS || (!is_na && d[ND_TYPE] != ND_SOLICITATION))
		return false;
	*ret = addr_make(AF_INET6, d + (is_na ? ND_TARGET : IP6_SOURCE));
	return ret->bytes[0] != 0xff && /* multicast */
	       !is_ours_by_option(p, MIN(end, p->size), is_na ? ND_TARGET_MAC : ND_SOURCE_MAC, mac);
}

/* Whether MAC is one of VRRP (RFC 5798 7.3): whoever is MASTER has it, so it tells nobody from us.
 */
static bool is_shared(const uint8_t *mac)
{
	static const uint8_t vrrp[4] = { 0x00, 0x00, 0x5e, 0x00 };

	return !memcmp(mac, vrrp, sizeof(vrrp)) && (mac[4] == 1 || mac[4] == 2);
}

bool heard_parse(const struct heard_packet *p, const uint8_t *mac, struct addr *ret)
{
	static const uint8_t none[ETH_ALEN];

	if (is_shared(mac))
		mac = none;
	if (p->from && !memcmp(p->from, mac, ETH_ALEN))
		return false;
	return (p->is_arp ? heard_parse_arp(p, mac, ret) : heard_parse_nd(p, mac, ret)) &&
	       !is_unset(ret);
}

/* ---- the filter --------------------------------------------------------------------- */

/* For HEARD_ADDRS_MAX addresses of nine instructions each, and what goes before. */
#define FILTER_MAX 640

struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
};

static void filter_put(struct filter *f, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	f->code[f->n++] = (struct sock_filter){ code, jt, jf, k };
}

/* Drop the packet if what was loaded is not K. */
static void filter_require(struct filter *f, uint32_t k)
{
	filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0);
	filter_put(f, BPF_RET | BPF_K, 0, 0, 0);
}

/* On the device itself: a VLAN's packets come past its parent, too. Those of a VLAN that has
 * no device here have lost their tag by now, and count as somebody else's
 * (__netif_receive_skb_core()), as what is addressed to another host does. */
static void filter_link(struct filter *f, int ifindex)
{
	filter_put(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX), 0, 0);
	filter_require(f, (uint32_t)ifindex);
	filter_put(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE), 0, 0);
	filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, PACKET_OTHERHOST, 0, 1);
	filter_put(f, BPF_RET | BPF_K, 0, 0, 0);
}

static void filter_arp(struct filter *f)
{
	filter_put(f, BPF_LD | BPF_H | BPF_ABS, ARP_PROTOCOL, 0, 0);
	filter_require(f, ETH_P_IP);
	filter_put(f, BPF_LD | BPF_H | BPF_ABS, ARP_HARDWARE_LEN, 0, 0);
	filter_require(f, ETH_ALEN << 8 | 4);
	filter_put(f, BPF_LDX | BPF_W | BPF_IMM, ARP_SENDER_IP, 0, 0);
}

/* X: where the address is. */
static void filter_nd(struct filter *f)
{
	filter_put(f, BPF_LD | BPF_H | BPF_ABS, IP6_NEXT, 0, 0);
	filter_require(f, NEXT_ICMP6 << 8 | HOPS_OF_NEIGHBOUR);
	filter_put(f, BPF_LD | BPF_B | BPF_ABS, ND_TYPE, 0, 0);
	filter_put(f, BPF_LDX | BPF_W | BPF_IMM, ND_TARGET, 0, 0);
	filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, ND_ADVERTISEMENT, 3, 0);
	filter_put(f, BPF_LDX | BPF_W | BPF_IMM, IP6_SOURCE, 0, 0);
	filter_require(f, ND_SOLICITATION);
}

/* Let the packet through if A is at X. */
static void filter_addr(struct filter *f, const struct addr *a)
{
	size_t words = addr_size(a->family) / 4, i;
	uint32_t word;

	for (i = 0; i < words; i++) {
		memcpy(&word, a->bytes + 4 * i, 4);
		filter_put(f, BPF_LD | BPF_W | BPF_IND, (uint32_t)(4 * i), 0, 0);
		/* to what follows this address */
		filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, ntohl(word), 0,
			   (uint8_t)(2 * (words - i - 1) + 1));
	}
	filter_put(f, BPF_RET | BPF_K, HEARD_SNAP, 0, 0);
}

static int filter_attach(int fd, uint8_t family, int ifindex, const struct addr *addrs, size_t n)
{
	struct filter f = { .n = 0 };
	struct sock_fprog program = { .filter = f.code };
	size_t i;

	filter_link(&f, ifindex);
	if (family == AF_INET)
		filter_arp(&f);
	else
		filter_nd(&f);
	for (i = 0; i < n && n <= HEARD_ADDRS_MAX; i++)
		if (addrs[i].family == family)
			filter_addr(&f, &addrs[i]);
	filter_put(&f, BPF_RET | BPF_K, n <= HEARD_ADDRS_MAX ? 0 : HEARD_SNAP, 0, 0);
	program.len = f.n;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return -errno;
	return 0;
}

/* ---- the sockets -------------------------------------------------------------------- */

static void heard_close_one(struct heard *h, size_t i)
{
	closep(&h->fds[i]);
	h->fds[i] = -1;
}

static const uint8_t heard_families[2] = { AF_INET, AF_INET6 };

static bool has_family(uint8_t family, const struct addr *addrs, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (addrs[i].family == family)
			return true;
	return false;
}

/* Give the socket I a protocol only once it has its filter: it gets nothing before. */
static int heard_open(struct heard *h, size_t i, const struct addr *addrs, size_t n)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(heard_families[i] == AF_INET ? ETH_P_ARP : ETH_P_IPV6),
		.sll_ifindex = h->ifindex,
	};
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = filter_attach(fd, heard_families[i], h->ifindex, addrs, n);
	if (r == 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		r = -errno;
	if (r < 0)
		return r;
	h->fds[i] = fd;
	fd = -1;
	return 0;
}

int heard_listen(struct heard *h, const struct link *link, const struct addr *addrs, size_t n)
{
	size_t i;
	int r = 0;

	if (!n || !link_is_ethernet(link) || h->ifindex != link->ifindex)
		heard_close(h);
	if (!n)
		return 0;
	if (!link_is_ethernet(link))
		return -EOPNOTSUPP;
	h->ifindex = link->ifindex;
	memcpy(h->mac, link->mac, sizeof(h->mac));
	for (i = 0; i < 2 && r == 0; i++) {
		if (!has_family(heard_families[i], addrs, n))
			heard_close_one(h, i);
		else if (h->fds[i] >= 0)
			r = filter_attach(h->fds[i], heard_families[i], h->ifindex, addrs, n);
		else
			r = heard_open(h, i, addrs, n);
	}
	if (r < 0)
		heard_close(h);
	return r;
}

void heard_close(struct heard *h)
{
	heard_close_one(h, 0);
	heard_close_one(h, 1);
	h->ifindex = 0;
}

/* Take one packet of the socket I. -EAGAIN: there is none. */
static int heard_receive(struct heard *h, size_t i, heard_sink sink, void *ud)
{
	uint8_t data[HEARD_SNAP];
	struct sockaddr_ll from = { .sll_halen = 0 };
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(h->fds[i], data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from,
			     &len);
	struct heard_packet p = { .is_arp = heard_families[i] == AF_INET, .data = data };
	struct addr a;

	if (n < 0) /* the link has gone down, or a signal came: the next one may be there */
		return errno == EAGAIN ? -EAGAIN : 0;
	p.size = (size_t)n;
	p.from = from.sll_halen == ETH_ALEN ? from.sll_addr : NULL;
	return heard_parse(&p, h->mac, &a) ? sink(ud, &a) : 0;
}

int heard_read(struct heard *h, heard_sink sink, void *ud)
{
	size_t i, left = HEARD_READ_MAX;
	int r = 0;

	for (i = 0; i < 2 && left && (r == 0 || r == -EAGAIN); i++) {
		r = h->fds[i] < 0 ? -EAGAIN : 0;
		for (; left && r == 0; left--)
			r = heard_receive(h, i, sink, ud);
	}
	if (r == -EAGAIN) /* nothing is left */
		return 0;
	return r < 0 ? r : -EAGAIN;
}
