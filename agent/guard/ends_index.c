/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard/ends_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#define LINE 64

int ends_index_init(struct ends_index *x, size_t n)
{
	size_t buckets = 1;
	uintptr_t at;
	void *memory;

	while (buckets * ENDS_INDEX_WAYS < 2 * n)
		buckets *= 2;
	/* pages that are not touched take no memory */
	memory = calloc(1, buckets * ENDS_INDEX_WAYS * sizeof(*x->items) + LINE);
	if (!memory)
		return -ENOMEM;
	at = ((uintptr_t)memory + LINE - 1) / LINE * LINE;
	*x = (struct ends_index){ .memory = memory,
				  .items = (struct ends_index_item *)at,
				  .mask = buckets - 1 };
	return 0;
}

void ends_index_done(struct ends_index *x)
{
	free(x->memory);
	*x = (struct ends_index){ .memory = NULL };
}

/* 0 means that an item is free. */
static uint32_t index_hash(uint32_t hash)
{
	return hash ? hash : 1;
}

static struct ends_index_item *index_bucket(const struct ends_index *x, uint32_t hash)
{
	return &x->items[(hash & x->mask) * ENDS_INDEX_WAYS];
}

void ends_index_prepare(const struct ends_index *x, uint32_t hash)
{
	if (x->items)
		__builtin_prefetch(index_bucket(x, index_hash(hash)), 1);
}

void ends_index_put(struct ends_index *x, uint32_t hash, uint32_t number)
{
	struct ends_index_item *at, *to;
	size_t i;

	if (!x->items)
		return;
	hash = index_hash(hash);
	at = to = index_bucket(x, hash);
	for (i = 0; i < ENDS_INDEX_WAYS; i++) {
		if (!at[i].hash || at[i].hash == hash) {
			to = &at[i];
			break;
		}
		if (number - at[i].number > number - to->number) /* numbers may wrap */
			to = &at[i];
	}
	*to = (struct ends_index_item){ .hash = hash, .number = number };
}

bool ends_index_find(const struct ends_index *x, uint32_t hash, uint32_t *ret_number)
{
	const struct ends_index_item *at;
	size_t i;

	if (!x->items)
		return false;
	hash = index_hash(hash);
	at = index_bucket(x, hash);
	for (i = 0; i < ENDS_INDEX_WAYS && at[i].hash; i++)
		if (at[i].hash == hash) {
			*ret_number = at[i].number;
			return true;
		}
	return false;
}
