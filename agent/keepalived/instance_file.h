/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keepalived last reported about each instance, in the run directory: the next process, the
 * daemon or a script that runs without it, continues from there. Valid for one boot, as its times
 * are. */
#pragma once

#include <stdbool.h>

#include "base/kernel.h"

#include "keepalived/instance_settings.h"

enum instance_lock {
	INSTANCE_LOCK_FILE, /* held to read, change and write the file */
	INSTANCE_LOCK_WORK, /* held to move addresses while there is no daemon */
};

/* Take the lock WHICH. Closing *RET_FD, or exiting, releases it. -ETIMEDOUT: somebody else held
 * it until DEADLINE. */
int instance_file_lock(const char *run_dir, enum instance_lock which, const struct kernel *k,
		       usec_t deadline, int *ret_fd);

/* Fill LIST, one element for each of S->instances, zero where nothing is known. -ENOENT: there is
 * no file; -EBADMSG: the file is useless: it is of another boot, cannot be read, or is on a
 * read-only file system, where later events could not be recorded. */
int instance_file_load(const struct settings *s, const char *boot_id, usec_t now,
		       struct instance *list);

/* Whether the file has changed since the last call with *SEEN, which is all zero before the
 * first. */
struct instance_file_seen {
	uint64_t inode, size;
	int64_t seconds, nanoseconds; /* of its last change */
};
bool instance_file_is_other(const struct settings *s, struct instance_file_seen *seen);

/* Write LIST to the file. If that fails the old file is deleted, which may free the room that was
 * missing: no state is better than a wrong one, as decoy and FIFO then decide. *RET_STALE: the
 * old file is still there. */
int instance_file_store(const struct settings *s, const char *boot_id, const struct instance *list,
			bool *ret_stale);
