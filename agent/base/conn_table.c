/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/conn_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#define SLOTS_MIN 64
#define ITEMS_MIN 64

void conn_table_init(struct conn_table *t, uint64_t seed, size_t item_size)
{
	*t = (struct conn_table){ .seed = seed | 1, .item_size = item_size };
}

void conn_table_done(struct conn_table *t)
{
	free(t->items);
	free(t->tags);
	free(t->slots);
	conn_table_init(t, t->seed, t->item_size);
}

void *conn_table_at(const struct conn_table *t, size_t i)
{
	return t->items + i * t->item_size;
}

static uint32_t conn_table_hash_of(const struct conn_table *t, const struct conn_key *key)
{
	uint64_t words[(sizeof(*key) + 7) / 8] = { 0 }, h = t->seed;
	size_t i;

	memcpy(words, key, sizeof(*key));
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		h = (h ^ (words[i] + t->seed)) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

/* Of the bits that do not choose the slot. */
static uint8_t conn_table_tag_of(uint32_t hash)
{
	return (uint8_t)(hash >> 24 | 0x80);
}

static size_t next_slot(const struct conn_table *t, size_t slot)
{
	return (slot + 1) & (t->n_slots - 1);
}

/* The slot that holds KEY, or the free one where it belongs. */
static size_t conn_table_slot_of(const struct conn_table *t, const struct conn_key *key,
				 uint32_t hash)
{
	size_t s = hash & (t->n_slots - 1);

	while (t->tags[s] && (t->tags[s] != conn_table_tag_of(hash) ||
			      !conn_key_equal(conn_table_at(t, t->slots[s]), key)))
		s = next_slot(t, s);
	return s;
}

int64_t conn_table_find(const struct conn_table *t, const struct conn_key *key)
{
	size_t s;

	if (!t->n)
		return -ENOENT;
	s = conn_table_slot_of(t, key, conn_table_hash_of(t, key));
	return t->tags[s] ? (int64_t)t->slots[s] : -ENOENT;
}

static void refill(struct conn_table *t)
{
	size_t i, s;

	for (i = 0; i < t->n; i++) {
		uint32_t hash = conn_table_hash_of(t, conn_table_at(t, i));

		for (s = hash & (t->n_slots - 1); t->tags[s];)
			s = next_slot(t, s);
		t->tags[s] = conn_table_tag_of(hash);
		t->slots[s] = (uint32_t)i;
	}
}

/* At most 3/4 of the slots are in use. The new ones are made beside the old,
 * so that nothing is lost when there is no memory for them. */
static int grow_slots(struct conn_table *t)
{
	size_t n = MAX(t->n_slots * 2, (size_t)SLOTS_MIN);
	uint32_t *slots;
	uint8_t *tags;

	if (t->n_slots && t->n + 1 <= t->n_slots / 4 * 3)
		return 0;
	tags = calloc(n, sizeof(*tags));
	slots = malloc(n * sizeof(*slots));
	if (!tags || !slots) {
		free(tags);
		free(slots);
		return -ENOMEM;
	}
	free(t->tags);
	free(t->slots);
	t->tags = tags;
	t->slots = slots;
	t->n_slots = n;
	refill(t);
	return 0;
}

/* By half: pages that are not touched cost no memory. */
static int grow_items(struct conn_table *t)
{
	size_t cap = MAX(t->cap + t->cap / 2, (size_t)ITEMS_MIN);
	uint8_t *items;

	if (t->n < t->cap)
		return 0;
	if (t->n >= UINT32_MAX)
		return -ENOMEM;
	items = realloc(t->items, cap * t->item_size);
	if (!items)
		return -ENOMEM;
	t->items = items;
	t->cap = cap;
	return 0;
}

int64_t conn_table_add(struct conn_table *t, const struct conn_key *key)
{
	uint32_t hash = conn_table_hash_of(t, key);
	int r = grow_slots(t);
	size_t s;

	if (r == 0)
		r = grow_items(t);
	if (r < 0)
		return r;
	s = conn_table_slot_of(t, key, hash);
	t->tags[s] = conn_table_tag_of(hash);
	t->slots[s] = (uint32_t)t->n;
	memset(conn_table_at(t, t->n), 0, t->item_size);
	memcpy(conn_table_at(t, t->n), key, sizeof(*key));
	return (int64_t)t->n++;
}

/* What stands behind a freed slot moves up, so that no search ends early. */
static void free_slot(struct conn_table *t, size_t hole)
{
	size_t mask = t->n_slots - 1, s, home;

	for (s = next_slot(t, hole); t->tags[s]; s = next_slot(t, s)) {
		home = conn_table_hash_of(t, conn_table_at(t, t->slots[s])) & mask;
		if (((s - home) & mask) < ((s - hole) & mask))
			continue;
		t->tags[hole] = t->tags[s];
		t->slots[hole] = t->slots[s];
		hole = s;
	}
	t->tags[hole] = 0;
}

static void shrink(struct conn_table *t)
{
	uint8_t *items;

	if (t->cap <= ITEMS_MIN || t->n > t->cap / 4)
		return;
	items = realloc(t->items, t->cap / 2 * t->item_size);
	if (!items)
		return;
	t->items = items;
	t->cap /= 2;
}

void conn_table_remove(struct conn_table *t, size_t i)
{
	const struct conn_key *key = conn_table_at(t, i), *last = conn_table_at(t, t->n - 1);

	free_slot(t, conn_table_slot_of(t, key, conn_table_hash_of(t, key)));
	if (i != t->n - 1) {
		t->slots[conn_table_slot_of(t, last, conn_table_hash_of(t, last))] = (uint32_t)i;
		memcpy(conn_table_at(t, i), last, t->item_size);
	}
	t->n--;
	shrink(t);
}

size_t conn_table_bytes(const struct conn_table *t)
{
	return t->n * t->item_size + t->n_slots * (sizeof(*t->tags) + sizeof(*t->slots));
}
