/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items found by the conntrack key they begin with: an array without gaps and
 * an index over it. Removing frees the space, so that the size depends only on
 * what is in the table. Numbers of items change with removals: the last item
 * takes the removed one's place. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/conn.h"
#include "base/hash.h"

struct conn_table {
	uint64_t seed;
	size_t item_size;
	uint8_t *items; /* owned; each begins with a struct conn_key */
	size_t n, cap;
	struct hash index;
};

/* SEED keeps a peer that chooses its keys from producing collisions. Allocates
 * nothing yet. */
void conn_table_init(struct conn_table *t, uint64_t seed, size_t item_size);
void conn_table_done(struct conn_table *t);

/* Number of the item with KEY, or -ENOENT. */
int64_t conn_table_find(const struct conn_table *t, const struct conn_key *key);

/* Add an item with KEY, the rest of it zeroed. Returns its number, -EEXIST if
 * there is one already, or -ENOMEM. */
int64_t conn_table_add(struct conn_table *t, const struct conn_key *key);

void conn_table_remove(struct conn_table *t, size_t i);

/* Valid until the next conn_table_add() or conn_table_remove(). */
void *conn_table_at(const struct conn_table *t, size_t i);

/* Bytes held by items and index. */
size_t conn_table_bytes(const struct conn_table *t);
