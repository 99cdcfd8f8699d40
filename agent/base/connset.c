/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/connset.h"

#include <errno.h>
#include <stdlib.h>

#include <vipsafe/base.h>

#include "base/array.h"
#include "base/conn_table.h"
#include "base/payloads.h"

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
	conn_table_init(&s->table, seed, sizeof(struct item));
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
