/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unixsink PATH: be a log daemon. Prints each datagram sent to the socket PATH,
 * and a line "--" after it, until it is killed.
 * unixsink -l NAME: listen under an abstract name, and let nobody in.
 * unixsink -c NAME: connect to that of another, and go.
 * unixsink -f PATH: fill the queue of whoever listens there. Prints how many
 * datagrams it took. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

static int squat(const char *name, bool only_look)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	memcpy(a.sun_path + 1, name, strlen(name));
	if (only_look)
		return connect(fd, (struct sockaddr *)&a, size) < 0;
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, size) < 0 || listen(fd, 1) < 0)
		return 1;
	puts("listening");
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char *argv[])
{
	static char buf[65536];
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	bool filling = argc == 3 && !strcmp(argv[1], "-f");
	ssize_t n;

	if (argc == 3 && (!strcmp(argv[1], "-l") || !strcmp(argv[1], "-c")) &&
	    strlen(argv[2]) < sizeof(a.sun_path))
		return squat(argv[2], argv[1][1] == 'c');
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
