/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

/* Short compared to a move of a few milliseconds, long compared to a system call. */
#define POLL_EVERY (2 * USEC_PER_MSEC)

#define PREFIX "lock-"

const char *lock_device(const char *name)
{
	return strncmp(name, PREFIX, strlen(PREFIX)) ? NULL : name + strlen(PREFIX);
}

int lock_file(int run_dir, const char *name, const struct kernel *k, usec_t deadline, int *ret_fd)
{
	_cleanup_close_ int fd = -1;

	fd = openat(run_dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (k->ops->now(k->ctx) >= deadline)
			return -ETIMEDOUT;
		k->ops->sleep(k->ctx, POLL_EVERY);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int lock_take(int run_dir, const char *device, const struct kernel *k, usec_t deadline, int *ret_fd)
{
	char name[LINK_NAME_MAX + 8];

	snprintf(name, sizeof(name), PREFIX "%s", device);
	return lock_file(run_dir, name, k, deadline, ret_fd);
}
