/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/payloads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#define BUCKETS_MIN 64

struct blob {
	uint32_t users, hash;
	uint32_t next; /* number in its bucket, 0: the last */
	size_t len;
	uint8_t bytes[];
};

struct payloads {
	uint64_t seed;
	struct blob **blobs; /* by number - 1; NULL: free; owned */
	uint32_t *free_next; /* of free numbers */
	size_t n_blobs, cap, used;
	uint32_t first_free;
	uint32_t *buckets; /* owned */
	size_t n_buckets;  /* a power of two */
};

struct payloads *payloads_new(uint64_t seed)
{
	struct payloads *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->seed = seed | 1;
	p->n_buckets = BUCKETS_MIN;
	p->buckets = calloc(p->n_buckets, sizeof(*p->buckets));
	return p->buckets ? p : payloads_free(p);
}

struct payloads *payloads_free(struct payloads *p)
{
	size_t i;

	if (!p)
		return NULL;
	for (i = 0; i < p->n_blobs; i++)
		free(p->blobs[i]);
	free(p->blobs);
	free(p->free_next);
	free(p->buckets);
	free(p);
	return NULL;
}

static uint32_t payloads_hash_of(const struct payloads *p, const uint8_t *data, size_t len)
{
	uint64_t word, h = p->seed ^ len;
	size_t i;

	for (i = 0; i < len; i += sizeof(word)) {
		word = 0;
		memcpy(&word, data + i, MIN(sizeof(word), len - i));
		h = (h ^ (word + p->seed)) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

static uint32_t *bucket_of(struct payloads *p, uint32_t hash)
{
	return &p->buckets[hash & (p->n_buckets - 1)];
}

/* Chains stay short; without memory for more buckets they grow longer. */
static void grow_buckets(struct payloads *p)
{
	size_t n = p->n_buckets * 2, i;
	uint32_t *buckets, *b;

	if (p->used < p->n_buckets)
		return;
	buckets = calloc(n, sizeof(*buckets));
	if (!buckets)
		return;
	free(p->buckets);
	p->buckets = buckets;
	p->n_buckets = n;
	for (i = 0; i < p->n_blobs; i++) {
		if (!p->blobs[i])
			continue;
		b = bucket_of(p, p->blobs[i]->hash);
		p->blobs[i]->next = *b;
		*b = (uint32_t)i + 1;
	}
}

/* A free number, made when there is none. 0: out of memory. */
static uint32_t number_take(struct payloads *p)
{
	uint32_t number = p->first_free, *free_next;
	struct blob **blobs;
	size_t cap;

	if (number) {
		p->first_free = p->free_next[number - 1];
		return number;
	}
	if (p->n_blobs == p->cap) {
		cap = MAX(p->cap * 2, (size_t)64);
		blobs = cap > UINT32_MAX ? NULL : realloc(p->blobs, cap * sizeof(*blobs));
		p->blobs = blobs ? blobs : p->blobs;
		free_next = blobs ? realloc(p->free_next, cap * sizeof(*free_next)) : NULL;
		p->free_next = free_next ? free_next : p->free_next;
		if (!free_next)
			return 0;
		p->cap = cap;
	}
	p->blobs[p->n_blobs] = NULL;
	return (uint32_t)++p->n_blobs;
}

static uint32_t payloads_find(struct payloads *p, const void *data, size_t len, uint32_t hash)
{
	uint32_t at;

	for (at = *bucket_of(p, hash); at; at = p->blobs[at - 1]->next) {
		const struct blob *b = p->blobs[at - 1];

		if (b->hash == hash && b->len == len && !memcmp(b->bytes, data, len))
			return at;
	}
	return 0;
}

int payloads_take(struct payloads *p, const void *data, size_t len, uint32_t *ret_ref)
{
	uint32_t hash, at, *bucket;
	struct blob *b;

	if (!len) {
		*ret_ref = PAYLOAD_NONE;
		return 0;
	}
	hash = payloads_hash_of(p, data, len);
	at = payloads_find(p, data, len, hash);
	if (at) {
		p->blobs[at - 1]->users++;
		*ret_ref = at;
		return 0;
	}
	b = malloc(sizeof(*b) + len);
	at = b ? number_take(p) : 0;
	if (!at) {
		free(b);
		return -ENOMEM;
	}
	grow_buckets(p);
	bucket = bucket_of(p, hash);
	*b = (struct blob){ .users = 1, .hash = hash, .next = *bucket, .len = len };
	memcpy(b->bytes, data, len);
	p->blobs[at - 1] = b;
	p->used++;
	*bucket = at;
	*ret_ref = at;
	return 0;
}

void payloads_drop(struct payloads *p, uint32_t ref)
{
	struct blob *b = ref ? p->blobs[ref - 1] : NULL;
	uint32_t *at;

	if (!b || --b->users)
		return;
	for (at = bucket_of(p, b->hash); *at != ref;)
		at = &p->blobs[*at - 1]->next;
	*at = b->next;
	free(b);
	p->blobs[ref - 1] = NULL;
	p->free_next[ref - 1] = p->first_free;
	p->first_free = ref;
	p->used--;
}

const void *payloads_get(const struct payloads *p, uint32_t ref, size_t *ret_len)
{
	const struct blob *b = ref ? p->blobs[ref - 1] : NULL;

	*ret_len = b ? b->len : 0;
	return b ? b->bytes : NULL;
}

size_t payloads_count(const struct payloads *p)
{
	return p->used;
}
