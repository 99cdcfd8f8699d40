/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "look.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* linux/netfilter_ipv4.h does not go with netinet/in.h on old systems. */
#define SO_ORIGINAL_DST 80

#ifndef TCP_REPAIR
#define TCP_REPAIR 19
#endif

int look_open(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, error;

	if (fd < 0)
		return -errno;
	from.sin_addr.s_addr = src;
	from.sin_port = sport;
	to.sin_addr.s_addr = dst;
	to.sin_port = dport;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

int look_there(int fd)
{
	struct sockaddr_in answer;
	socklen_t len = sizeof(answer);

	if (getsockopt(fd, IPPROTO_IP, SO_ORIGINAL_DST, &answer, &len) == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

void look_raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

uint64_t look_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}
