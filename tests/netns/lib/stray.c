/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stray PID: send a message that nobody has asked for to each netlink socket of
 * the process PID. Prints how many there were. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

/* libnl's port is the process id, and a number above that. */
#define PORT_PID_MASK 0x3fffffu

static int send_to(int protocol, uint32_t port)
{
	struct nlmsghdr h = { .nlmsg_len = sizeof(h), .nlmsg_type = NLMSG_DONE };
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = port };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = sendto(fd, &h, sizeof(h), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
	close(fd);
	return n == (ssize_t)sizeof(h);
}

int main(int argc, char *argv[])
{
	uint32_t pid = argc == 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0, port;
	FILE *f = fopen("/proc/net/netlink", "re");
	int protocol, sent = 0;
	char line[256];

	if (!pid || !f)
		return 2;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %d %u", &protocol, &port) == 2 &&
		    (port & PORT_PID_MASK) == pid)
			sent += send_to(protocol, port);
	fclose(f);
	printf("%d\n", sent);
	return 0;
}
