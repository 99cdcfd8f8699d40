/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/connset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

/* How many payloads are remembered for sharing. */
#define RECENT 64

/* Entries, payload bytes and hash slots each live in one growing array: a
 * snapshot of a million entries is then a handful of mappings. */
struct item {
	struct conn conn;
	uint16_t payload_len;
	uint32_t hash;
	uint64_t payload_at; /* offset into bytes */
};

/* Where a payload lies that was added lately. */
struct recent {
	uint64_t at;
	size_t len;
};

struct child {
	uint32_t index;
	struct conn_key master;
};

struct connset {
	uint64_t seed;
	size_t limit;
	struct item *items;
	size_t n_items, cap_items;
	uint8_t *bytes;
	size_t n_bytes, cap_bytes;
	struct recent recent[RECENT]; /* by hash of the payload */
	/* A byte of its entry's hash per slot; 0: free. A new key is looked up in
	 * these alone, and they stay in the cache when the slots no longer do. */
	uint8_t *tags;
	uint32_t *slots;	/* index of the item */
	size_t n_slots;		/* a power of two */
	struct child *children; /* in the order of their index */
	size_t n_children, cap_children;
};

/* Multiply and fold, seeded: enough that a peer who picks ports cannot pick
 * chains, and cheap beside the kernel's own work on an entry. */
static uint64_t connset_mix(uint64_t a, uint64_t b)
{
	a ^= b;
	a *= 0x9e3779b97f4a7c15ULL;
	return a ^ (a >> 32);
}

static uint32_t key_hash(uint64_t seed, const struct conn_key *key)
{
	uint64_t words[(sizeof(*key) + 7) / 8] = { 0 }, h = seed;
	size_t i;

	memcpy(words, key, sizeof(*key));
	for (i = 0; i < ARRAY_SIZE(words); i++)
		h = connset_mix(h, words[i] + seed);
	return (uint32_t)h;
}

struct connset *connset_new(uint64_t seed, size_t limit)
{
	struct connset *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->seed = seed | 1;
	s->limit = limit ? MIN(limit, (size_t)UINT32_MAX - 1) : (size_t)UINT32_MAX - 1;
	return s;
}

struct connset *connset_free(struct connset *s)
{
	if (!s)
		return NULL;
	free(s->items);
	free(s->bytes);
	free(s->tags);
	free(s->slots);
	free(s->children);
	free(s);
	return NULL;
}

/* Room for NEED elements of SIZE, growing by half: pages beyond the end are
 * not touched, so the slack costs address space rather than memory. */
static int connset_reserve(void *array, size_t *cap, size_t need, size_t size)
{
	void **p = array;
	size_t to;
	void *q;

	if (need <= *cap)
		return 0;
	to = MAX(need, *cap + *cap / 2);
	to = MAX(to, (size_t)64);
	q = realloc(*p, to * size);
	if (!q)
		return -ENOMEM;
	*p = q;
	*cap = to;
	return 0;
}

/* Of the bits that do not choose the slot. */
static uint8_t connset_tag_of(uint32_t hash)
{
	return (uint8_t)(hash >> 24 | 0x80);
}

static bool slot_holds(const struct connset *s, size_t slot, const struct conn_key *key,
		       uint32_t hash)
{
	const struct item *item = &s->items[s->slots[slot]];

	return item->hash == hash && conn_key_equal(&item->conn.key, key);
}

/* The slot that holds KEY, or the free one where it belongs. */
static size_t connset_slot_of(const struct connset *s, const struct conn_key *key, uint32_t hash)
{
	size_t i = hash & (s->n_slots - 1);

	while (s->tags[i] && (s->tags[i] != connset_tag_of(hash) || !slot_holds(s, i, key, hash)))
		i = (i + 1) & (s->n_slots - 1);
	return i;
}

static void slot_fill(struct connset *s, size_t slot, size_t index)
{
	s->tags[slot] = connset_tag_of(s->items[index].hash);
	s->slots[slot] = (uint32_t)index;
}

static void slots_refill(struct connset *s)
{
	size_t i, at;

	for (i = 0; i < s->n_items; i++) {
		at = s->items[i].hash & (s->n_slots - 1);
		while (s->tags[at])
			at = (at + 1) & (s->n_slots - 1);
		slot_fill(s, at, i);
	}
}

/* Keep the table at most 3/4 full. */
static int connset_slots_grow(struct connset *s)
{
	size_t n = s->n_slots ? s->n_slots * 2 : 64;
	uint32_t *slots;
	uint8_t *tags;

	if (s->n_slots && s->n_items + 1 <= s->n_slots / 4 * 3)
		return 0;
	tags = calloc(n, sizeof(*tags));
	slots = tags ? malloc(n * sizeof(*slots)) : NULL;
	if (!slots) {
		free(tags);
		return -ENOMEM;
	}
	free(s->tags);
	free(s->slots);
	s->tags = tags;
	s->slots = slots;
	s->n_slots = n;
	slots_refill(s);
	return 0;
}

