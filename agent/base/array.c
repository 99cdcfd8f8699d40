/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/array.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#define CAP_MIN 16

/* ARRAY points to a pointer of any type, which this may read and write. */
typedef void *any_pointer __attribute__((may_alias));

static int array_resize(void *array, size_t n, size_t size)
{
	any_pointer *at = array;
	void *bigger;

	if (n > SIZE_MAX / size)
		return -ENOMEM;
	bigger = realloc(*at, n * size);
	if (!bigger)
		return -ENOMEM;
	*at = bigger;
	return 0;
}

int array_reserve(void *array, size_t *cap, size_t need, size_t size)
{
	size_t to = MAX(*cap + *cap / 2, (size_t)CAP_MIN);
	int r;

	if (need <= *cap)
		return 0;
	to = MAX(to, need);
	r = array_resize(array, to, size);
	if (r == 0)
		*cap = to;
	return r;
}

void array_shrink(void *array, size_t *cap, size_t n, size_t size)
{
	size_t to = *cap / 2;

	if (to >= CAP_MIN && n <= to / 2 && array_resize(array, to, size) == 0)
		*cap = to;
}

void *array_append(void *array, size_t *n, size_t size)
{
	char *p;

	/* *N is a power of two: no room is left */
	if (!(*n & (*n - 1)) && array_resize(array, *n ? 2 * *n : 1, size) < 0)
		return NULL;
	p = (char *)*(any_pointer *)array + (*n)++ * size;
	memset(p, 0, size);
	return p;
}

#define SLOTS_MIN 64
#define SHRINK_FROM 4096 /* slots: smaller ones are in the cache anyway */

void hash_done(struct hash *h)
{
	free(h->tags);
	free(h->slots);
	*h = (struct hash){ .n = 0 };
}

void hash_put(struct hash *h, uint32_t hash, uint32_t i)
{
	size_t mask = h->n_slots - 1, s = hash & mask;

	while (h->tags[s])
		s = (s + 1) & mask;
	h->tags[s] = hash_tag(hash);
	h->slots[s] = i;
	h->n++;
}

/* The new slots are built beside the old ones, so that nothing changes if
 * memory runs out. */
static int hash_resize(struct hash *h, size_t n_slots, hash_item_fn of, const void *ud)
{
	struct hash other = { .n_slots = n_slots };
	uint32_t i;

	other.tags = calloc(other.n_slots, sizeof(*other.tags));
	other.slots = malloc(other.n_slots * sizeof(*other.slots));
	if (!other.tags || !other.slots) {
		hash_done(&other);
		return -ENOMEM;
	}
	/* in the order of the items, which is that of memory */
	for (i = 0; i < h->n; i++)
		hash_put(&other, of(ud, i), i);
	hash_done(h);
	*h = other;
	return 0;
}

int hash_grow(struct hash *h, size_t n, hash_item_fn of, const void *ud)
{
	size_t n_slots = MAX(h->n_slots, (size_t)SLOTS_MIN);

	while (n > n_slots / 4 * 3)
		n_slots *= 2;
	return hash_resize(h, n_slots, of, ud);
}

void hash_shrink(struct hash *h, hash_item_fn of, const void *ud)
{
	/* to what three times as many would fill */
	if (h->n_slots >= SHRINK_FROM && h->n < h->n_slots / 32)
		(void)hash_resize(h, h->n_slots / 8, of, ud);
}

static size_t hash_slot_of(const struct hash *h, uint32_t hash, uint32_t i)
{
	size_t s = hash & (h->n_slots - 1);

	while (h->slots[s] != i)
		s = (s + 1) & (h->n_slots - 1);
	return s;
}

/* Slots behind the freed one move up, so that no search ends early. */
void hash_remove(struct hash *h, uint32_t hash, uint32_t i, hash_item_fn of, const void *ud)
{
	size_t mask = h->n_slots - 1, hole = hash_slot_of(h, hash, i), s, home;

	for (s = (hole + 1) & mask; h->tags[s]; s = (s + 1) & mask) {
		home = of(ud, h->slots[s]) & mask;
		if (((s - home) & mask) < ((s - hole) & mask))
			continue;
		h->tags[hole] = h->tags[s];
		h->slots[hole] = h->slots[s];
		hole = s;
	}
	h->tags[hole] = 0;
	h->n--;
}

void hash_renumber(struct hash *h, uint32_t hash, uint32_t i, uint32_t to)
{
	h->slots[hash_slot_of(h, hash, i)] = to;
}

/* ---- items with a key -------------------------------------------------------------------- */

void keyed_done(struct keyed *k)
{
	free(k->items);
	hash_done(&k->index);
	k->items = NULL;
	k->n = 0;
	k->cap = 0;
}

static uint32_t keyed_hash(const void *ud, uint32_t i)
{
	const struct keyed *k = ud;

	return hash_bytes(k->seed, keyed_at(k, i), k->key);
}

static void *keyed_look(const struct keyed *k, const void *key, uint32_t hash)
{
	size_t at;
	uint32_t i;

	for (i = hash_first(&k->index, hash, &at); i != HASH_NONE;
	     i = hash_next(&k->index, hash, &at)) {
		if (!memcmp(keyed_at(k, i), key, k->key))
			return keyed_at(k, i);
	}
	return NULL;
}

void *keyed_find(const struct keyed *k, const void *key)
{
	return keyed_look(k, key, hash_bytes(k->seed, key, k->key));
}

int keyed_get(struct keyed *k, const void *key, void *ret)
{
	uint32_t hash = hash_bytes(k->seed, key, k->key);
	void *item = keyed_look(k, key, hash);
	int was_there = item != NULL;
	int r;

	if (!item) {
		/* half of it stays free: most keys are looked for in vain */
		r = hash_reserve(&k->index, 2 * ((size_t)k->n + 1), keyed_hash, k);
		if (r == 0)
			r = array_reserve(&k->items, &k->cap, k->n + 1, k->size);
		if (r < 0)
			return r;
		item = keyed_at(k, k->n);
		memcpy(item, key, k->key);
		memset((char *)item + k->key, 0, k->size - k->key);
		hash_put(&k->index, hash, k->n++);
	}
	*(any_pointer *)ret = item;
	return was_there;
}

int keyed_index(struct keyed *k)
{
	uint32_t i;
	int r;

	hash_done(&k->index);
	r = hash_reserve(&k->index, 2 * (size_t)k->n, keyed_hash, k);
	for (i = 0; i < k->n && r == 0; i++)
		hash_put(&k->index, keyed_hash(k, i), i);
	return r;
}
