/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/conn_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/array.h"

void conn_table_init(struct conn_table *t, uint64_t seed, size_t item_size)
{
	*t = (struct conn_table){ .seed = seed | 1, .item_size = item_size };
}

void conn_table_done(struct conn_table *t)
{
	free(t->items);
	hash_done(&t->index);
	conn_table_init(t, t->seed, t->item_size);
}

void *conn_table_at(const struct conn_table *t, size_t i)
{
	return t->items + i * t->item_size;
}

static uint32_t conn_table_hash(const struct conn_table *t, const struct conn_key *key)
{
	return hash_bytes(t->seed, key, sizeof(*key));
}

static uint32_t conn_table_item_hash(const void *ud, uint32_t i)
{
	return conn_table_hash(ud, conn_table_at(ud, i));
}

static int64_t conn_table_look(const struct conn_table *t, const struct conn_key *key,
			       uint32_t hash)
{
	uint32_t i;
	size_t at;

	for (i = hash_first(&t->index, hash, &at); i != HASH_NONE;
	     i = hash_next(&t->index, hash, &at))
		if (conn_key_equal(conn_table_at(t, i), key))
			return i;
	return -ENOENT;
}

int64_t conn_table_find(const struct conn_table *t, const struct conn_key *key)
{
	return conn_table_look(t, key, conn_table_hash(t, key));
}

int64_t conn_table_add(struct conn_table *t, const struct conn_key *key)
{
	uint32_t hash = conn_table_hash(t, key);
	int r = t->n < HASH_NONE ? 0 : -ENOMEM;

	if (conn_table_look(t, key, hash) >= 0)
		return -EEXIST;
	if (r == 0)
		r = hash_reserve(&t->index, t->n + 1, conn_table_item_hash, t);
	if (r == 0)
		r = array_reserve(&t->items, &t->cap, t->n + 1, t->item_size);
	if (r < 0)
		return r;
	hash_put(&t->index, hash, (uint32_t)t->n);
	memset(conn_table_at(t, t->n), 0, t->item_size);
	memcpy(conn_table_at(t, t->n), key, sizeof(*key));
	return (int64_t)t->n++;
}

void conn_table_remove(struct conn_table *t, size_t i)
{
	uint32_t last = (uint32_t)t->n - 1;

	hash_remove(&t->index, conn_table_item_hash(t, (uint32_t)i), (uint32_t)i,
		    conn_table_item_hash, t);
	if (i != last) {
		hash_renumber(&t->index, conn_table_item_hash(t, last), last, (uint32_t)i);
		memcpy(conn_table_at(t, i), conn_table_at(t, last), t->item_size);
	}
	t->n--;
	array_shrink(&t->items, &t->cap, t->n, t->item_size);
}

size_t conn_table_bytes(const struct conn_table *t)
{
	return t->n * t->item_size + hash_memory(&t->index);
}
