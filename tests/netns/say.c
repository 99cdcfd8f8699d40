/* SPDX-License-Identifier: GPL-2.0-or-later */
/* say PATH TEXT: one request to the control socket PATH, as it stands; prints
 * what is answered until the connection ends. Does nothing else, unlike
 * vipsafe, when nobody answers: exit code 1. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char *argv[])
{
	static char buf[64 << 10];
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	size_t heard = 0;
	ssize_t n;

	if (argc != 3 || fd < 0 || strlen(argv[1]) >= sizeof(a.sun_path))
		return 2;
	memcpy(a.sun_path, argv[1], strlen(argv[1]) + 1);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    send(fd, argv[2], strlen(argv[2]), MSG_NOSIGNAL) < 0)
		return 1;
	do {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n > 0)
			heard += fwrite(buf, 1, (size_t)n, stdout);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return heard ? 0 : 1;
}
