/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run directory: small files that outlive a process but not a boot (probe result, locks,
 * journals of moves in progress). Whoever can write there could make root restore entries that
 * never existed, so a directory or file that others may write is refused, never repaired. */
#pragma once

#include <stddef.h>

#include "base/kernel.h"

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

/* One run at a time on a device, others in parallel; and locks for other files of the run
 * directory. */
/* Take the lock of DEVICE (its real name) in the run directory RUN_DIR, waiting until DEADLINE.
 * Closing *RET_FD, or exiting, releases it. -ETIMEDOUT: somebody else has held it all the time. */
int lock_take(int run_dir, const char *device, const struct kernel *k, usec_t deadline,
	      int *ret_fd);

/* The same for the file NAME. */
int lock_file(int run_dir, const char *name, const struct kernel *k, usec_t deadline, int *ret_fd);

/* The device whose lock the file NAME is, or NULL. */
const char *lock_device(const char *name);

/* Whether nobody but root and we could have put a file where it is. */
/* Check each directory on the way to PATH, also through symbolic links. Returns 0; -EPERM: others
 * may replace files in RET_DIR (of SIZE bytes), one of the directories; -ELOOP; -ENAMETOOLONG.
 * That a file is missing is left to the caller to find out. */
int trusted_path(const char *path, char *ret_dir, size_t size);
