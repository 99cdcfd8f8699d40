/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/source_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

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

int lvs_file_open(struct lvs_file *f, const char *path, usec_t *ret_age)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	f->stream = fdopen(fd, "r");
	if (!f->stream)
		return -errno;
	fd = -1;
	f->line = 0;
	f->size = 0;
	*ret_age = source_file_age_of(&st);
	return 0;
}

void lvs_file_close(struct lvs_file *f)
{
	if (f->stream)
		fclose(f->stream);
	f->stream = NULL;
}

int lvs_file_next(struct lvs_file *f)
{
	size_t n = 0;
	bool bad = false;
	int c;

	while ((c = getc_unlocked(f->stream)) != EOF) {
		if (++f->size > LVS_FILE_MAX)
			return -EFBIG;
		if (c == '\n')
			break;
		if (!c || n + 1 == sizeof(f->text))
			bad = true;
		else
			f->text[n++] = (char)c;
	}
	if (c == EOF && !n && !bad)
		return ferror(f->stream) ? -EIO : 0;
	f->text[n] = '\0';
	f->line++;
	return bad ? -EBADMSG : 1;
}
