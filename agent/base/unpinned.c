/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/unpinned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/connset.h"
#include "base/packed.h"
#include "base/shape.h"

/* Times are stored in 32 bits in steps of 65 ms, which lasts for eight
 * years. */
#define MOMENT_SHIFT 16
#define MOMENT_NEVER UINT32_MAX

struct item {
	struct packed_key key; /* must be first */
	struct packed_tuple reply;
	uint32_t status, timeout, id;
	uint32_t payload;
	uint32_t due;
	uint8_t tcp_state, round, saved;
	bool has_master : 1;
	bool has_helper : 1;
	bool flushed : 1;
	bool altered : 1;
	bool left_out : 1;
};

struct unpinned {
	struct conn_table table;
	struct payloads *payloads; /* owned */
	struct payloads *addrs;	   /* owned: those of IPv6 */
	size_t n_flushed, n_altered, n_left_out;
	size_t n_unsaved; /* flushed ones that are not saved */
	uint8_t saving;	  /* items with this number are saved; never 0 */
	uint8_t round;
};

/* Rounded up, so that nothing is pinned before its time. */
static uint32_t moment(usec_t t)
{
	usec_t m = (t >> MOMENT_SHIFT) + 1;

	return t == USEC_NEVER || m >= MOMENT_NEVER ? MOMENT_NEVER : (uint32_t)m;
}

struct unpinned *unpinned_new(uint64_t seed)
{
	struct unpinned *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	conn_table_init(&u->table, seed, sizeof(struct item), sizeof(struct packed_key));
	u->saving = 1;
	u->payloads = payloads_new(seed);
	u->addrs = payloads_new(seed);
	return u->payloads && u->addrs ? u : unpinned_free(u);
}

struct unpinned *unpinned_free(struct unpinned *u)
{
	if (!u)
		return NULL;
	conn_table_done(&u->table);
	payloads_free(u->payloads);
	payloads_free(u->addrs);
	free(u);
	return NULL;
}

static struct item *unpinned_item_at(const struct unpinned *u, size_t i)
{
	return conn_table_at(&u->table, i);
}

int64_t unpinned_find(const struct unpinned *u, const struct conn_key *key)
{
	struct packed_key packed;

	return packed_key_find(u->addrs, key, &packed) ? conn_table_find(&u->table, &packed)
						       : -ENOENT;
}

static struct item *item_find(const struct unpinned *u, const struct conn_key *key)
{
	int64_t i = unpinned_find(u, key);

	return i < 0 ? NULL : unpinned_item_at(u, (size_t)i);
}

static void set_flushed(struct unpinned *u, struct item *item, bool flushed)
{
	u->n_flushed += flushed;
	u->n_flushed -= item->flushed;
	if (item->saved != u->saving) {
		u->n_unsaved += flushed;
		u->n_unsaved -= item->flushed;
	}
	item->flushed = flushed;
}

/* Some events (of a new mark, for example) lack the TCP state and the window
 * scales: then keep what is known (ctnetlink_conntrack_event()). */
static bool unpinned_is_poorer(const struct conn *now, const struct item *known)
{
	return now->id == known->id && now->tcp_state == CONN_TCP_NONE &&
	       known->tcp_state != CONN_TCP_NONE;
}

static void set_altered(struct unpinned *u, struct item *item, bool altered)
{
	u->n_altered += altered && !item->left_out;
	u->n_altered -= item->altered && !item->left_out;
	item->altered = altered;
}

static void set_left_out(struct unpinned *u, struct item *item, bool out)
{
	bool altered = item->altered;

	set_altered(u, item, false);
	u->n_left_out += out;
	u->n_left_out -= item->left_out;
	item->left_out = out;
	set_altered(u, item, altered);
}

/* A new item with KEY, which is not there; or NULL: out of memory. */
static struct item *item_add(struct unpinned *u, const struct conn_key *key)
{
	struct packed_key packed;
	int64_t i;

	if (packed_key_take(u->addrs, key, &packed) < 0)
		return NULL;
	i = conn_table_append(&u->table, &packed);
	if (i >= 0)
		return unpinned_item_at(u, (size_t)i);
	packed_key_drop(u->addrs, &packed);
	return NULL;
}

/* All but the key. What ITEM had is released, PAYLOAD and REPLY are its own from now on. */
static void item_set(struct unpinned *u, struct item *item, const struct conn *c, uint32_t payload,
		     const struct packed_tuple *reply)
{
	set_altered(u, item,
		    conn_alteration(c) == ALTERATION_OTHER || (item->altered && item->id == c->id));
	payloads_drop(u->payloads, item->payload);
	packed_tuple_drop(u->addrs, c->key.family, &item->reply);
	item->payload = payload;
	item->reply = *reply;
	item->status = c->status;
	item->timeout = c->timeout;
	item->id = c->id;
	item->tcp_state = c->tcp_state;
	item->has_master = c->has_master;
	item->has_helper = c->has_helper;
	item->round = u->round;
	set_flushed(u, item, false);
}

