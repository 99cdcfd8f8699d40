/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run directory: small files that outlive a process but not a boot (probe result, locks,
 * journals of moves in progress). Whoever can write there could make root restore entries that
 * never existed, so a directory or file that others may write is refused, never repaired. */
#pragma once

#include <stddef.h>

/* Open PATH as a directory, creating its last component (0755) if it is missing. Returns a
 * descriptor (O_CLOEXEC) for the *at() calls; -EPERM: it belongs to neither us nor root, or its
 * group or others may write to it; -ENOTDIR or -ELOOP: it is something else; -ENOENT: the parent
 * is missing. */
int rundir_open(const char *path);

/* Write SIZE bytes to the file NAME in the directory DIRFD: a temporary file with mode 0600 is
 * written and renamed, so that a reader finds either the old or the new content. */
int rundir_write(int dirfd, const char *name, const void *data, size_t size);

/* Read the file NAME in the directory DIRFD into BUF, and add a NUL. Returns 0 with *RET_SIZE
 * bytes; -ENOENT; -EFBIG: it does not fit into SIZE - 1; -EPERM: it is not a regular file, or
 * somebody other than root and us could have written it. Symbolic links are not followed
 * (-ELOOP). */
int rundir_read(int dirfd, const char *name, char *buf, size_t size, size_t *ret_size);

/* Call WORK for each name in the directory PATH, except "." and "..", until it returns an error;
 * files may come and go meanwhile. Returns that error, those of rundir_open(), -ENOMEM or 0. */
int rundir_each(const char *path, int (*work)(void *ud, int dirfd, const char *name), void *ud);
