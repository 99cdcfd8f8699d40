/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index: whatever is put, removed and renumbered in whatever order, what is in
 * it is found, also where all hashes are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/array.h"
#include "../lib/random.h"

#define ITEMS 2000

struct items {
	uint32_t key[ITEMS];
	size_t n;
	unsigned kinds; /* of hashes */
	struct hash index;
};

static uint32_t item_hash(const void *ud, uint32_t i)
{
	const struct items *s = ud;
	uint32_t kind = s->key[i] % s->kinds;

	return hash_bytes(s->kinds, &kind, sizeof(kind));
}

static uint32_t item_find(const struct items *s, uint32_t key)
{
	uint32_t kind = key % s->kinds, hash = hash_bytes(s->kinds, &kind, sizeof(kind)), i;
	size_t at;

	for (i = hash_first(&s->index, hash, &at); i != HASH_NONE;
	     i = hash_next(&s->index, hash, &at))
		if (s->key[i] == key)
			return i;
	return HASH_NONE;
}

static void items_add(struct items *s, uint32_t key)
{
	s->key[s->n] = key;
	assert_int_equal(hash_reserve(&s->index, s->n + 1, item_hash, s), 0);
	hash_put(&s->index, item_hash(s, (uint32_t)s->n), (uint32_t)s->n);
	s->n++;
}

/* The last one takes the place of the one that goes. */
static void items_remove(struct items *s, uint32_t i)
{
	uint32_t last = (uint32_t)--s->n;

	hash_remove(&s->index, item_hash(s, i), i, item_hash, s);
	if (i != last)
		hash_renumber(&s->index, item_hash(s, last), last, i);
	s->key[i] = s->key[last];
	hash_shrink(&s->index, item_hash, s);
}

static void check(struct items *s)
{
	uint32_t i;

	assert_int_equal(s->index.n, s->n);
	for (i = 0; i < s->n; i++)
		assert_int_equal(item_find(s, s->key[i]), i);
}

static void finds_what_is_there(void **state _unused_)
{
	static const unsigned kinds[] = { UINT32_MAX, 300, 1 };
	struct rnd r = rnd_begin("finds_what_is_there");
	size_t k, step;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		static struct items s;
		uint32_t next = 0;

		s = (struct items){ .kinds = kinds[k] };
		assert_int_equal(item_find(&s, 1), HASH_NONE);
		for (step = 0; step < 3 * ITEMS; step++) {
			if (s.n < ITEMS && (!s.n || rnd(&r, 3)))
				items_add(&s, next++);
			else
				items_remove(&s, rnd(&r, (uint32_t)s.n));
			if (step % 500 == 0)
				check(&s);
		}
		check(&s);
		assert_int_equal(item_find(&s, next), HASH_NONE);
		while (s.n) {
			uint32_t gone = s.key[0];

			items_remove(&s, 0);
			assert_int_equal(item_find(&s, gone), HASH_NONE);
			if (s.n % 50 == 0)
				check(&s);
			/* a few do not keep the room of many */
			assert_true(s.n > ITEMS / 32 || s.index.n_slots < ITEMS);
		}
		hash_done(&s.index);
	}
}

/* Names of devices are made of it: on nodes of either byte order the same. */
static void does_not_depend_on_the_byte_order(void **state _unused_)
{
	static const uint8_t bytes[] = "0123456789ab";

	assert_int_equal(hash_bytes(6, bytes, 4), 0xfbdcd70b);
	assert_int_equal(hash_bytes(6, bytes, 12), 0x9795f37f);
}

struct keyed_item {
	uint8_t key[20];
	uint32_t value;
};

/* Each key has one item, which stays what it was while others come, and is found again after the
 * items were moved. */
static void keeps_items_by_key(void **state _unused_)
{
	struct keyed k = { .size = sizeof(struct keyed_item), .key = 20, .seed = 7 };
	struct keyed_item key = { .value = 0 }, *item;
	uint32_t i, n;

	assert_null(keyed_find(&k, &key));
	for (i = 0; i < 2 * ITEMS; i++) {
		n = i % ITEMS;
		memcpy(key.key, &n, sizeof(n));
		assert_int_equal(keyed_get(&k, &key, &item), i >= ITEMS);
		assert_int_equal(item->value, i < ITEMS ? 0 : n + 1);
		assert_int_equal(keyed_number(&k, item), n);
		item->value = n + 1;
	}
	/* every second one goes */
	for (i = 0; i < ITEMS / 2; i++)
		*(struct keyed_item *)keyed_at(&k, i) = *(struct keyed_item *)keyed_at(&k, 2 * i);
	k.n = ITEMS / 2;
	assert_int_equal(keyed_index(&k), 0);
	for (i = 0; i < ITEMS; i++) {
		memcpy(key.key, &i, sizeof(i));
		item = keyed_find(&k, &key);
		assert_int_equal(!item, i % 2);
		assert_true(!item || item->value == i + 1);
	}
	keyed_done(&k);
	assert_null(keyed_find(&k, &key));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_there),
		cmocka_unit_test(does_not_depend_on_the_byte_order),
		cmocka_unit_test(keeps_items_by_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
