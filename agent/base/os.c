/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Keeps the milliseconds within an int. */
#define WAIT_MAX_MS 60000

usec_t os_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

usec_t os_deadline(usec_t timeout)
{
	usec_t now = os_now();

	return timeout < USEC_NEVER - now ? now + timeout : USEC_NEVER;
}

usec_t os_left(usec_t deadline)
{
	usec_t now = os_now();

	return deadline == USEC_NEVER ? USEC_NEVER : deadline > now ? deadline - now : 0;
}

int os_write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int os_read_all(int fd, void *buf, size_t size, size_t *ret_size)
{
	ssize_t n = 1;

	*ret_size = 0;
	while (n && *ret_size < size) {
		n = read(fd, (char *)buf + *ret_size, size - *ret_size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		*ret_size += (size_t)n;
	}
	return 0;
}

int os_open_aside(int dirfd, const char *aside, mode_t mode)
{
	_cleanup_close_ int fd = -1;

	if (unlinkat(dirfd, aside, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dirfd, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, mode) < 0) {
		unlinkat(dirfd, aside, 0);
		return -errno;
	}
	return TAKE_FD(fd);
}

int os_replace(int dirfd, const char *aside, const char *name, int r)
{
	if (r == 0 && renameat(dirfd, aside, dirfd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, aside, 0);
	return r;
}

int os_wait_readable(int fd, usec_t deadline)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		usec_t now = os_now();
		int r;

		if (now >= deadline)
			return -ETIMEDOUT;
		r = poll(&p, 1,
			 (int)MIN((deadline - now) / USEC_PER_MSEC + 1, (usec_t)WAIT_MAX_MS));
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
}
