/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/payloads.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/array.h"
#include "base/hash.h"

struct blob {
	uint32_t users, hash;
	size_t len;
	uint8_t bytes[];
};

/* A numbered place for a payload. */
struct place {
	struct blob *blob;  /* owned; NULL: free */
	uint32_t next_free; /* number of the next free one; 0: none */
};

struct payloads {
	uint64_t seed;
	struct place *places; /* by number - 1 */
	size_t n_places;
	uint32_t first_free;
	uint32_t last; /* number returned last; 0: freed since */
	size_t bytes;
	struct hash index; /* of places */
};

struct payloads *payloads_new(uint64_t seed)
{
	struct payloads *p = calloc(1, sizeof(*p));

	if (p)
		p->seed = seed | 1;
	return p;
}

struct payloads *payloads_free(struct payloads *p)
{
	size_t i;

	if (!p)
		return NULL;
	for (i = 0; i < p->n_places; i++)
		free(p->places[i].blob);
	free(p->places);
	hash_done(&p->index);
	free(p);
	return NULL;
}

static uint32_t payloads_item_hash(const void *ud, uint32_t i)
{
	const struct payloads *p = ud;

	return p->places[i].blob->hash;
}

/* Take a free number, or a new one. 0: out of memory. */
static uint32_t number_take(struct payloads *p)
{
	uint32_t number = p->first_free;

	if (number)
		p->first_free = p->places[number - 1].next_free;
	else if (p->n_places < UINT32_MAX &&
		 array_append(&p->places, &p->n_places, sizeof(*p->places)))
		number = (uint32_t)p->n_places;
	return number;
}

static bool payloads_has(const struct payloads *p, uint32_t number, const void *data, size_t len)
{
	const struct blob *b = p->places[number - 1].blob;

	return b->len == len && !memcmp(b->bytes, data, len);
}

static uint32_t payloads_find(const struct payloads *p, const void *data, size_t len, uint32_t hash)
{
	size_t at;
	uint32_t i;

	for (i = hash_first(&p->index, hash, &at); i != HASH_NONE;
	     i = hash_next(&p->index, hash, &at)) {
		if (p->places[i].blob->hash == hash && payloads_has(p, i + 1, data, len))
			return i + 1;
	}
	return 0;
}

int payloads_take(struct payloads *p, const void *data, size_t len, uint32_t *ret_ref)
{
	uint32_t hash, number;
	struct blob *b;

	if (!len) {
		*ret_ref = PAYLOAD_NONE;
		return 0;
	}
	/* most entries have the same payload as the one before */
	number = p->last && payloads_has(p, p->last, data, len) ? p->last : 0;
	hash = number ? 0 : hash_bytes(p->seed, data, len);
	if (!number)
		number = payloads_find(p, data, len, hash);
	if (number) {
		p->places[number - 1].blob->users++;
		*ret_ref = p->last = number;
		return 0;
	}
	/* without a free number, the index holds all places, as growing
	 * requires */
	if (!p->first_free && hash_reserve(&p->index, p->n_places + 1, payloads_item_hash, p) < 0)
		return -ENOMEM;
	b = malloc(sizeof(*b) + len);
	number = b ? number_take(p) : 0;
	if (!number) {
		free(b);
		return -ENOMEM;
	}
	*b = (struct blob){ .users = 1, .hash = hash, .len = len };
	memcpy(b->bytes, data, len);
	p->places[number - 1].blob = b;
	p->bytes += sizeof(*b) + len;
	hash_put(&p->index, hash, number - 1);
	*ret_ref = p->last = number;
	return 0;
}

void payloads_drop(struct payloads *p, uint32_t ref)
{
	struct blob *b = ref ? p->places[ref - 1].blob : NULL;

	if (!b || --b->users)
		return;
	hash_remove(&p->index, b->hash, ref - 1, payloads_item_hash, p);
	p->bytes -= sizeof(*b) + b->len;
	free(b);
	p->places[ref - 1] = (struct place){ .next_free = p->first_free };
	p->first_free = ref;
	if (p->last == ref)
		p->last = 0;
}

const void *payloads_get(const struct payloads *p, uint32_t ref, size_t *ret_len)
{
	const struct blob *b = ref ? p->places[ref - 1].blob : NULL;

	*ret_len = b ? b->len : 0;
	return b ? b->bytes : NULL;
}

size_t payloads_count(const struct payloads *p)
{
	return p->index.n;
}

size_t payloads_bytes(const struct payloads *p)
{
	return p->bytes + p->n_places * sizeof(*p->places) + hash_memory(&p->index);
}
