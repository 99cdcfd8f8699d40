/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Known entries that are not pinned: with all that is needed to create them
 * again, and the time from which each may be pinned. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/conn.h"

struct unpinned;

/* NULL: out of memory. */
struct unpinned *unpinned_new(uint64_t seed);
struct unpinned *unpinned_free(struct unpinned *u);

/* Add RECORD, to be pinned from DUE on; or update the entry with its key, which
 * keeps its time. It counts as seen in the current round and as not flushed. 0
 * or -ENOMEM. */
int unpinned_put(struct unpinned *u, const struct conn_record *record, usec_t due);

/* Does nothing if there is none. */
void unpinned_remove(struct unpinned *u, const struct conn_key *key);
void unpinned_remove_at(struct unpinned *u, size_t i); /* entry I, less than unpinned_count() */

/* The kernel has deleted the entry, and it is to be restored. */
void unpinned_flush(struct unpinned *u, const struct conn_key *key);

/* Do not pin it before DUE (USEC_NEVER: never). */
void unpinned_postpone(struct unpinned *u, const struct conn_key *key, usec_t due);

/* This kernel has shown that it cannot create the entry again unaltered.
 * Entries whose tuples show it (conn_alteration()) need no call. */
void unpinned_set_altered(struct unpinned *u, const struct conn_key *key);

/* Whether it is left out: known, but neither pinned nor restored. Initially it is not. */
void unpinned_leave_out(struct unpinned *u, const struct conn_key *key, bool out);

/* Number of the entry with KEY, or -ENOENT. */
int64_t unpinned_find(const struct unpinned *u, const struct conn_key *key);

size_t unpinned_count(const struct unpinned *u); /* including flushed ones */
size_t unpinned_count_flushed(const struct unpinned *u);
size_t unpinned_count_altered(const struct unpinned *u); /* of those not left out */
size_t unpinned_count_left_out(const struct unpinned *u);

/* Which entries are saved to disk: begin_save() marks none as saved,
 * note_saved() marks entry I, and count_unsaved() is the number of flushed
 * entries not saved. */
void unpinned_begin_save(struct unpinned *u);
void unpinned_note_saved(struct unpinned *u, size_t i);
bool unpinned_is_saved(const struct unpinned *u, size_t i);
size_t unpinned_count_unsaved(const struct unpinned *u);

/* Begin a round, in which nothing has been seen yet. */
void unpinned_begin_round(struct unpinned *u);

/* KEY, if it is there, counts as not seen in the current round. */
void unpinned_unsee(struct unpinned *u, const struct conn_key *key);

/* Entry I, less than unpinned_count(). unpinned_remove() changes numbers: the
 * last entry takes the removed one's place. */
struct conn unpinned_at(const struct unpinned *u, size_t i);
bool unpinned_is_due(const struct unpinned *u, size_t i, usec_t now);
bool unpinned_is_altered(const struct unpinned *u, size_t i);
bool unpinned_is_left_out(const struct unpinned *u, size_t i);
bool unpinned_is_flushed(const struct unpinned *u, size_t i);
bool unpinned_is_seen(const struct unpinned *u, size_t i);

/* Entry I as a record, without its master, of *RET_CONN; valid until the next change. */
struct conn_record unpinned_record(const struct unpinned *u, size_t i, struct conn *ret_conn);
