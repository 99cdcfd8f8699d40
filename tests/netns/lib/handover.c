/* SPDX-License-Identifier: GPL-2.0-or-later */
/* handover KIND PATH MODE COMMAND...: be the service manager that starts
 * COMMAND with a socket at PATH. KIND: seqpacket; or, to be refused, stream,
 * dgram, or two (of seqpacket, the second at PATH.2). Waits for a line, so that
 * somebody may connect before COMMAND is there. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST 3 /* SD_LISTEN_FDS_START */

static int offer(int at, int type, const char *path, mode_t mode)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		return -1;
	memcpy(a.sun_path, path, strlen(path) + 1);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || chmod(path, mode) < 0)
		return -1;
	if (type != SOCK_DGRAM && listen(fd, 64) < 0)
		return -1;
	if (fd == at)
		return 0;
	if (dup2(fd, at) < 0)
		return -1;
	return close(fd);
}

int main(int argc, char *argv[])
{
	int type = SOCK_SEQPACKET, r;
	char text[128];

	if (argc < 5)
		return 2;
	if (!strcmp(argv[1], "stream"))
		type = SOCK_STREAM;
	else if (!strcmp(argv[1], "dgram"))
		type = SOCK_DGRAM;
	r = offer(FIRST, type, argv[2], (mode_t)strtoul(argv[3], NULL, 8));
	if (r == 0 && !strcmp(argv[1], "two")) {
		snprintf(text, sizeof(text), "%.100s.2", argv[2]);
		r = offer(FIRST + 1, type, text, 0600);
	}
	if (r < 0) {
		perror("handover");
		return 1;
	}
	setenv("LISTEN_FDS", strcmp(argv[1], "two") ? "1" : "2", 1);
	snprintf(text, sizeof(text), "%ld", (long)getpid());
	setenv("LISTEN_PID", text, 1);
	puts("listening");
	fflush(stdout);
	while (read(STDIN_FILENO, text, 1) == 1 && *text != '\n')
		;
	execv(argv[4], argv + 4);
	perror(argv[4]);
	return 1;
}
