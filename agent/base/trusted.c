/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/trusted.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <vipsafe/base.h>

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
