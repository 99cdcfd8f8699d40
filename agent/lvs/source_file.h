/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files with services in them, which may be huge, hostile, or no files at all. */
#pragma once

#include <stddef.h>

#include "lvs/map.h"

/* Read PATH as a source of M; what is not understood is counted there. 0 or -ENOMEM.
 *
 * What "ipvsadm -S -n" writes, and what people make of it by hand; that of DPVS as well. */
int lvs_save_read(const char *path, struct lvs_map *m);

/* The virtual servers of a keepalived.conf, and of what it includes. */
int lvs_keepalived_read(const char *path, struct lvs_map *m);

#define LVS_FILE_MAX ((size_t)64 << 20)

/* As os_read_file(). *RET_AGE: since it was changed. */
int lvs_file_read(const char *path, char **ret, size_t *ret_size, usec_t *ret_age);

/* Since the file was changed; 0 when that cannot be told. */
usec_t lvs_file_age(const char *path);

/* What a look at a file shows: another one if its content is. */
struct lvs_file_print {
	uint64_t device, inode, size;
	int64_t changed; /* nanoseconds */
	int64_t error;	 /* it cannot be looked at */
};

struct lvs_file_print lvs_file_look(const char *path);
