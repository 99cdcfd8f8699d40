/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run directory: small files that outlive a process but not a boot
 * (verdict, locks, journals of moves under way). Whoever can write there could
 * make root restore what it never saw, so a directory or file that others may
 * write is refused, never repaired. */
#pragma once

#include <stddef.h>

/* Open PATH as a directory, creating its last component (0755) when missing.
 * Returns a descriptor (O_CLOEXEC) for the *at() calls, -EPERM when it belongs
 * to neither us nor root or its group or others may write to it, -ENOTDIR or
 * -ELOOP when it is something else, -ENOENT when the parent is missing. */
int rundir_open(const char *path);

/* Put SIZE bytes into the file NAME of directory DIRFD: written aside with
 * mode 0600 and renamed, so that a reader finds the old content or all of the
 * new. */
int rundir_write(int dirfd, const char *name, const void *data, size_t size);

/* Read the file NAME of directory DIRFD into BUF, and a NUL after it.
 * Returns 0 with *RET_SIZE bytes, -ENOENT, -EFBIG when it does not fit into
 * SIZE - 1, or -EPERM when it is no regular file or somebody but root and us
 * could have written it. Symbolic links are not followed (-ELOOP). */
int rundir_read(int dirfd, const char *name, char *buf, size_t size, size_t *ret_size);

/* Call WORK for each name in the directory PATH but "." and "..", until it
 * returns an error; files may come and go meanwhile. Returns that error, those
 * of rundir_open(), -ENOMEM or 0. */
int rundir_each(const char *path, int (*work)(void *ud, int dirfd, const char *name), void *ud);
