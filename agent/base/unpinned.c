/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/unpinned.h"

#include <stdlib.h>

#include "base/connset.h"
#include "base/shape.h"

/* Times are stored in 32 bits in steps of 65 ms, which lasts for eight
 * years. */
#define MOMENT_SHIFT 16
#define MOMENT_NEVER UINT32_MAX

struct item {
	struct conn conn; /* begins with the key */
	uint32_t payload;
	uint32_t due;
	bool flushed, altered, left_out;
	uint8_t round, saved;
};

struct unpinned {
	struct conn_table table;
	struct payloads *payloads; /* owned */
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
	conn_table_init(&u->table, seed, sizeof(struct item));
	u->saving = 1;
	u->payloads = payloads_new(seed);
	return u->payloads ? u : unpinned_free(u);
}

struct unpinned *unpinned_free(struct unpinned *u)
{
	if (!u)
		return NULL;
	conn_table_done(&u->table);
	payloads_free(u->payloads);
	free(u);
	return NULL;
}

static struct item *unpinned_item_at(const struct unpinned *u, size_t i)
{
	return conn_table_at(&u->table, i);
}

static struct item *item_find(const struct unpinned *u, const struct conn_key *key)
{
	int64_t i = conn_table_find(&u->table, key);

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
static bool unpinned_is_poorer(const struct conn *now, const struct conn *known)
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

int unpinned_put(struct unpinned *u, const struct conn_record *record, usec_t due)
{
	struct item *item = item_find(u, &record->conn->key);
	uint32_t payload;
	int64_t i;
	int r;

	if (item && unpinned_is_poorer(record->conn, &item->conn)) {
		item->conn.status = record->conn->status;
		item->round = u->round;
		return 0;
	}
	r = payloads_take(u->payloads, record->payload, record->payload_len, &payload);
	if (r < 0)
		return r;
	if (!item) {
		i = conn_table_add(&u->table, &record->conn->key);
		if (i < 0) {
			payloads_drop(u->payloads, payload);
			return (int)i;
		}
		item = unpinned_item_at(u, (size_t)i);
		item->due = moment(due);
	}
	set_altered(u, item,
		    conn_alteration(record->conn) == ALTERATION_OTHER ||
			    (item->altered && item->conn.id == record->conn->id));
	payloads_drop(u->payloads, item->payload);
	item->payload = payload;
	item->conn = *record->conn;
	item->round = u->round;
	set_flushed(u, item, false);
	return 0;
}

void unpinned_remove(struct unpinned *u, const struct conn_key *key)
{
	int64_t i = conn_table_find(&u->table, key);

	if (i < 0)
		return;
	set_flushed(u, unpinned_item_at(u, (size_t)i), false);
	set_altered(u, unpinned_item_at(u, (size_t)i), false);
	set_left_out(u, unpinned_item_at(u, (size_t)i), false);
	payloads_drop(u->payloads, unpinned_item_at(u, (size_t)i)->payload);
	conn_table_remove(&u->table, (size_t)i);
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

int64_t unpinned_find(const struct unpinned *u, const struct conn_key *key)
{
	return conn_table_find(&u->table, key);
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

const struct conn *unpinned_at(const struct unpinned *u, size_t i)
{
	return &unpinned_item_at(u, i)->conn;
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

struct conn_record unpinned_record(const struct unpinned *u, size_t i)
{
	const struct item *item = unpinned_item_at(u, i);
	struct conn_record record = { .conn = &item->conn };

	record.payload = payloads_get(u->payloads, item->payload, &record.payload_len);
	return record;
}
