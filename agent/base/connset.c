/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/connset.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/array.h"

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

static uint32_t payloads_look(const struct payloads *p, const void *data, size_t len, uint32_t hash)
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

uint32_t payloads_find(const struct payloads *p, const void *data, size_t len)
{
	if (p->last && payloads_has(p, p->last, data, len))
		return p->last;
	return payloads_look(p, data, len, hash_bytes(p->seed, data, len));
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
		number = payloads_look(p, data, len, hash);
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

struct item {
	struct conn conn; /* begins with the key */
	uint32_t payload;
};

struct child {
	uint32_t index;
	struct conn_key master;
};

struct connset {
	size_t limit;
	struct conn_table table;
	struct payloads *payloads; /* owned */
	struct child *children;	   /* owned; in the order of their index */
	size_t n_children;
};

struct connset *connset_new(uint64_t seed, size_t limit)
{
	struct connset *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->limit = limit ? limit : SIZE_MAX;
	conn_table_init(&s->table, seed, sizeof(struct item), sizeof(struct conn_key));
	s->payloads = payloads_new(seed);
	return s->payloads ? s : connset_free(s);
}

struct connset *connset_free(struct connset *s)
{
	if (!s)
		return NULL;
	conn_table_done(&s->table);
	payloads_free(s->payloads);
	free(s->children);
	free(s);
	return NULL;
}

void connset_expect(struct connset *s, size_t n)
{
	conn_table_expect(&s->table, MIN(n, s->limit));
}

static struct item *connset_item(const struct connset *s, size_t i)
{
	return conn_table_at(&s->table, i);
}

static int child_add(struct connset *s, size_t index, const struct conn_key *master)
{
	struct child *one = array_append(&s->children, &s->n_children, sizeof(*one));

	if (!one)
		return -ENOMEM;
	*one = (struct child){ .index = (uint32_t)index, .master = *master };
	return 0;
}

int connset_add(struct connset *s, const struct conn_record *record)
{
	const struct conn_key *key = &record->conn->key;
	uint32_t payload;
	int64_t i;
	int r;

	if (record->payload_len > UINT16_MAX)
		return -EINVAL;
	if (s->table.n >= s->limit)
		return conn_table_find(&s->table, key) < 0 ? -ENOSPC : -EEXIST;
	i = conn_table_add(&s->table, key);
	if (i < 0)
		return (int)i;
	r = payloads_take(s->payloads, record->payload, record->payload_len, &payload);
	if (r == 0 && record->master) {
		r = child_add(s, (size_t)i, record->master);
		if (r < 0)
			payloads_drop(s->payloads, payload);
	}
	if (r < 0) {
		conn_table_remove(&s->table, (size_t)i);
		return r;
	}
	*connset_item(s, (size_t)i) = (struct item){ *record->conn, payload };
	return 0;
}

int connset_put(struct connset *s, const struct conn_record *record)
{
	int r = connset_add(s, record);
	struct item *item;
	uint32_t payload;
	bool had_master;

	if (r != -EEXIST)
		return r;
	r = payloads_take(s->payloads, record->payload, record->payload_len, &payload);
	if (r < 0)
		return r;
	item = connset_item(s, (size_t)connset_find(s, &record->conn->key));
	had_master = item->conn.has_master;
	payloads_drop(s->payloads, item->payload);
	*item = (struct item){ *record->conn, payload };
	item->conn.has_master = had_master;
	return 0;
}

int64_t connset_find(const struct connset *s, const struct conn_key *key)
{
	return conn_table_find(&s->table, key);
}

size_t connset_count(const struct connset *s)
{
	return s->table.n;
}

const struct conn *connset_get(const struct connset *s, size_t i)
{
	return &connset_item(s, i)->conn;
}

void connset_set_id(struct connset *s, size_t i, uint32_t id)
{
	connset_item(s, i)->conn.id = id;
}

const void *connset_payload(const struct connset *s, size_t i, size_t *ret_len)
{
	return payloads_get(s->payloads, connset_item(s, i)->payload, ret_len);
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
	return conn_table_bytes(&s->table) + payloads_bytes(s->payloads) +
	       s->n_children * sizeof(*s->children);
}

void conn_table_init(struct conn_table *t, uint64_t seed, size_t item_size, size_t key_size)
{
	*t = (struct conn_table){ .seed = seed | 1, .item_size = item_size, .key_size = key_size };
}

void conn_table_done(struct conn_table *t)
{
	free(t->items);
	hash_done(&t->index);
	conn_table_init(t, t->seed, t->item_size, t->key_size);
}

void *conn_table_at(const struct conn_table *t, size_t i)
{
	return t->items + i * t->item_size;
}

/* The compiler makes more of a size that it knows. */
#define PACKED_SIZE 16

static uint32_t conn_table_hash(const struct conn_table *t, const void *key)
{
	if (t->key_size == PACKED_SIZE)
		return hash_bytes(t->seed, key, PACKED_SIZE);
	return hash_bytes(t->seed, key, sizeof(struct conn_key));
}

static bool conn_table_equal(const struct conn_table *t, const void *a, const void *b)
{
	if (t->key_size == PACKED_SIZE)
		return !memcmp(a, b, PACKED_SIZE);
	return !memcmp(a, b, sizeof(struct conn_key));
}

static uint32_t conn_table_item_hash(const void *ud, uint32_t i)
{
	return conn_table_hash(ud, conn_table_at(ud, i));
}

void conn_table_expect(struct conn_table *t, size_t n)
{
	if (hash_reserve(&t->index, n, conn_table_item_hash, t) == 0)
		(void)array_reserve(&t->items, &t->cap, n, t->item_size);
}

static int64_t conn_table_look(const struct conn_table *t, const void *key, uint32_t hash)
{
	uint32_t i;
	size_t at;

	for (i = hash_first(&t->index, hash, &at); i != HASH_NONE;
	     i = hash_next(&t->index, hash, &at))
		if (conn_table_equal(t, conn_table_at(t, i), key))
			return i;
	return -ENOENT;
}

int64_t conn_table_find(const struct conn_table *t, const void *key)
{
	return conn_table_look(t, key, conn_table_hash(t, key));
}

static int64_t conn_table_put(struct conn_table *t, const void *key, uint32_t hash)
{
	int r = t->n < HASH_NONE ? 0 : -ENOMEM;

	if (r == 0)
		r = hash_reserve(&t->index, t->n + 1, conn_table_item_hash, t);
	if (r == 0)
		r = array_reserve(&t->items, &t->cap, t->n + 1, t->item_size);
	if (r < 0)
		return r;
	hash_put(&t->index, hash, (uint32_t)t->n);
	memset(conn_table_at(t, t->n), 0, t->item_size);
	memcpy(conn_table_at(t, t->n), key, t->key_size);
	return (int64_t)t->n++;
}

int64_t conn_table_add(struct conn_table *t, const void *key)
{
	uint32_t hash = conn_table_hash(t, key);

	return conn_table_look(t, key, hash) >= 0 ? -EEXIST : conn_table_put(t, key, hash);
}

int64_t conn_table_append(struct conn_table *t, const void *key)
{
	return conn_table_put(t, key, conn_table_hash(t, key));
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
	hash_shrink(&t->index, conn_table_item_hash, t);
}

size_t conn_table_bytes(const struct conn_table *t)
{
	return t->n * t->item_size + hash_memory(&t->index);
}
