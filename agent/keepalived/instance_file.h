/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keepalived last said of each instance, in the run directory: whoever is
 * started next, the daemon or a script without one, goes on from there. Bound
 * to the boot, as its times are. */
#pragma once

#include <stdbool.h>

#include "base/kernel.h"

#include "keepalived/instance_settings.h"

enum instance_lock {
	INSTANCE_LOCK_FILE, /* who reads the file in order to write it */
	INSTANCE_LOCK_WORK, /* who moves addresses while there is no daemon */
};

/* One at a time. Closing *RET_FD, or death, gives it back. -ETIMEDOUT: somebody
 * else has had it until UNTIL. */
int instance_file_lock(const char *run_dir, enum instance_lock which, const struct kernel *k,
		       usec_t until, int *ret_fd);

/* Fill LIST, one for each of S->instances, zero where nothing is known.
 * -ENOENT: there is no file; -EBADMSG: it is of another boot, or cannot be
 * read, or lies where nobody could have changed it since, and is as good as
 * none. */
int instance_file_load(const struct settings *s, const char *boot_id, usec_t now,
		       struct instance *list);

/* Whether the file is another one than at the last call with *SEEN, which is all zero
 * before the first. */
struct instance_file_seen {
	uint64_t inode, size;
	int64_t seconds, nanoseconds; /* of its last change */
};
bool instance_file_is_other(const struct settings *s, struct instance_file_seen *seen);

/* Write LIST, as above. When it cannot be written the old file is removed, which
 * may make the room that was missing: no state is better than a wrong one, as
 * decoy and FIFO then decide. *RET_STALE: the old file is still there. */
int instance_file_store(const struct settings *s, const char *boot_id, const struct instance *list,
			bool *ret_stale);
