/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
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
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_close_ int fd = open(path, flags); /* it is there but for the first time */
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		fd = open(path, flags);
	}
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

#define LINKS_MAX 40 /* as many as the kernel follows */

/* A walk along a path: DONE was checked, REST follows. */
struct walk {
	char done[PATH_MAX], rest[PATH_MAX];
	uid_t root; /* owner of "/", who may do anything: not 0 in a user namespace */
	int links;
};

/* Whether nobody else can replace a file in the directory. In a sticky one nobody can rename the
 * files of others. */
static bool dir_is_safe(const struct walk *w, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != w->root && st->st_uid != geteuid())
		return false;
	if (st->st_mode & S_ISVTX)
		return true;
	return !(st->st_mode & S_IWOTH) &&
	       (!(st->st_mode & S_IWGRP) || st->st_gid == 0 || st->st_gid == getegid());
}

/* Replace the last name of DONE, a link, by its TARGET. */
static int walk_follow(struct walk *w, const char *target)
{
	char rest[PATH_MAX];
	int n = snprintf(rest, sizeof(rest), "%s/%s", target, w->rest);

	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if (n < 0 || (size_t)n >= sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, rest, (size_t)n + 1);
	if (*target == '/')
		w->done[0] = '\0';
	else
		*strrchr(w->done, '/') = '\0';
	return 0;
}

/* Take the next name off REST; "" at the end. */
static int next_name(struct walk *w, char name[NAME_MAX + 1])
{
	const char *at = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(at, "/");

	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, at, n);
	name[n] = '\0';
	memmove(w->rest, at + n, strlen(at + n) + 1);
	return 0;
}

/* Go on by one name. Returns 1: there may be more, 0: the end, or a negative errno. */
static int walk_step(struct walk *w)
{
	char name[NAME_MAX + 1], target[PATH_MAX];
	size_t n = strlen(w->done);
	struct stat st;
	ssize_t size;
	int r = next_name(w, name);

	if (r < 0 || !*name)
		return r;
	if (!strcmp(name, "."))
		return 1;
	if (!strcmp(name, "..")) {
		if (n)
			*strrchr(w->done, '/') = '\0';
		return 1;
	}
	if (n + strlen(name) + 2 > sizeof(w->done))
		return -ENAMETOOLONG;
	snprintf(w->done + n, sizeof(w->done) - n, "/%s", name);
	if (lstat(w->done, &st) < 0)
		return 0;
	if (S_ISLNK(st.st_mode)) {
		size = readlink(w->done, target, sizeof(target) - 1);
		if (size < 0)
			return 0;
		target[size] = '\0';
		r = walk_follow(w, target);
		return r < 0 ? r : 1;
	}
	if (!S_ISDIR(st.st_mode))
		return 0;
	return dir_is_safe(w, &st) ? 1 : -EPERM;
}

int trusted_path(const char *path, char *ret_dir, size_t size)
{
	struct walk w = { .links = 0 };
	struct stat st;
	int n, r;

	if (*path != '/' && !getcwd(w.done, sizeof(w.done)))
		return -errno;
	n = snprintf(w.rest, sizeof(w.rest), "%s/%s", w.done, path);
	if (n < 0 || (size_t)n >= sizeof(w.rest))
		return -ENAMETOOLONG;
	w.done[0] = '\0';
	if (stat("/", &st) < 0)
		return -errno;
	w.root = st.st_uid;
	r = dir_is_safe(&w, &st) ? 1 : -EPERM;
	while (r > 0)
		r = walk_step(&w);
	snprintf(ret_dir, size, "%s", *w.done ? w.done : "/");
	return r;
}
