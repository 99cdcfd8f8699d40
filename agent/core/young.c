/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/young.h"

#include <stdlib.h>

#include "core/keytable.h"
#include "core/payloads.h"
#include "core/shape.h"

/* Moments are kept in 32 bits, in steps of 65 ms: good for eight years. */
#define MOMENT_SHIFT 16
#define MOMENT_NEVER UINT32_MAX

struct item {
	struct conn conn; /* begins with the key */
	uint32_t payload;
	uint32_t due;
	bool flushed, altered;
	uint8_t round, saved;
};

struct young {
	struct keytable table;
	struct payloads *payloads; /* owned */
	size_t n_flushed, n_altered;
	size_t n_unsaved; /* of those flushed */
	uint8_t saving;	  /* items with this number are saved; never 0 */
	uint8_t round;
};

/* Rounded up: nothing is pinned before its time. */
static uint32_t moment(usec_t t)
{
	usec_t m = (t >> MOMENT_SHIFT) + 1;

	return t == USEC_NEVER || m >= MOMENT_NEVER ? MOMENT_NEVER : (uint32_t)m;
}

struct young *young_new(uint64_t seed)
{
	struct young *y = calloc(1, sizeof(*y));

	if (!y)
		return NULL;
	keytable_init(&y->table, seed, sizeof(struct item));
	y->saving = 1;
	y->payloads = payloads_new(seed);
	return y->payloads ? y : young_free(y);
}

struct young *young_free(struct young *y)
{
	if (!y)
		return NULL;
	keytable_done(&y->table);
	payloads_free(y->payloads);
	free(y);
	return NULL;
}

static struct item *item_at(const struct young *y, size_t i)
{
	return keytable_at(&y->table, i);
}

static struct item *item_find(const struct young *y, const struct conn_key *key)
{
	int64_t i = keytable_find(&y->table, key);

	return i < 0 ? NULL : item_at(y, (size_t)i);
}

static void set_flushed(struct young *y, struct item *item, bool flushed)
{
	y->n_flushed += flushed;
	y->n_flushed -= item->flushed;
	if (item->saved != y->saving) {
		y->n_unsaved += flushed;
		y->n_unsaved -= item->flushed;
	}
	item->flushed = flushed;
}

/* An event that tells of a mark, say, leaves the state and the window scales
 * out: what is known is better then (ctnetlink_conntrack_event()). */
static bool is_poorer(const struct conn *now, const struct conn *known)
{
	return now->id == known->id && now->tcp_state == CONN_TCP_NONE &&
	       known->tcp_state != CONN_TCP_NONE;
}

static void set_altered(struct young *y, struct item *item, bool altered)
{
	y->n_altered += altered;
	y->n_altered -= item->altered;
	item->altered = altered;
}

int young_put(struct young *y, const struct conn_record *record, usec_t due)
{
	struct item *item = item_find(y, &record->conn->key);
	uint32_t payload;
	int64_t i;
	int r;

	if (item && is_poorer(record->conn, &item->conn)) {
		item->conn.status = record->conn->status;
		item->round = y->round;
		return 0;
	}
	r = payloads_take(y->payloads, record->payload, record->payload_len, &payload);
	if (r < 0)
		return r;
	if (!item) {
		i = keytable_add(&y->table, &record->conn->key);
		if (i < 0) {
			payloads_drop(y->payloads, payload);
			return (int)i;
		}
		item = item_at(y, (size_t)i);
		item->due = moment(due);
	}
	set_altered(y, item,
		    conn_alteration(record->conn) == ALTERATION_OTHER ||
			    (item->altered && item->conn.id == record->conn->id));
	payloads_drop(y->payloads, item->payload);
	item->payload = payload;
	item->conn = *record->conn;
	item->round = y->round;
	set_flushed(y, item, false);
	return 0;
}

void young_remove(struct young *y, const struct conn_key *key)
{
	int64_t i = keytable_find(&y->table, key);

	if (i < 0)
		return;
	set_flushed(y, item_at(y, (size_t)i), false);
	set_altered(y, item_at(y, (size_t)i), false);
	payloads_drop(y->payloads, item_at(y, (size_t)i)->payload);
	keytable_remove(&y->table, (size_t)i);
}

void young_flush(struct young *y, const struct conn_key *key)
{
	struct item *item = item_find(y, key);

	if (item)
		set_flushed(y, item, true);
}

void young_set_altered(struct young *y, const struct conn_key *key)
{
	struct item *item = item_find(y, key);

	if (item)
		set_altered(y, item, true);
}

void young_postpone(struct young *y, const struct conn_key *key, usec_t due)
{
	struct item *item = item_find(y, key);

	if (item)
		item->due = moment(due);
}

int64_t young_find(const struct young *y, const struct conn_key *key)
{
	return keytable_find(&y->table, key);
}

size_t young_count(const struct young *y)
{
	return y->table.n;
}

size_t young_count_flushed(const struct young *y)
{
	return y->n_flushed;
}

size_t young_count_altered(const struct young *y)
{
	return y->n_altered;
}

void young_begin_save(struct young *y)
{
	size_t i;

	if (++y->saving == 0) { /* the numbers begin anew */
		for (i = 0; i < y->table.n; i++)
			item_at(y, i)->saved = 0;
		y->saving = 1;
	}
	y->n_unsaved = y->n_flushed;
}

void young_note_saved(struct young *y, size_t i)
{
	struct item *item = item_at(y, i);

	y->n_unsaved -= item->flushed && item->saved != y->saving;
	item->saved = y->saving;
}

bool young_is_saved(const struct young *y, size_t i)
{
	return item_at(y, i)->saved == y->saving;
}

size_t young_count_unsaved(const struct young *y)
{
	return y->n_unsaved;
}

void young_begin_round(struct young *y)
{
	y->round++;
}

const struct conn *young_at(const struct young *y, size_t i)
{
	return &item_at(y, i)->conn;
}

bool young_is_due(const struct young *y, size_t i, usec_t now)
{
	uint32_t due = item_at(y, i)->due;

	return due != MOMENT_NEVER && now >> MOMENT_SHIFT >= due;
}

bool young_is_flushed(const struct young *y, size_t i)
{
	return item_at(y, i)->flushed;
}

bool young_is_seen(const struct young *y, size_t i)
{
	return item_at(y, i)->round == y->round;
}

struct conn_record young_record(const struct young *y, size_t i)
{
	const struct item *item = item_at(y, i);
	struct conn_record record = { .conn = &item->conn };

	record.payload = payloads_get(y->payloads, item->payload, &record.payload_len);
	return record;
}

size_t young_bytes(const struct young *y)
{
	return keytable_bytes(&y->table);
}
