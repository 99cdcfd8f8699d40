/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/source_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"

/* The time as the kernel stamps files with it, read from a pipe made just now. */
static int file_clock(struct timespec *ret)
{
	struct stat st;
	int fds[2], r;

	if (pipe(fds) < 0)
		return -errno;
	r = fstat(fds[0], &st) < 0 ? -errno : 0;
	close(fds[0]);
	close(fds[1]);
	if (r == 0)
		*ret = st.st_mtim;
	return r;
}

static usec_t source_file_age_of(const struct stat *st)
{
	struct timespec now = { 0, 0 };

	if (file_clock(&now) < 0 || now.tv_sec <= st->st_mtim.tv_sec)
		return 0;
	return (usec_t)(now.tv_sec - st->st_mtim.tv_sec) * USEC_PER_SEC;
}

usec_t lvs_file_age(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : source_file_age_of(&st);
}

int lvs_file_read(const char *path, char **ret, size_t *ret_size, usec_t *ret_age)
{
	struct stat st;
	int r = os_read_file(path, LVS_FILE_MAX, ret, ret_size, &st);

	if (r == 0)
		*ret_age = source_file_age_of(&st);
	return r;
}

struct lvs_file_print lvs_file_look(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct lvs_file_print){ .error = errno };
	return (struct lvs_file_print){
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.changed = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
	};
}
