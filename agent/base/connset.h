/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of conntrack entries, one per key, with their payloads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conn.h"

struct connset;

/* SEED keeps a peer that chooses its keys from producing long hash chains;
 * LIMIT is the largest number of entries, 0: none. Returns NULL when out of
 * memory. */
struct connset *connset_new(uint64_t seed, size_t limit);
struct connset *connset_free(struct connset *s);

/* Add a copy of RECORD. Returns 0; -EEXIST if the key is there already (the
 * set is unchanged: a dump may list an entry twice); -ENOMEM; -ENOSPC at the
 * limit. */
int connset_add(struct connset *s, const struct conn_record *record);

/* Add RECORD, or replace the entry with its key, which keeps its master.
 * Returns 0 or an error of connset_add(). */
int connset_put(struct connset *s, const struct conn_record *record);

/* Index of the entry with KEY, or -ENOENT. */
int64_t connset_find(const struct connset *s, const struct conn_key *key);

size_t connset_count(const struct connset *s);

/* Entry I was created anew in the kernel and has the id ID now. */
void connset_set_id(struct connset *s, size_t i, uint32_t id);

/* Entries are numbered from 0 in the order of adding. The pointers are valid
 * until the next connset_add() or connset_put(). */
const struct conn *connset_get(const struct connset *s, size_t i);
const void *connset_payload(const struct connset *s, size_t i, size_t *ret_len);

/* Index of the master of entry I; -ENOENT if it has none or its master is not
 * in the set. */
int64_t connset_master(const struct connset *s, size_t i);

/* Bytes held, for the memory bound. */
size_t connset_bytes(const struct connset *s);
