/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of conntrack entries, found by key: their payloads, each stored once; the table of many
 * with a payload each; and the small table that pinned and unpinned entries are built on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conn.h"
#include "base/array.h"

/* Payloads of entries, each stored once: connections of one kind (state, window
 * scales, mark) share theirs. Users are counted, and a payload without any is
 * freed. */

#define PAYLOAD_NONE 0

struct payloads;

/* NULL: out of memory. */
struct payloads *payloads_new(uint64_t seed);
struct payloads *payloads_free(struct payloads *p);

/* Store LEN bytes at DATA, or count one more user of the same bytes. *RET_REF
 * is their number. 0 or -ENOMEM. */
int payloads_take(struct payloads *p, const void *data, size_t len, uint32_t *ret_ref);

/* The number of what was stored, or PAYLOAD_NONE. */
uint32_t payloads_find(const struct payloads *p, const void *data, size_t len);

/* One user less; the last one frees the payload. */
void payloads_drop(struct payloads *p, uint32_t ref);

/* For PAYLOAD_NONE: NULL, and *RET_LEN is 0. */
const void *payloads_get(const struct payloads *p, uint32_t ref, size_t *ret_len);

size_t payloads_count(const struct payloads *p);

/* Bytes held, for the memory bound. */
size_t payloads_bytes(const struct payloads *p);

/* A set of conntrack entries, one per key, with their payloads. */

struct connset;

/* SEED keeps a peer that chooses its keys from producing long hash chains;
 * LIMIT is the largest number of entries, 0: none. Returns NULL when out of
 * memory. */
struct connset *connset_new(uint64_t seed, size_t limit);
struct connset *connset_free(struct connset *s);

/* About N entries will be added: make room at once. Without memory nothing is done. */
void connset_expect(struct connset *s, size_t n);

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

/* Items found by the key they begin with, a struct conn_key or a struct packed_key: an array
 * without gaps and an index over it. Removing frees the space, so that the size depends only on
 * what is in the table. Numbers of items change with removals: the last item
 * takes the removed one's place. */

struct conn_table {
	uint64_t seed;
	size_t item_size, key_size;
	uint8_t *items; /* owned; each begins with its key */
	size_t n, cap;
	struct hash index;
};

/* SEED keeps a peer that chooses its keys from producing collisions. Allocates
 * nothing yet. */
void conn_table_init(struct conn_table *t, uint64_t seed, size_t item_size, size_t key_size);
void conn_table_done(struct conn_table *t);

/* About N items will be added: make room at once. Without memory nothing is done. */
void conn_table_expect(struct conn_table *t, size_t n);

/* Number of the item with KEY, or -ENOENT. */
int64_t conn_table_find(const struct conn_table *t, const void *key);

/* Add an item with KEY, the rest of it zeroed. Returns its number, -EEXIST if
 * there is one already, or -ENOMEM. */
int64_t conn_table_add(struct conn_table *t, const void *key);

/* The same for a KEY that is known not to be there. */
int64_t conn_table_append(struct conn_table *t, const void *key);

void conn_table_remove(struct conn_table *t, size_t i);

/* Valid until the next conn_table_add() or conn_table_remove(). */
void *conn_table_at(const struct conn_table *t, size_t i);

/* Bytes held by items and index. */
size_t conn_table_bytes(const struct conn_table *t);
