/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow spray: one UDP socket, one datagram to each of very many ports. */
#include "flow.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static bool send_one(int fd, const union sockaddr_any *to, uint16_t port)
{
	union sockaddr_any a = *to;
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	wire_set_port(&a, port);
	while (sendto(fd, "x", 1, 0, &a.sa, wire_address_len(&a)) < 0)
		if ((errno != EAGAIN && errno != ENOBUFS) || poll(&p, 1, 1000) < 0)
			return false;
	return true;
}

int spray_main(const struct options *o)
{
	int fd = socket(o->remote.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t i, sent = 0;

	if (fd < 0)
		return 1;
	for (i = 0; i < o->n; i++)
		sent += send_one(fd, &o->remote, (uint16_t)(o->first_port + i));
	close(fd);
	printf("sprayed %zu\n", sent);
	return sent == o->n ? 0 : 1;
}
