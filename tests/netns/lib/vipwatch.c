/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who holds a VIP, as a neighbour sees it:
 *   vipwatch DEV VIP MAC_A MAC_B
 * Every 20 ms an ARP probe (IPv4) and an echo request (both families), and a
 * line of what was answered to the last ones:
 *   MS ARP ECHO     each "-", "A", "B" or "AB", by the MAC of the answer
 * MS is the time since boot in milliseconds, as in /proc/uptime.
 *
 * The probe comes from nobody's address and MAC: its answers teach neither the
 * nodes nor our own kernel anything. Echo requests go the way all packets go,
 * so they arrive where the last announcement said. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 20
#define ECHO_ID 0x7661

struct watch {
	int wire, echo, ifindex;
	bool v6;
	uint8_t vip[16];
	uint8_t mac[2][ETH_ALEN];
	unsigned arp, echoed; /* bits of A and B since the last tick */
	uint16_t seq;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int die(const char *what)
{
	fprintf(stderr, "vipwatch: %s: %s\n", what, strerror(errno));
	return 1;
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (; len > 1; len -= 2, p += 2)
		sum += (uint32_t)(p[0] << 8 | p[1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void send_arp(struct watch *w)
{
	static const uint8_t nobody[ETH_ALEN] = { 2, 0, 0, 0, 0, 0x77 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = w->ifindex };
	struct {
		struct ether_header eth;
		struct ether_arp arp;
	} __attribute__((packed)) f = { .eth.ether_type = htons(ETHERTYPE_ARP) };

	memset(f.eth.ether_dhost, 0xff, ETH_ALEN);
	memcpy(f.eth.ether_shost, nobody, ETH_ALEN);
	f.arp.ea_hdr.ar_hrd = htons(ARPHRD_ETHER);
	f.arp.ea_hdr.ar_pro = htons(ETHERTYPE_IP);
	f.arp.ea_hdr.ar_hln = ETH_ALEN;
	f.arp.ea_hdr.ar_pln = 4;
	f.arp.ea_hdr.ar_op = htons(ARPOP_REQUEST);
	memcpy(f.arp.arp_sha, nobody, ETH_ALEN);
	memcpy(f.arp.arp_tpa, w->vip, 4);
	(void)!sendto(w->wire, &f, sizeof(f), 0, (struct sockaddr *)&to, sizeof(to));
}

static void send_echo(struct watch *w)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	struct icmphdr h = { .type = w->v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO };

	h.un.echo.id = htons(ECHO_ID);
	h.un.echo.sequence = htons(w->seq++);
	if (!w->v6)
		h.checksum = checksum(&h, sizeof(h)); /* of ICMPv6 the kernel makes it */
	memcpy(&to4.sin_addr, w->vip, 4);
	memcpy(&to6.sin6_addr, w->vip, 16);
	(void)!sendto(w->echo, &h, sizeof(h), MSG_DONTWAIT,
		      w->v6 ? (struct sockaddr *)&to6 : (struct sockaddr *)&to4,
		      w->v6 ? sizeof(to6) : sizeof(to4));
}

/* The bit of the node whose frame this is. */
static unsigned sender(const struct watch *w, const struct ether_header *eth)
{
	for (unsigned i = 0; i < 2; i++)
		if (!memcmp(eth->ether_shost, w->mac[i], ETH_ALEN))
			return 1U << i;
	return 0;
}

static bool is_arp_answer(const struct watch *w, const uint8_t *p, size_t len)
{
	const struct ether_arp *a = (const void *)p;

	return len >= sizeof(*a) && ntohs(a->ea_hdr.ar_op) == ARPOP_REPLY &&
	       !memcmp(a->arp_spa, w->vip, 4);
}

static bool is_echo4(const struct watch *w, const uint8_t *p, size_t len)
{
	const struct ip *ip = (const void *)p;
	const struct icmphdr *h = (const void *)(p + sizeof(*ip));

	return len >= sizeof(*ip) + sizeof(*h) && ip->ip_hl == 5 && ip->ip_p == IPPROTO_ICMP &&
	       !memcmp(&ip->ip_src, w->vip, 4) && h->type == ICMP_ECHOREPLY &&
	       ntohs(h->un.echo.id) == ECHO_ID;
}

static bool is_echo6(const struct watch *w, const uint8_t *p, size_t len)
{
	const struct ip6_hdr *ip = (const void *)p;
	const struct icmphdr *h = (const void *)(p + sizeof(*ip));

	return len >= sizeof(*ip) + sizeof(*h) && ip->ip6_nxt == IPPROTO_ICMPV6 &&
	       !memcmp(&ip->ip6_src, w->vip, 16) && h->type == ICMP6_ECHO_REPLY &&
	       ntohs(h->un.echo.id) == ECHO_ID;
}

static void receive(struct watch *w)
{
	uint8_t buf[2048] __attribute__((aligned(4)));
	ssize_t n;

	while ((n = recv(w->wire, buf + 2, sizeof(buf) - 2, MSG_DONTWAIT)) > 0) {
		const struct ether_header *eth = (const void *)(buf + 2);
		const uint8_t *p = buf + 2 + sizeof(*eth);
		size_t len = (size_t)n - sizeof(*eth);
		uint16_t type;

		if ((size_t)n < sizeof(*eth))
			continue;
		type = ntohs(eth->ether_type);
		if (type == ETHERTYPE_ARP && !w->v6 && is_arp_answer(w, p, len))
			w->arp |= sender(w, eth);
		else if (type == ETHERTYPE_IP && !w->v6 && is_echo4(w, p, len))
			w->echoed |= sender(w, eth);
		else if (type == ETHERTYPE_IPV6 && w->v6 && is_echo6(w, p, len))
			w->echoed |= sender(w, eth);
	}
}

static int run(struct watch *w)
{
	static const char *const who[] = { "-", "A", "B", "AB" };
	uint64_t next = now_ms();

	for (;;) {
		struct pollfd fd = { .fd = w->wire, .events = POLLIN };
		uint64_t now = now_ms();

		if (now < next) {
			poll(&fd, 1, (int)(next - now));
			receive(w);
			continue;
		}
		receive(w);
		if (printf("%llu %s %s\n", (unsigned long long)now, who[w->arp], who[w->echoed]) <
		    0)
			return 0;
		w->arp = w->echoed = 0;
		if (!w->v6)
			send_arp(w);
		send_echo(w);
		next = now + TICK_MS;
	}
}

static int open_sockets(struct watch *w)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct packet_mreq all = { .mr_ifindex = w->ifindex, .mr_type = PACKET_MR_PROMISC };
	/* echo replies are read off the wire, with their MAC */
	int none = 0;

	at.sll_ifindex = w->ifindex;
	w->wire = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (w->wire < 0 || bind(w->wire, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    setsockopt(w->wire, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0)
		return die("packet socket");
	w->echo = socket(w->v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC,
			 w->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (w->echo < 0 || setsockopt(w->echo, SOL_SOCKET, SO_RCVBUF, &none, sizeof(none)) < 0)
		return die("raw socket");
	return 0;
}

int main(int argc, char **argv)
{
	struct watch w = { .v6 = argc == 5 && strchr(argv[2], ':') };

	if (argc != 5)
		return fputs("usage: vipwatch DEV VIP MAC_A MAC_B\n", stderr), 2;
	for (int i = 0; i < 2; i++) {
		uint8_t *m = w.mac[i];

		if (sscanf(argv[3 + i], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3,
			   m + 4, m + 5) != 6)
			return fprintf(stderr, "vipwatch: no MAC: %s\n", argv[3 + i]), 2;
	}
	w.ifindex = (int)if_nametoindex(argv[1]);
	if (!w.ifindex || inet_pton(w.v6 ? AF_INET6 : AF_INET, argv[2], w.vip) != 1)
		return die(argv[w.ifindex ? 2 : 1]);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	return open_sockets(&w) ? 1 : run(&w);
}
