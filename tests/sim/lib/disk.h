/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run directory of a test's own, on a disk that can be full. */
#pragma once

#include "scene.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT "0f6c1d5e-7a0b-4f0e-9a51-3c1f5b2f7d10"
#define OTHER_BOOT "1f6c1d5e-7a0b-4f0e-9a51-3c1f5b2f7d10"

struct dir {
	char path[64];
	int fd;
};

static inline int disk_setup(void **state)
{
	struct dir *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	strcpy(d->path, "/tmp/vipsafe-disk.XXXXXX");
	assert_non_null(mkdtemp(d->path));
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY);
	assert_true(d->fd >= 0);
	*state = d;
	return 0;
}

/* Files end at SIZE, as on a disk that is full then (RLIM_INFINITY: they do not). */
static inline void disk_room(rlim_t size)
{
	struct rlimit l;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = MIN(size, l.rlim_max);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* Remove the N files NAMES. What else is left was half written, and fails the test. */
static inline int disk_teardown(void **state, const char *const *names, size_t n)
{
	struct dir *d = *state;

	disk_room(RLIM_INFINITY); /* so that a failure can be told */
	while (n--)
		(void)unlinkat(d->fd, names[n], 0);
	close(d->fd);
	assert_int_equal(rmdir(d->path), 0);
	free(d);
	return 0;
}

/* -1: there is none. */
static inline off_t disk_size(const struct dir *d, const char *name)
{
	struct stat st;

	return fstatat(d->fd, name, &st, 0) < 0 ? -1 : st.st_size;
}
