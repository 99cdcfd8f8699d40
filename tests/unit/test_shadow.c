/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of a guard, held against plain arrays: whatever is put and removed,
 * in whatever order, they hold what the arrays do and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/pinned.h"
#include "base/connset.h"
#include "base/packed.h"
#include "base/unpinned.h"
#include "../lib/random.h"

#define POOL 600
#define STEPS 40000

struct model {
	struct conn conn;
	bool in, flushed, seen;
	uint8_t payload[40];
	size_t len;
};

/* Entries with keys of their own. */
static struct model *pool_make(struct rnd *r)
{
	struct model *pool = calloc(POOL, sizeof(*pool));
	size_t i, j;

	assert_non_null(pool);
	for (i = 0; i < POOL; i++) {
		do {
			pool[i].conn = rnd_conn(r);
			for (j = 0; j < i && !conn_key_equal(&pool[j].conn.key, &pool[i].conn.key);)
				j++;
		} while (j < i);
	}
	return pool;
}

static struct addr as_of(const struct conn *c)
{
	return tuple_dst(&c->reply, c->key.family);
}

static void check_keyset(const struct pinned_set *s, const struct model *pool)
{
	size_t i, n = 0, n4 = 0, as = 0;
	struct addr first = as_of(&pool[0].conn);

	for (i = 0; i < POOL; i++) {
		const struct conn *c = &pool[i].conn;
		struct addr a = as_of(c);

		assert_int_equal(pinned_set_has(s, &c->key, c->id), pool[i].in);
		assert_false(pinned_set_has(s, &c->key, c->id + 1));
		assert_int_equal(pinned_set_is_seen(s, &c->key), pool[i].in && pool[i].seen);
		n += pool[i].in;
		n4 += pool[i].in && c->key.family == AF_INET;
		as += pool[i].in && addr_equal(&a, &first);
	}
	assert_int_equal(pinned_set_count(s), n);
	assert_int_equal(pinned_set_count_family(s, AF_UNSPEC), n);
	assert_int_equal(pinned_set_count_family(s, AF_INET), n4);
	assert_int_equal(pinned_set_count_as(s, &first), as);
	for (i = 0; i < n; i++) {
		struct pinned_set_item item = pinned_set_at(s, i);

		assert_true(pinned_set_has(s, &item.key, item.id));
	}
}

static void a_keyset_holds_what_was_put(void **state _unused_)
{
	struct rnd r = rnd_begin("a_keyset_holds_what_was_put");
	struct model *pool = pool_make(&r);
	struct pinned_set *s = pinned_set_new(r.x);

	assert_non_null(s);
	for (size_t step = 0; step < STEPS; step++) {
		struct model *m = &pool[rnd(&r, POOL)];
		struct conn *c = &m->conn;
		struct addr a = as_of(c);
		uint8_t last;

		switch (rnd(&r, 6)) {
		case 0:
		case 1:
			assert_int_equal(pinned_set_put(s, &c->key, c->id, &a), 0);
			m->in = m->seen = true;
			break;
		case 2:
			pinned_set_remove(s, &c->key);
			m->in = false;
			break;
		case 3:
			assert_int_equal(pinned_set_see(s, &c->key, c->id), m->in);
			m->seen = m->seen || m->in;
			break;
		case 4: /* another entry has its tuples now, or had */
			assert_false(pinned_set_end(s, &c->key, c->id + 1, &last));
			assert_int_equal(pinned_set_end(s, &c->key, c->id, &last), m->in);
			m->in = false;
			break;
		case 5:
			assert_false(pinned_set_see(s, &c->key, c->id + 1));
			m->in = false;
			break;
		}
		if (step % 997 == 0) {
			check_keyset(s, pool);
			pinned_set_begin_round(s);
			for (size_t i = 0; i < POOL; i++)
				pool[i].seen = false;
		}
	}
	check_keyset(s, pool);
	pinned_set_free(s);
	free(pool);
}

static void check_unpinned(const struct unpinned *y, const struct model *pool)
{
	size_t i, n = 0, flushed = 0;

	for (i = 0; i < POOL; i++) {
		const struct model *m = &pool[i];
		int64_t at = unpinned_find(y, &m->conn.key);
		struct conn_record record;
		struct conn c;

		assert_int_equal(at >= 0, m->in);
		n += m->in;
		flushed += m->in && m->flushed;
		if (!m->in)
			continue;
		record = unpinned_record(y, (size_t)at, &c);
		assert_memory_equal(record.conn, &m->conn, sizeof(m->conn));
		assert_int_equal(record.payload_len, m->len);
		assert_true(!m->len || !memcmp(record.payload, m->payload, m->len));
		assert_int_equal(unpinned_is_flushed(y, (size_t)at), m->flushed);
		assert_int_equal(unpinned_is_seen(y, (size_t)at), m->seen);
	}
	assert_int_equal(unpinned_count(y), n);
	assert_int_equal(unpinned_count_flushed(y), flushed);
}

static void put(struct rnd *r, struct unpinned *y, struct model *m)
{
	struct conn_record record = { .conn = &m->conn, .payload = m->payload };

	m->len = rnd(r, sizeof(m->payload));
	memset(m->payload, (int)rnd(r, 3), sizeof(m->payload));
	record.payload_len = m->len;
	assert_int_equal(unpinned_put(y, &record, rnd(r, 1000)), 0);
	m->in = m->seen = true;
	m->flushed = false;
}

