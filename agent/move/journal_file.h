/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file of the journal looks like. Private to journal*.c. */
#pragma once

#include <errno.h>

#include "base/conn.h"
#include "move/journal.h"

#define JOURNAL_BOOT_ID_MAX 40

/* Values are written as they are in memory; the sizes catch another build. */
struct journal_header {
	char magic[20];
	uint32_t request_size, entry_size;
	char boot_id[JOURNAL_BOOT_ID_MAX];
	uint64_t snapshot_at;
	uint64_t n_entries;
	uint64_t moved; /* enum journal_progress, written in place */
	struct request request;
};

enum journal_progress {
	PROGRESS_BEGUN,
	PROGRESS_MOVED,
	PROGRESS_IDLE, /* of a slot: there is nothing to finish */
};

struct journal_entry {
	struct conn conn;
	struct conn_key master; /* conn.has_master only */
	uint32_t payload_len;
};

/* The file of a kind of journal, whose names begin with PREFIX, of DEVICE; and the device whose
 * file NAME is, or NULL: it is of another kind, or was being written when its writer was killed. */
const char *journal_file_name(const char *prefix, const char *device, char buf[JOURNAL_NAME_MAX]);
const char *journal_file_device(const char *prefix, const char *name);

struct journal_header journal_header_make(const char *boot_id, const struct request *request,
					  usec_t snapshot_at);

/* Why a stream could not be written, after the call that says so. */
static inline int journal_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

/* Whether all of SIZE is written: 0, or why not. A part of it is written where there is no room
 * for the rest. */
static inline int journal_written(ssize_t n, size_t size)
{
	return n < 0 ? -errno : (size_t)n < size ? -ENOSPC : 0;
}
