/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The set of entries: one per key, payloads intact, masters found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/connset.h"
#include "../lib/random.h"

static int add(struct connset *s, const struct conn *c, const struct conn_key *master,
	       const void *payload, size_t len)
{
	struct conn_record r = {
		.conn = c, .master = master, .payload = payload, .payload_len = len
	};

	return connset_add(s, &r);
}

/* Whatever order, whatever seed: everything added is found with its payload,
 * nothing else is, and a second add changes nothing. */
static void finds_what_was_added(void **state _unused_)
{
	struct rnd r = rnd_begin("finds_what_was_added");
	struct connset *s = connset_new(r.x, 0);
	static struct conn all[5000];
	uint8_t payload[64];
	size_t i, n = 0, len;

	assert_non_null(s);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		struct conn c = rnd_conn(&r);
		int ret;

		memset(payload, (int)(n & 0xff), sizeof(payload));
		ret = add(s, &c, NULL, payload, n % sizeof(payload));
		assert_true(ret == 0 || ret == -EEXIST);
		if (ret == 0)
			all[n++] = c;
		assert_int_equal(add(s, &c, NULL, "xx", 2), -EEXIST);
	}
	assert_int_equal(connset_count(s), n);
	for (i = 0; i < n; i++) {
		const uint8_t *p;

		assert_int_equal(connset_find(s, &all[i].key), i);
		assert_memory_equal(connset_get(s, i), &all[i], sizeof(all[i]));
		p = connset_payload(s, i, &len);
		assert_int_equal(len, i % sizeof(payload));
		assert_true(len == 0 ? !p : (p[0] == (i & 0xff) && p[len - 1] == (i & 0xff)));
	}
	all[0].key.orig.src[5] ^= 0x55;
	assert_int_equal(connset_find(s, &all[0].key), -ENOENT);
	connset_free(s);
}

static void zones_keep_equal_tuples_apart(void **state _unused_)
{
	struct rnd r = rnd_begin("zones_keep_equal_tuples_apart");
	struct connset *s = connset_new(1, 0);
	struct conn c = rnd_conn(&r);

	c.key.zone = 0, c.key.zone_dir = CONN_ZONE_BOTH;
	assert_int_equal(add(s, &c, NULL, NULL, 0), 0);
	c.key.zone = 11;
	assert_int_equal(add(s, &c, NULL, NULL, 0), 0);
	c.key.zone_dir = CONN_ZONE_ORIG;
	assert_int_equal(add(s, &c, NULL, NULL, 0), 0);
	assert_int_equal(connset_find(s, &c.key), 2);
	connset_free(s);
}

static void keeps_its_limit(void **state _unused_)
{
	struct rnd r = rnd_begin("keeps_its_limit");
	struct connset *s = connset_new(1, 10);
	int i, refused = 0;

	for (i = 0; i < 200; i++) {
		struct conn c = rnd_conn(&r);
		int ret = add(s, &c, NULL, NULL, 0);

		refused += ret == -ENOSPC;
		assert_true(ret == 0 || ret == -ENOSPC || ret == -EEXIST);
	}
	assert_int_equal(connset_count(s), 10);
	assert_true(refused > 0);
	connset_free(s);
}

static void knows_masters(void **state _unused_)
{
	struct rnd r = rnd_begin("knows_masters");
	struct connset *s = connset_new(1, 0);
	struct conn master = rnd_conn(&r), child = master, stranger = master;

	child.key.orig.dport ^= 1;
	child.has_master = true;
	stranger.key.orig.dport ^= 2;
	assert_int_equal(add(s, &child, &master.key, NULL, 0), 0);
	assert_int_equal(connset_master(s, 0), -ENOENT); /* not there yet */
	assert_int_equal(add(s, &stranger, NULL, NULL, 0), 0);
	assert_int_equal(add(s, &master, NULL, NULL, 0), 0);
	assert_int_equal(connset_master(s, 0), 2);
	assert_int_equal(connset_master(s, 1), -ENOENT);
	assert_int_equal(connset_master(s, 2), -ENOENT);
	connset_free(s);
}

/* Payloads may be shared inside: putting one entry anew leaves others alone. */
static void putting_replaces_one_entry_only(void **state _unused_)
{
	struct rnd r = rnd_begin("putting_replaces_one_entry_only");
	struct connset *s = connset_new(1, 0);
	struct conn a = rnd_conn(&r), b = a;
	struct conn_record rec = { .conn = &a, .payload = "same payload", .payload_len = 12 };
	const void *p;
	size_t len, i;

	b.key.orig.src[5] ^= 1;
	assert_int_equal(connset_put(s, &rec), 0);
	rec.conn = &b;
	assert_int_equal(connset_put(s, &rec), 0);
	for (i = 1; i < 200; i++) { /* shorter, longer, other bytes */
		char text[256];

		memset(text, (int)i, sizeof(text));
		a.timeout = (uint32_t)i;
		rec = (struct conn_record){ .conn = &a,
					    .payload = text,
					    .payload_len = (i * 37) % 251 };
		assert_int_equal(connset_put(s, &rec), 0);
		assert_int_equal(connset_count(s), 2);
		assert_int_equal(connset_get(s, 0)->timeout, i);
		p = connset_payload(s, 0, &len);
		assert_int_equal(len, rec.payload_len);
		assert_true(!len || !memcmp(p, text, len));
		p = connset_payload(s, 1, &len);
		assert_int_equal(len, 12);
		assert_memory_equal(p, "same payload", 12);
	}
	connset_free(s);
}

static void refuses_a_monstrous_payload(void **state _unused_)
{
	struct rnd r = rnd_begin("refuses_a_monstrous_payload");
	struct connset *s = connset_new(1, 0);
	struct conn c = rnd_conn(&r);
	static uint8_t big[70000];

	assert_int_equal(add(s, &c, NULL, big, sizeof(big)), -EINVAL);
	assert_int_equal(connset_count(s), 0);
	connset_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(zones_keep_equal_tuples_apart),
		cmocka_unit_test(keeps_its_limit),
		cmocka_unit_test(knows_masters),
		cmocka_unit_test(putting_replaces_one_entry_only),
		cmocka_unit_test(refuses_a_monstrous_payload),
	};

	return cmocka_run_group_tests_name("connset", tests, NULL, NULL);
}