static void the_unpinned_are_kept_whole(void **state _unused_)
{
	struct rnd r = rnd_begin("the_unpinned_are_kept_whole");
	struct model *pool = pool_make(&r);
	struct unpinned *y = unpinned_new(r.x);

	assert_non_null(y);
	for (size_t step = 0; step < STEPS; step++) {
		struct model *m = &pool[rnd(&r, POOL)];

		switch (rnd(&r, 5)) {
		case 0:
		case 1:
			put(&r, y, m);
			break;
		case 2:
			unpinned_remove(y, &m->conn.key);
			m->in = false;
			break;
		case 3:
			unpinned_flush(y, &m->conn.key);
			m->flushed = m->in;
			break;
		case 4:
			unpinned_postpone(y, &m->conn.key, USEC_NEVER);
			if (m->in)
				assert_false(unpinned_is_due(
					y, (size_t)unpinned_find(y, &m->conn.key), USEC_NEVER - 1));
			break;
		}
		if (step % 997 == 0) {
			check_unpinned(y, pool);
			unpinned_begin_round(y);
			for (size_t i = 0; i < POOL; i++)
				pool[i].seen = false;
		}
	}
	check_unpinned(y, pool);
	unpinned_free(y);
	free(pool);
}

static void nothing_is_due_before_its_time(void **state _unused_)
{
	struct rnd r = rnd_begin("nothing_is_due_before_its_time");
	struct unpinned *y = unpinned_new(r.x);

	for (int i = 0; i < 1000; i++) {
		usec_t due = rnd(&r, 1000000000), later = due + 2 * 65536;
		struct conn c = rnd_conn(&r);
		struct conn_record record = { .conn = &c };
		size_t at;

		unpinned_remove(y, &c.key);
		assert_int_equal(unpinned_put(y, &record, due), 0);
		at = (size_t)unpinned_find(y, &c.key);
		assert_false(due && unpinned_is_due(y, at, due - 1));
		assert_true(unpinned_is_due(y, at, later));
	}
	unpinned_free(y);
}

/* An event that tells of a mark leaves the state out. */
static void a_poor_event_takes_nothing_away(void **state _unused_)
{
	struct rnd r = rnd_begin("a_poor_event_takes_nothing_away");
	struct unpinned *y = unpinned_new(r.x);
	struct conn c = rnd_conn(&r), poor, is;
	struct conn_record record = { .conn = &c, .payload = "scales", .payload_len = 6 };

	c.tcp_state = CONN_TCP_ESTABLISHED;
	c.status &= ~(uint32_t)CONN_ASSURED;
	assert_int_equal(unpinned_put(y, &record, 0), 0);
	poor = c;
	poor.tcp_state = CONN_TCP_NONE;
	poor.status |= CONN_ASSURED;
	record = (struct conn_record){ .conn = &poor };
	assert_int_equal(unpinned_put(y, &record, 0), 0);
	record = unpinned_record(y, 0, &is);
	assert_int_equal(record.payload_len, 6);
	assert_int_equal(record.conn->tcp_state, CONN_TCP_ESTABLISHED);
	assert_true(record.conn->status & CONN_ASSURED);
	poor.id++; /* but of another entry it is all there is */
	record = (struct conn_record){ .conn = &poor };
	assert_int_equal(unpinned_put(y, &record, 0), 0);
	record = unpinned_record(y, 0, &is);
	assert_int_equal(record.payload_len, 0);
	unpinned_free(y);
}

/* Kept once, and not longer than wanted. */
static void payloads_are_shared(void **state _unused_)
{
	struct rnd r = rnd_begin("payloads_are_shared");
	struct payloads *p = payloads_new(r.x);
	uint32_t refs[2000];
	uint16_t what[2000];
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(refs); i++) {
		what[i] = (uint16_t)rnd(&r, 300);
		assert_int_equal(payloads_take(p, &what[i], sizeof(what[i]), &refs[i]), 0);
	}
	assert_true(payloads_count(p) <= 300);
	for (size_t i = 0; i < ARRAY_SIZE(refs); i += 2)
		payloads_drop(p, refs[i]);
	for (size_t i = 1; i < ARRAY_SIZE(refs); i += 2) {
		const uint16_t *is = payloads_get(p, refs[i], &len);

		assert_int_equal(len, sizeof(*is));
		assert_int_equal(*is, what[i]);
	}
	for (size_t i = 1; i < ARRAY_SIZE(refs); i += 2)
		payloads_drop(p, refs[i]);
	assert_int_equal(payloads_count(p), 0);
	assert_int_equal(payloads_take(p, "", 0, &refs[0]), 0);
	assert_null(payloads_get(p, refs[0], &len));
	payloads_free(p);
}

/* What was packed comes back the same, and leaves nothing behind. */
static void a_packed_key_is_the_same_key(void **state _unused_)
{
	struct rnd r = rnd_begin("a_packed_key_is_the_same_key");
	struct payloads *addrs = payloads_new(r.x);
	struct packed_key keys[1000], found;
	struct conn conns[ARRAY_SIZE(keys)];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct conn_key back;

		conns[i] = rnd_conn(&r);
		assert_int_equal(packed_key_take(addrs, &conns[i].key, &keys[i]), 0);
		back = packed_key_get(addrs, &keys[i]);
		assert_memory_equal(&back, &conns[i].key, sizeof(back));
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		assert_true(packed_key_find(addrs, &conns[i].key, &found));
		assert_memory_equal(&found, &keys[i], sizeof(found));
		packed_key_drop(addrs, &keys[i]);
	}
	assert_int_equal(payloads_count(addrs), 0);
	payloads_free(addrs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_keyset_holds_what_was_put),
		cmocka_unit_test(the_unpinned_are_kept_whole),
		cmocka_unit_test(nothing_is_due_before_its_time),
		cmocka_unit_test(a_poor_event_takes_nothing_away),
		cmocka_unit_test(payloads_are_shared),
		cmocka_unit_test(a_packed_key_is_the_same_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
