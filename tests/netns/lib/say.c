/* SPDX-License-Identifier: GPL-2.0-or-later */
/* say PATH TEXT [N]: one request to the control socket PATH, as it stands; prints
 * what is answered until the connection ends. Does nothing else, unlike
 * vipsafe, when nobody answers: exit code 1. With N so many, one after the other,
 * and a newline behind each answer.
 * say -l PATH TEXT: be a daemon that answers TEXT to each request, until it is killed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int say(const char *path, const char *text)
{
	static char buf[64 << 10];
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	size_t heard = 0;
	ssize_t n;

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		return 2;
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
		close(fd);
		return 1;
	}
	do {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n > 0)
			heard += fwrite(buf, 1, (size_t)n, stdout);
	} while (n > 0 || (n < 0 && errno == EINTR));
	close(fd);
	return heard ? 0 : 1;
}

static int answer(const char *path, const char *text)
{
	static char buf[64 << 10];
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		return 2;
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 16) < 0)
		return 1;
	for (;;) {
		int one = accept(fd, NULL, NULL);

		if (one >= 0 && recv(one, buf, sizeof(buf), 0) > 0)
			(void)send(one, text, strlen(text), MSG_NOSIGNAL);
		close(one);
	}
}

int main(int argc, char *argv[])
{
	int r = 0;
	long n;

	if (argc == 4 && !strcmp(argv[1], "-l"))
		return answer(argv[2], argv[3]);
	if (argc != 3 && argc != 4)
		return 2;
	for (n = argc == 4 ? strtol(argv[3], NULL, 10) : 1; n > 0 && r == 0; n--) {
		r = say(argv[1], argv[2]);
		if (argc == 4)
			putchar('\n');
	}
	return r;
}
