/* SPDX-License-Identifier: GPL-2.0-or-later */
/* strange FROM TO PORT COUNT MS: COUNT TCP segments from the middle of connections that
 * do not exist, one every MS, each with a source port of its own, to a port where nobody
 * listens. Every host answers such a segment with a reset, unless packets of that kind are
 * dropped. Prints "sent S answered A gap G": G of them in a row were not answered. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <vipsafe/base.h>

#define FIRST_PORT 20000
#define COUNT_MAX 20000
#define QUIET_MS 2000 /* after the last answer */

static bool answered[COUNT_MAX];

static uint16_t sum(const void *data, size_t len, uint32_t s)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		s += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons((uint16_t)~s);
}

static int send_one(int fd, const struct sockaddr_in *from, const struct sockaddr_in *to,
		    uint16_t port)
{
	struct {
		struct in_addr src, dst;
		uint8_t zero, proto;
		uint16_t len;
		struct tcphdr tcp;
	} __attribute__((packed)) s = { .src = from->sin_addr, .dst = to->sin_addr };

	s.proto = IPPROTO_TCP;
	s.len = htons(sizeof(s.tcp));
	s.tcp.source = htons(port);
	s.tcp.dest = to->sin_port;
	s.tcp.seq = htonl(1000);
	s.tcp.ack_seq = htonl(2000);
	s.tcp.doff = sizeof(s.tcp) / 4;
	s.tcp.ack = s.tcp.psh = 1;
	s.tcp.window = htons(1000);
	s.tcp.check = sum(&s, sizeof(s), 0);
	return sendto(fd, &s.tcp, sizeof(s.tcp), 0, (const struct sockaddr *)to, sizeof(*to)) < 0
		       ? -errno
		       : 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Until UNTIL; returns whether anything came. */
static bool hear(int fd, const struct sockaddr_in *to, int count, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t buf[256];
	bool any = false;
	int64_t left;

	while ((left = until - now_ms()) > 0 && poll(&p, 1, (int)left) > 0) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		const struct iphdr *ip = (const void *)buf;
		struct tcphdr tcp;
		int at;

		if (n < (ssize_t)(sizeof(*ip) + sizeof(tcp)) || ip->saddr != to->sin_addr.s_addr ||
		    n < (ssize_t)(ip->ihl * 4U + sizeof(tcp)))
			continue;
		memcpy(&tcp, buf + ip->ihl * 4U, sizeof(tcp));
		at = ntohs(tcp.dest) - FIRST_PORT;
		if (!tcp.rst || tcp.source != to->sin_port || at < 0 || at >= count)
			continue;
		any = answered[at] = true;
	}
	return any;
}

int main(int argc, char *argv[])
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_TCP), count, every, sum_answered = 0, gap = 0,
	    run = 0;

	if (argc != 6 || fd < 0 || inet_pton(AF_INET, argv[1], &from.sin_addr) != 1 ||
	    inet_pton(AF_INET, argv[2], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons((uint16_t)atoi(argv[3]));
	count = MIN(atoi(argv[4]), COUNT_MAX);
	every = atoi(argv[5]);
	for (int i = 0; i < count; i++) {
		if (send_one(fd, &from, &to, (uint16_t)(FIRST_PORT + i)) < 0)
			return 1;
		hear(fd, &to, count, now_ms() + every);
	}
	while (hear(fd, &to, count, now_ms() + QUIET_MS))
		;
	for (int i = 0; i < count; i++) {
		sum_answered += answered[i];
		run = answered[i] ? 0 : run + 1;
		gap = MAX(gap, run);
	}
	printf("sent %d answered %d gap %d\n", count, sum_answered, gap);
	return 0;
}
