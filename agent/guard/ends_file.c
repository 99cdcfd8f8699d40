/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard/ends_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/ends.h"

off_t ends_file_place(const struct ends_head *h, uint64_t number)
{
	return (off_t)(AT_ENDS + number % h->max * sizeof(struct end));
}

int ends_file_get(int fd, void *buf, size_t size, off_t at)
{
	ssize_t n = pread(fd, buf, size, at);

	return n < 0 ? -errno : (size_t)n < size ? -EBADMSG : 0;
}

int ends_file_put(int fd, const void *buf, size_t size, off_t at)
{
	ssize_t n = pwrite(fd, buf, size, at);

	return n < 0 ? -errno : (size_t)n < size ? -ENOSPC : 0;
}

int ends_file_open(int dir, int flags)
{
	_cleanup_close_ int fd = openat(dir, ENDS_FILE, flags | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_mode & (S_IWGRP | S_IWOTH) ||
	    (st.st_uid != 0 && st.st_uid != geteuid()))
		return -EPERM;
	return TAKE_FD(fd);
}

int ends_file_head(int fd, const char *boot_id, struct ends_head *ret)
{
	int r = ends_file_get(fd, ret, sizeof(*ret), 0);

	if (r < 0)
		return r;
	ret->boot_id[sizeof(ret->boot_id) - 1] = '\0';
	if (memcmp(ret->magic, MAGIC, sizeof(MAGIC)) != 0 || strcmp(ret->boot_id, boot_id) != 0)
		return -ENOENT;
	return ret->max && ret->max <= ENDS_MAX && ret->deeds == DEEDS ? 0 : -EBADMSG;
}

int ends_file_devices(int fd, char ret[DEVICES][DEVICE_SIZE])
{
	int r = ends_file_get(fd, ret, DEVICES * DEVICE_SIZE, AT_DEVICES);
	size_t i;

	for (i = 0; r == 0 && i < DEVICES; i++)
		ret[i][DEVICE_SIZE - 1] = '\0';
	return r;
}
