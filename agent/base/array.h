/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays that grow, and an index by hash over the items of one. The only place that calls realloc()
 * for them. */
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <vipsafe/base.h>

/* ARRAY is the address of the caller's pointer to elements of SIZE bytes. */

/* Make room for NEED elements; *CAP is the present room. Grows by at least half: pages beyond the
 * end are not touched, so the slack costs address space rather than memory. New elements are not
 * zeroed. Returns 0, or -ENOMEM with nothing changed. */
int array_reserve(void *array, size_t *cap, size_t need, size_t size);

/* Free half of the room if the N elements use at most a quarter of it. */
void array_shrink(void *array, size_t *cap, size_t n, size_t size);

/* Append an element, zeroed, to the *N there are; NULL: out of memory. The room is not stored: it
 * is *N rounded up to a power of two, so the array must have been allocated here. */
void *array_append(void *array, size_t *n, size_t size);

/* An index over items that the caller keeps: from a hash to the numbers of the items that may
 * have it. The caller compares the items:
 *
 *   for (i = hash_first(h, hash, &at); i != HASH_NONE; i = hash_next(h, hash, &at))
 *     if (… item i is the one …)
 *       return i; */

#define HASH_NONE UINT32_MAX

/* Initially zero. */
struct hash {
	/* A byte of the item's hash for each slot, 0: free. Most items that are not in the index
	 * are recognised by these alone, which stay in the cache when SLOTS no longer do. */
	uint8_t *tags;
	uint32_t *slots; /* number of the item */
	size_t n_slots;	 /* a power of two, or 0 */
	size_t n;	 /* items; at most 3/4 of the slots */
};

/* The hash of item I; UD is the caller's. */
typedef uint32_t (*hash_item_fn)(const void *ud, uint32_t i);

void hash_done(struct hash *h);

int hash_grow(struct hash *h, size_t n, hash_item_fn of, const void *ud);

/* Make room for N items in total. If the slots have to grow, the items in the index must be those
 * numbered from 0 on. Returns 0, or -ENOMEM with nothing changed. */
static inline int hash_reserve(struct hash *h, size_t n, hash_item_fn of, const void *ud)
{
	return n <= h->n_slots / 4 * 3 ? 0 : hash_grow(h, n, of, ud);
}

/* Add item I, which is not in the index; there must be room for it. */
void hash_put(struct hash *h, uint32_t hash, uint32_t i);

/* Remove item I, which is in the index. No marker stays behind. */
void hash_remove(struct hash *h, uint32_t hash, uint32_t i, hash_item_fn of, const void *ud);

/* Give room back if few of the slots are in use: what is empty would push what is not out of the
 * cache. The items in the index must be those numbered from 0 on. */
void hash_shrink(struct hash *h, hash_item_fn of, const void *ud);

/* Item I, which is in the index, gets the number TO. */
void hash_renumber(struct hash *h, uint32_t hash, uint32_t i, uint32_t to);

static inline size_t hash_memory(const struct hash *h)
{
	return h->n_slots * (sizeof(*h->tags) + sizeof(*h->slots));
}

/* Uses bits that do not choose the slot. */
static inline uint8_t hash_tag(uint32_t hash)
{
	return (uint8_t)(hash >> 24 | 0x80);
}

static inline uint32_t hash_next(const struct hash *h, uint32_t hash, size_t *at)
{
	size_t mask = h->n_slots - 1, s = *at;

	do {
		s = (s + 1) & mask;
		if (!h->tags[s])
			return HASH_NONE;
	} while (h->tags[s] != hash_tag(hash));
	*at = s;
	return h->slots[s];
}

static inline uint32_t hash_first(const struct hash *h, uint32_t hash, size_t *at)
{
	*at = (size_t)hash - 1;
	return h->n ? hash_next(h, hash, at) : HASH_NONE;
}

static inline uint64_t hash_fold(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

/* Multiply and fold, seeded: enough that a peer who chooses ports cannot choose collisions, and
 * cheap compared to the kernel's own work on an entry. In either byte order the same: names
 * of devices are made of it. */
static inline uint64_t hash_long(uint64_t seed, const void *data, size_t size)
{
	uint64_t word, h = seed ^ size;
	const uint8_t *p = data;
	size_t i;

	for (; size >= sizeof(word); size -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = hash_fold(h, le64toh(word) + seed);
	}
	if (!size)
		return h;
	/* Not by a copy of so many bytes into the word: to be read as a whole it would have to
	 * wait until all that was written before has reached the cache. */
	for (word = 0, i = 0; i < size; i++)
		word |= (uint64_t)p[i] << 8 * i;
	return hash_fold(h, word + seed);
}

static inline uint32_t hash_bytes(uint64_t seed, const void *data, size_t size)
{
	return (uint32_t)hash_long(seed, data, size);
}

/* Items that begin with a key, of so many bytes without a gap; each key once. Initially zero but
 * for SIZE (of an item), KEY (of its key) and SEED. */
struct keyed {
	void *items; /* owned */
	uint32_t n;
	size_t size, key;
	uint64_t seed;
	size_t cap;
	struct hash index;
};

void keyed_done(struct keyed *k); /* empty again */

/* The item with the key at KEY, or NULL. */
void *keyed_find(const struct keyed *k, const void *key);

/* The same, but made if it is not there: all zero behind the key. Others may have moved. Returns 1
 * if it was there, 0, or -ENOMEM. RET is the address of a pointer to an item. */
int keyed_get(struct keyed *k, const void *key, void *ret);

/* Index the items anew, which were moved. 0 or -ENOMEM. */
int keyed_index(struct keyed *k);

static inline uint32_t keyed_number(const struct keyed *k, const void *item)
{
	return (uint32_t)((size_t)((const char *)item - (const char *)k->items) / k->size);
}

static inline void *keyed_at(const struct keyed *k, uint32_t i)
{
	return (char *)k->items + i * k->size;
}
