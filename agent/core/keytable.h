/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items found by the conntrack key they begin with: an array without holes and
 * an index over it. What is removed leaves no trace, so that a table that lives
 * for years is as large as what is in it. Numbers of items change with
 * removals: the last one takes the place of the one that went. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/conn.h"

struct keytable {
	uint64_t seed;
	size_t item_size;
	uint8_t *items; /* owned; each begins with a struct conn_key */
	size_t n, cap;
	/* A byte of the hash per slot, 0: free; and the number of the item. */
	uint8_t *tags;
	uint32_t *slots;
	size_t n_slots; /* a power of two */
};

/* SEED keeps hostile traffic from choosing chains. Nothing is allocated yet. */
void keytable_init(struct keytable *t, uint64_t seed, size_t item_size);
void keytable_done(struct keytable *t);

/* Number of the item with KEY, or -ENOENT. */
int64_t keytable_find(const struct keytable *t, const struct conn_key *key);

/* Make an item with KEY, which must not be there, zeroed but for it. Returns
 * its number or -ENOMEM. */
int64_t keytable_add(struct keytable *t, const struct conn_key *key);

void keytable_remove(struct keytable *t, size_t i);

/* Valid until the next keytable_add() or keytable_remove(). */
void *keytable_at(const struct keytable *t, size_t i);

/* Bytes held by items and index. */
size_t keytable_bytes(const struct keytable *t);
