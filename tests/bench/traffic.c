/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <vipsafe/base.h>

#include "look.h"

/* Few enough per server for a random free port to be found at once. */
#define PER_SERVER 4000

/* Between two looks at all of them: what is watched takes milliseconds, and
 * the processor is for others. */
#define PAUSE_NS 200000

#define WATCHED 64

struct endpoints {
	uint32_t src, dst;
	uint16_t sport, dport; /* all in network order */
};

/* The I-th connection: many pods, some servers (198.18.0.0/16 is for tests). */
static struct endpoints endpoints_of(size_t i)
{
	return (struct endpoints){
		.src = htonl(0x0ae90002 + (uint32_t)(i % 60000)), /* 10.233.0.2 */
		.dst = htonl(0xc6120001 + (uint32_t)(i / PER_SERVER)),
		.sport = htons((uint16_t)(32768 + i % 28000)),
		.dport = htons(443),
	};
}

static int send_segment(int fd, size_t i)
{
	struct endpoints e = endpoints_of(i);
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} packet = {
		.ip = { .version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_TCP,
			.saddr = e.src,
			.daddr = e.dst,
			.tot_len = htons(sizeof(packet)) },
		.tcp = { .source = e.sport,
			 .dest = e.dport,
			 .seq = htonl(1000),
			 .ack_seq = htonl(2000),
			 .doff = 5,
			 .ack = 1,
			 .window = htons(1000) },
	};
	struct sockaddr_in to = { .sin_family = AF_INET };

	to.sin_addr.s_addr = e.dst;
	if (sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

int traffic_fill(size_t n)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	size_t i;
	int r = fd < 0 ? -errno : 0;

	for (i = 0; i < n && r == 0; i++) {
		r = send_segment(fd, i);
		if (r == -ENOBUFS)
			r = 0; /* its entry is there all the same */
	}
	return r;
}

struct watched {
	int fd;
	bool missed;
	uint64_t was_there; /* when the last look that found it began */
	uint64_t away;	    /* nanoseconds; 0: never, or not back yet */
};

static void look(struct watched *w)
{
	uint64_t before = look_clock();
	int there = look_there(w->fd);

	if (there == 0) {
		w->missed = true;
	} else if (there == 1) {
		if (w->missed && !w->away)
			w->away = look_clock() - w->was_there;
		w->was_there = before;
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void report(const struct watched *w, size_t n)
{
	uint64_t away[WATCHED];
	size_t i, gone = 0, back = 0;

	for (i = 0; i < n; i++) {
		gone += w[i].missed;
		if (w[i].away)
			away[back++] = w[i].away;
	}
	qsort(away, back, sizeof(*away), compare);
	printf("watch looked=%zu gone=%zu back=%zu median_us=%llu longest_us=%llu\n", n, gone, back,
	       (unsigned long long)(back ? away[back / 2] / 1000 : 0),
	       (unsigned long long)(back ? away[back - 1] / 1000 : 0));
}

int traffic_watch(size_t n)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	struct watched w[WATCHED];
	size_t i, m = MIN(n, (size_t)WATCHED);

	memset(w, 0, sizeof(w));
	for (i = 0; i < m; i++) {
		struct endpoints e = endpoints_of(i * (n / m));

		w[i].fd = look_open(e.src, e.sport, e.dst, e.dport);
		if (w[i].fd < 0)
			return w[i].fd;
		if (look_there(w[i].fd) != 1)
			return -ENOENT;
	}
	printf("watching\n");
	fflush(stdout);
	while (poll(&in, 1, 0) == 0) {
		for (i = 0; i < m; i++)
			look(&w[i]);
		nanosleep(&pause, NULL);
	}
	report(w, m);
	return 0;
}
