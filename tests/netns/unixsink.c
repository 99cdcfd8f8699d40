/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unixsink PATH: be a log daemon. Prints each datagram sent to the socket PATH,
 * and a line "--" after it, until it is killed.
 * unixsink -f PATH: fill the queue of whoever listens there. Prints how many
 * datagrams it took. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int fill(int fd, const struct sockaddr_un *a)
{
	static const char text[] = "MESSAGE=x\n";
	int n = 0;

	while (sendto(fd, text, sizeof(text) - 1, MSG_DONTWAIT, (const struct sockaddr *)a,
		      sizeof(*a)) >= 0)
		n++;
	if (errno != EAGAIN)
		return 1;
	printf("%d\n", n);
	return 0;
}

int main(int argc, char *argv[])
{
	static char buf[65536];
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	bool filling = argc == 3 && !strcmp(argv[1], "-f");
	ssize_t n;

	if (filling) {
		argv++;
		argc--;
	}
	if (argc != 2 || strlen(argv[1]) >= sizeof(a.sun_path))
		return 2;
	memcpy(a.sun_path, argv[1], strlen(argv[1]) + 1);
	if (filling)
		return fd < 0 ? 1 : fill(fd, &a);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((n = recv(fd, buf, sizeof(buf), 0)) >= 0) {
		fwrite(buf, 1, (size_t)n, stdout);
		puts("--");
	}
	return 1;
}
