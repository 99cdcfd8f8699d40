/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries that are known and not pinned: whole, so that they can be created
 * again, and when each may be pinned. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "core/conn.h"

struct young;

/* NULL: out of memory. */
struct young *young_new(uint64_t seed);
struct young *young_free(struct young *y);

/* Take RECORD up, to be pinned from DUE on; or refresh the entry with its key,
 * which keeps the time it had. It counts as seen in the round that is under
 * way, and as not flushed. 0 or -ENOMEM. */
int young_put(struct young *y, const struct conn_record *record, usec_t due);

/* Fine when there is none. */
void young_remove(struct young *y, const struct conn_key *key);

/* The kernel has taken it, and it is to come back. */
void young_flush(struct young *y, const struct conn_key *key);

/* Not to be pinned before DUE (USEC_NEVER: never). */
void young_postpone(struct young *y, const struct conn_key *key, usec_t due);

/* It cannot be created again as it is: so this kernel has shown. Entries whose
 * tuples say so themselves (conn_alteration()) count without. */
void young_set_altered(struct young *y, const struct conn_key *key);

/* Number of the entry with KEY, or -ENOENT. */
int64_t young_find(const struct young *y, const struct conn_key *key);

size_t young_count(const struct young *y); /* flushed ones too */
size_t young_count_flushed(const struct young *y);
size_t young_count_altered(const struct young *y);

/* What is written to disk: begin anew with nothing; note it of entry I; and of those
 * that are flushed, how many are not written. */
void young_begin_save(struct young *y);
void young_note_saved(struct young *y, size_t i);
bool young_is_saved(const struct young *y, size_t i);
size_t young_count_unsaved(const struct young *y);

/* Begin a round: nothing has been seen in it yet. */
void young_begin_round(struct young *y);

/* Entry I of young_count(): numbers change with young_remove(), by which the
 * last entry takes the place of the one that goes. */
const struct conn *young_at(const struct young *y, size_t i);
bool young_is_due(const struct young *y, size_t i, usec_t now);
bool young_is_flushed(const struct young *y, size_t i);
bool young_is_seen(const struct young *y, size_t i);

/* The same as a record, valid until the next change. Its master is not named. */
struct conn_record young_record(const struct young *y, size_t i);

/* Bytes held beside payloads, for the memory bound. */
size_t young_bytes(const struct young *y);
