/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/history_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include <vipsafe/base.h>

#include "base/rundir.h"
#include "show/history_line.h"

#define FILE_NAME "history"
#define FILE_MAGIC "vipsafe-history 1 "
#define MAGIC_MAX 128

/* For a reader, who does not lock: the file may be longer by a line before it is cut. */
#define BUFFER_SIZE (HISTORY_SIZE_MAX + HISTORY_LINE_MAX + 2 * MAGIC_MAX)

/* Another writer needs microseconds; do not wait for one that was stopped. */
#define LOCK_TRIES 50
#define LOCK_PAUSE_NSEC 1000000

/* Others may replace the file after it was opened. */
#define OPEN_TRIES 5

static int magic(const char *boot_id, char buf[MAGIC_MAX])
{
	int n = snprintf(buf, MAGIC_MAX, FILE_MAGIC "%s\n", boot_id);

	return n > 0 && n < MAGIC_MAX ? n : -EINVAL;
}

static bool history_file_lock(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NSEC };
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* Open the file and lock it if possible: without the lock a line is appended as well, but the
 * file is not replaced. */
static int open_current(int dir, struct stat *ret, bool *ret_locked)
{
	struct stat named;
	int i;

	for (i = 0; i < OPEN_TRIES; i++) {
		_cleanup_close_ int fd = openat(
			dir, FILE_NAME,
			O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

		if (fd < 0)
			return -errno;
		*ret_locked = history_file_lock(fd);
		if (fstat(fd, ret) < 0)
			return -errno;
		if (!S_ISREG(ret->st_mode))
			return -EPERM;
		if (!*ret_locked || (fstatat(dir, FILE_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
				     named.st_ino == ret->st_ino && named.st_dev == ret->st_dev))
			return TAKE_FD(fd);
	}
	return -EAGAIN;
}

static bool is_of_this_boot(int fd, const char *head, size_t size)
{
	char found[MAGIC_MAX];

	return pread(fd, found, size, 0) == (ssize_t)size && !memcmp(found, head, size);
}

/* What stays when the file is cut: address changes have CHANGES_MAX, all lines CUT_MAX. */
#define CUT_MAX (HISTORY_SIZE_MAX / 2)
#define CHANGES_MAX (CUT_MAX / 4 * 3)

/* Where the line that ends before END begins. */
static const char *cut_line_begin(const char *text, const char *end)
{
	const char *newline = memrchr(text, '\n', (size_t)(end - 1 - text));

	return newline ? newline + 1 : text;
}

/* Where the newest lines begin that are address changes, or that are not, and have MAX bytes
 * together; *RET_SIZE: how many they have. */
static const char *cut_from(const char *text, const char *end, bool changes, size_t max,
			    size_t *ret_size)
{
	const char *at, *from = end;

	*ret_size = 0;
	for (; end > text; end = at) {
		at = cut_line_begin(text, end);
		if (history_line_is_change(at, (size_t)(end - at)) != changes)
			continue;
		if (*ret_size + (size_t)(end - at) > max)
			break;
		*ret_size += (size_t)(end - at);
		from = at;
	}
	return from;
}

/* Write TEXT, of SIZE bytes, without most of its older lines; the first line stays. */
static int history_file_cut(int dir, char *text, size_t size)
{
	char *end = memrchr(text, '\n', size), *to = strchr(text, '\n');
	const char *changes, *others, *at, *next;
	size_t kept, ignored;

	if (!end || end == to)
		return -EBADMSG;
	end++;
	at = ++to;
	changes = cut_from(at, end, true, CHANGES_MAX, &kept);
	others = cut_from(at, end, false, CUT_MAX - kept, &ignored);
	for (; at < end; at = next) {
		next = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
		if (at < (history_line_is_change(at, (size_t)(next - at)) ? changes : others))
			continue;
		memmove(to, at, (size_t)(next - at));
		to += next - at;
	}
	return rundir_write(dir, FILE_NAME, text, (size_t)(to - text));
}

static int cut_file(int dir)
{
	_cleanup_free_ char *text = malloc(BUFFER_SIZE);
	size_t size;
	int r = text ? rundir_read(dir, FILE_NAME, text, BUFFER_SIZE, &size) : -ENOMEM;

	if (r == -EFBIG) /* not written by vipsafe */
		return unlinkat(dir, FILE_NAME, 0) < 0 ? -errno : 0;
	return r < 0 ? r : history_file_cut(dir, text, size);
}

/* Write all of LINE with its newline, or nothing. */
static int add_line(int fd, off_t size, const char *line, size_t len)
{
	if (write(fd, line, len) == (ssize_t)len)
		return 0;
	return ftruncate(fd, size) < 0 ? -errno : -ENOSPC;
}

int history_append(const char *run_dir, const char *boot_id, const char *line)
{
	_cleanup_close_ int dir = rundir_open(run_dir);
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	size_t len = strlen(line);
	char head[MAGIC_MAX];
	bool locked = false;
	struct stat st;
	int n, r;

	n = magic(boot_id, head);
	if (dir < 0 || n < 0)
		return dir < 0 ? dir : n;
	if (len > HISTORY_LINE_MAX || strchr(line, '\n'))
		return -EINVAL;
	text = malloc((size_t)n + len + 2);
	if (!text)
		return -ENOMEM;
	memcpy(text, head, (size_t)n);
	memcpy(text + n, line, len);
	memcpy(text + (size_t)n + len, "\n", 2);
	fd = open_current(dir, &st, &locked);
	if (fd < 0)
		return fd;
	if (!is_of_this_boot(fd, head, (size_t)n))
		return locked ? rundir_write(dir, FILE_NAME, text, (size_t)n + len + 1) : -EAGAIN;
	r = add_line(fd, st.st_size, text + n, len + 1);
	if (r == 0 && locked && (size_t)st.st_size + len > HISTORY_SIZE_MAX)
		r = cut_file(dir);
	return r;
}

int history_read(const char *run_dir, const char *boot_id, char **ret)
{
	_cleanup_close_ int dir = rundir_open(run_dir);
	_cleanup_free_ char *text = NULL;
	char head[MAGIC_MAX];
	size_t size;
	int n, r;

	n = magic(boot_id, head);
	if (dir < 0 || n < 0)
		return dir < 0 ? dir : n;
	text = malloc(BUFFER_SIZE);
	if (!text)
		return -ENOMEM;
	r = rundir_read(dir, FILE_NAME, text, BUFFER_SIZE, &size);
	if (r < 0)
		return r;
	if (size < (size_t)n || strlen(text) != size || memcmp(text, head, (size_t)n))
		return -ENOENT;
	memmove(text, text + n, size - (size_t)n + 1);
	*ret = TAKE_PTR(text);
	return 0;
}