int unpinned_put(struct unpinned *u, const struct conn_record *record, usec_t due)
{
	const struct conn *c = record->conn;
	struct item *item = item_find(u, &c->key);
	struct packed_tuple reply;
	uint32_t payload;
	int r;

	if (item && unpinned_is_poorer(c, item)) {
		item->status = c->status;
		item->round = u->round;
		return 0;
	}
	r = payloads_take(u->payloads, record->payload, record->payload_len, &payload);
	if (r < 0)
		return r;
	r = packed_tuple_take(u->addrs, c->key.family, &c->reply, &reply);
	if (r == 0 && !item) {
		item = item_add(u, &c->key);
		if (item)
			item->due = moment(due);
		else
			packed_tuple_drop(u->addrs, c->key.family, &reply);
	}
	if (r < 0 || !item) {
		payloads_drop(u->payloads, payload);
		return -ENOMEM;
	}
	item_set(u, item, c, payload, &reply);
	return 0;
}

void unpinned_remove(struct unpinned *u, const struct conn_key *key)
{
	int64_t i = unpinned_find(u, key);

	if (i >= 0)
		unpinned_remove_at(u, (size_t)i);
}

void unpinned_remove_at(struct unpinned *u, size_t i)
{
	struct item *item = unpinned_item_at(u, i);

	set_flushed(u, item, false);
	set_altered(u, item, false);
	set_left_out(u, item, false);
	payloads_drop(u->payloads, item->payload);
	packed_tuple_drop(u->addrs, packed_family(&item->key), &item->reply);
	packed_key_drop(u->addrs, &item->key);
	conn_table_remove(&u->table, i);
}

void unpinned_flush(struct unpinned *u, const struct conn_key *key)
{
	struct item *item = item_find(u, key);

	if (item)
		set_flushed(u, item, true);
}

void unpinned_set_altered(struct unpinned *u, const struct conn_key *key)
{
	struct item *item = item_find(u, key);

	if (item)
		set_altered(u, item, true);
}

void unpinned_leave_out(struct unpinned *u, const struct conn_key *key, bool out)
{
	struct item *item = item_find(u, key);

	if (item)
		set_left_out(u, item, out);
}

void unpinned_postpone(struct unpinned *u, const struct conn_key *key, usec_t due)
{
	struct item *item = item_find(u, key);

	if (item)
		item->due = moment(due);
}

size_t unpinned_count(const struct unpinned *u)
{
	return u->table.n;
}

size_t unpinned_count_flushed(const struct unpinned *u)
{
	return u->n_flushed;
}

size_t unpinned_count_altered(const struct unpinned *u)
{
	return u->n_altered;
}

size_t unpinned_count_left_out(const struct unpinned *u)
{
	return u->n_left_out;
}

void unpinned_begin_save(struct unpinned *u)
{
	size_t i;

	if (++u->saving == 0) { /* overflow: start again at 1 */
		for (i = 0; i < u->table.n; i++)
			unpinned_item_at(u, i)->saved = 0;
		u->saving = 1;
	}
	u->n_unsaved = u->n_flushed;
}

void unpinned_note_saved(struct unpinned *u, size_t i)
{
	struct item *item = unpinned_item_at(u, i);

	u->n_unsaved -= item->flushed && item->saved != u->saving;
	item->saved = u->saving;
}

bool unpinned_is_saved(const struct unpinned *u, size_t i)
{
	return unpinned_item_at(u, i)->saved == u->saving;
}

size_t unpinned_count_unsaved(const struct unpinned *u)
{
	return u->n_unsaved;
}

void unpinned_begin_round(struct unpinned *u)
{
	u->round++;
}

void unpinned_unsee(struct unpinned *u, const struct conn_key *key)
{
	struct item *item = item_find(u, key);

	if (item)
		item->round = (uint8_t)(u->round - 1);
}

struct conn unpinned_at(const struct unpinned *u, size_t i)
{
	const struct item *item = unpinned_item_at(u, i);
	struct conn c;

	clear_bytes(&c, sizeof(c)); /* the gaps too, for who compares bytes */
	c.key = packed_key_get(u->addrs, &item->key);
	c.reply = packed_tuple_get(u->addrs, c.key.family, &item->reply);
	c.status = item->status;
	c.timeout = item->timeout;
	c.id = item->id;
	c.tcp_state = item->tcp_state;
	c.has_master = item->has_master;
	c.has_helper = item->has_helper;
	return c;
}

bool unpinned_is_due(const struct unpinned *u, size_t i, usec_t now)
{
	uint32_t due = unpinned_item_at(u, i)->due;

	return due != MOMENT_NEVER && now >> MOMENT_SHIFT >= due;
}

bool unpinned_is_altered(const struct unpinned *u, size_t i)
{
	return unpinned_item_at(u, i)->altered;
}

bool unpinned_is_left_out(const struct unpinned *u, size_t i)
{
	return unpinned_item_at(u, i)->left_out;
}

bool unpinned_is_flushed(const struct unpinned *u, size_t i)
{
	return unpinned_item_at(u, i)->flushed;
}

bool unpinned_is_seen(const struct unpinned *u, size_t i)
{
	return unpinned_item_at(u, i)->round == u->round;
}

struct conn_record unpinned_record(const struct unpinned *u, size_t i, struct conn *ret_conn)
{
	const struct item *item = unpinned_item_at(u, i);
	struct conn_record record = { .conn = ret_conn };

	*ret_conn = unpinned_at(u, i);
	record.payload = payloads_get(u->payloads, item->payload, &record.payload_len);
	return record;
}
