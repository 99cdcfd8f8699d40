/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text file with services in it, read line by line: it may be huge, hostile,
 * or no file at all. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <vipsafe/base.h>

#define LVS_LINE_MAX 4096
#define LVS_FILE_MAX ((uint64_t)256 << 20)

struct lvs_file {
	FILE *stream; /* owned */
	uint32_t line;
	uint64_t size;
	char text[LVS_LINE_MAX];
};

/* Never blocks; regular files alone. *RET_AGE: since it was changed. 0, -EINVAL
 * (no regular file) or another negative errno. */
int lvs_file_open(struct lvs_file *f, const char *path, usec_t *ret_age);
void lvs_file_close(struct lvs_file *f);

/* The next line is F->text, its number F->line. Returns 1, 0 at the end, or
 * -EBADMSG for a line that is too long or holds a NUL (it is passed over), and
 * -EFBIG when the file is larger than LVS_FILE_MAX (no more will come). */
int lvs_file_next(struct lvs_file *f);

/* Since the file was changed; 0 when that cannot be told. */
usec_t lvs_file_age(const char *path);
