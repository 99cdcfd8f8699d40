/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <vipsafe/base.h>

#include "base/os.h"

/* Whether only root and we can have written it. */
static bool is_ours(const struct stat *st)
{
	return (st->st_uid == geteuid() || st->st_uid == 0) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

int rundir_open(const char *path)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!is_ours(&st))
		return -EPERM;
	return TAKE_FD(fd);
}

/* A process id alone is not unique: two pid namespaces may share the directory. */
static int temporary_name(const char *name, char buf[NAME_MAX + 1])
{
	struct timespec ts;
	int n;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	n = snprintf(buf, NAME_MAX + 1, ".%s.%ld.%lld%09ld", name, (long)getpid(),
		     (long long)ts.tv_sec, ts.tv_nsec);
	return n < 0 || n > NAME_MAX ? -ENAMETOOLONG : 0;
}

int rundir_write(int dirfd, const char *name, const void *data, size_t size)
{
	_cleanup_close_ int fd = -1;
	char temporary[NAME_MAX + 1];
	int r;

	r = temporary_name(name, temporary);
	if (r < 0)
		return r;
	fd = os_open_aside(dirfd, temporary, 0600);
	if (fd < 0)
		return fd;
	return os_replace(dirfd, temporary, name, os_write_all(fd, data, size));
}

static int read_text(int fd, char *buf, size_t size, size_t *ret_size)
{
	int r = os_read_all(fd, buf, size, ret_size);

	if (r < 0)
		return r;
	if (*ret_size == size)
		return -EFBIG; /* no room left for the NUL */
	buf[*ret_size] = '\0';
	return 0;
}

int rundir_read(int dirfd, const char *name, char *buf, size_t size, size_t *ret_size)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a FIFO put in the file's place must not hang us. */
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || !is_ours(&st))
		return -EPERM;
	return read_text(fd, buf, size, ret_size);
}

int rundir_each(const char *path, int (*work)(void *ud, int dirfd, const char *name), void *ud)
{
	int fd = rundir_open(path), r = 0;
	const struct dirent *e;
	DIR *dir;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			r = work(ud, fd, e->d_name);
	closedir(dir);
	return r;
}