static int child_add(struct connset *s, size_t index, const struct conn_key *master)
{
	int r = connset_reserve(&s->children, &s->cap_children, s->n_children + 1,
				sizeof(*s->children));

	if (r < 0)
		return r;
	s->children[s->n_children++] =
		(struct child){ .index = (uint32_t)index, .master = *master };
	return 0;
}

/* Connections of one kind have the same payload (state, window scales, mark):
 * it is kept once where the like of it was added lately. Hence the bytes of an
 * entry are never written again. */
static int payload_put(struct connset *s, const uint8_t *p, size_t len, uint64_t *ret_at)
{
	uint64_t word, h = len;
	struct recent *like;
	size_t i;
	int r;

	for (i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		h = connset_mix(h, word);
	}
	like = &s->recent[h % RECENT];
	if (like->len != len || memcmp(s->bytes + like->at, p, len) != 0) {
		r = connset_reserve(&s->bytes, &s->cap_bytes, s->n_bytes + len, 1);
		if (r < 0)
			return r;
		memcpy(s->bytes + s->n_bytes, p, len);
		*like = (struct recent){ .at = s->n_bytes, .len = len };
		s->n_bytes += len;
	}
	*ret_at = like->at;
	return 0;
}

int connset_add(struct connset *s, const struct conn_record *record)
{
	struct item *item;
	uint64_t at = 0;
	uint32_t hash;
	size_t slot;
	int r;

	if (record->payload_len > UINT16_MAX)
		return -EINVAL;
	r = connset_slots_grow(s);
	if (r < 0)
		return r;
	hash = key_hash(s->seed, &record->conn->key);
	slot = connset_slot_of(s, &record->conn->key, hash);
	if (s->tags[slot])
		return -EEXIST;
	if (s->n_items >= s->limit)
		return -ENOSPC;
	r = connset_reserve(&s->items, &s->cap_items, s->n_items + 1, sizeof(*s->items));
	if (r == 0 && record->payload_len)
		r = payload_put(s, record->payload, record->payload_len, &at);
	if (r == 0 && record->master)
		r = child_add(s, s->n_items, record->master);
	if (r < 0)
		return r;

	item = &s->items[s->n_items++];
	item->conn = *record->conn;
	item->payload_len = (uint16_t)record->payload_len;
	item->hash = hash;
	item->payload_at = at;
	slot_fill(s, slot, s->n_items - 1);
	return 0;
}

int connset_put(struct connset *s, const struct conn_record *record)
{
	int r = connset_add(s, record);
	struct item *item;
	bool had_master;
	uint64_t at = 0;

	if (r != -EEXIST)
		return r;
	r = record->payload_len ? payload_put(s, record->payload, record->payload_len, &at) : 0;
	if (r < 0)
		return r;
	item = &s->items[connset_find(s, &record->conn->key)];
	item->payload_at = at;
	item->payload_len = (uint16_t)record->payload_len;
	had_master = item->conn.has_master;
	item->conn = *record->conn;
	item->conn.has_master = had_master;
	return 0;
}

int64_t connset_find(const struct connset *s, const struct conn_key *key)
{
	size_t slot;

	if (!s->n_slots)
		return -ENOENT;
	slot = connset_slot_of(s, key, key_hash(s->seed, key));
	return s->tags[slot] ? (int64_t)s->slots[slot] : -ENOENT;
}

size_t connset_count(const struct connset *s)
{
	return s->n_items;
}

const struct conn *connset_get(const struct connset *s, size_t i)
{
	return &s->items[i].conn;
}

void connset_set_id(struct connset *s, size_t i, uint32_t id)
{
	s->items[i].conn.id = id;
}

const void *connset_payload(const struct connset *s, size_t i, size_t *ret_len)
{
	*ret_len = s->items[i].payload_len;
	return *ret_len ? s->bytes + s->items[i].payload_at : NULL;
}

int64_t connset_master(const struct connset *s, size_t i)
{
	size_t lo = 0, hi = s->n_children;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->children[mid].index < i)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == s->n_children || s->children[lo].index != i)
		return -ENOENT;
	return connset_find(s, &s->children[lo].master);
}

size_t connset_bytes(const struct connset *s)
{
	return s->n_items * sizeof(*s->items) + s->n_bytes +
	       s->n_slots * (sizeof(*s->tags) + sizeof(*s->slots)) +
	       s->n_children * sizeof(*s->children);
}
