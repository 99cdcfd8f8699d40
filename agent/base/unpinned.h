/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries that are known and not pinned: whole, so that they can be created
 * again, and when each may be pinned. */
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

/* Take RECORD up, to be pinned from DUE on; or refresh the entry with its key,
 * which keeps the time it had. It counts as seen in the round that is under
 * way, and as not flushed. 0 or -ENOMEM. */
int unpinned_put(struct unpinned *u, const struct conn_record *record, usec_t due);

/* Fine when there is none. */
void unpinned_remove(struct unpinned *u, const struct conn_key *key);

/* The kernel has taken it, and it is to come back. */
void unpinned_flush(struct unpinned *u, const struct conn_key *key);

/* Not to be pinned before DUE (USEC_NEVER: never). */
void unpinned_postpone(struct unpinned *u, const struct conn_key *key, usec_t due);

/* It cannot be created again as it is: so this kernel has shown. Entries whose
 * tuples say so themselves (conn_alteration()) count without. */
void unpinned_set_altered(struct unpinned *u, const struct conn_key *key);

/* Number of the entry with KEY, or -ENOENT. */
int64_t unpinned_find(const struct unpinned *u, const struct conn_key *key);

size_t unpinned_count(const struct unpinned *u); /* flushed ones too */
size_t unpinned_count_flushed(const struct unpinned *u);
size_t unpinned_count_altered(const struct unpinned *u);

/* What is written to disk: begin anew with nothing; note it of entry I; and of those
 * that are flushed, how many are not written. */
void unpinned_begin_save(struct unpinned *u);
void unpinned_note_saved(struct unpinned *u, size_t i);
bool unpinned_is_saved(const struct unpinned *u, size_t i);
size_t unpinned_count_unsaved(const struct unpinned *u);

/* Begin a round: nothing has been seen in it yet. */
void unpinned_begin_round(struct unpinned *u);

/* Entry I of unpinned_count(): numbers change with unpinned_remove(), by which the
 * last entry takes the place of the one that goes. */
const struct conn *unpinned_at(const struct unpinned *u, size_t i);
bool unpinned_is_due(const struct unpinned *u, size_t i, usec_t now);
bool unpinned_is_flushed(const struct unpinned *u, size_t i);
bool unpinned_is_seen(const struct unpinned *u, size_t i);

/* The same as a record, valid until the next change. Its master is not named. */
struct conn_record unpinned_record(const struct unpinned *u, size_t i);
