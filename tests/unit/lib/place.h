/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory of a case's own, with what the case puts there. */
#pragma once

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct place {
	char dir[64];
};

static inline int place_make(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	strcpy(p->dir, "/tmp/vipsafe-unit.XXXXXX");
	*state = p;
	return mkdtemp(p->dir) ? 0 : -1;
}

static inline int place_remove_one(const char *path, const struct stat *st, int type,
				   struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static inline int place_remove(void **state)
{
	struct place *p = *state;
	int r = nftw(p->dir, place_remove_one, 8, FTW_DEPTH | FTW_PHYS);

	free(p);
	return r;
}

static inline const char *path_of(const struct place *p, const char *name, char buf[192])
{
	snprintf(buf, 192, "%s/%s", p->dir, name);
	return buf;
}

/* NAME may have folders, which are made. */
static inline void put_file(const struct place *p, const char *name, mode_t mode, const char *text)
{
	char path[192];
	FILE *f;

	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(path, sizeof(path), "%s/%.*s", p->dir, (int)(slash - name), name);
		mkdir(path, 0755);
	}
	f = fopen(path_of(p, name, path), "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}
