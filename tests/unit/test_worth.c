/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In which order entries are pinned and restored, and how many at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "move/pace.h"
#include "move/worth.h"
#include "../lib/random.h"

#define SEED 0x5eedU

/* From 10.0.0.SOURCE:SPORT to a port of its own. */
static struct conn flow(uint8_t proto, uint8_t source, uint16_t sport, uint16_t n, uint32_t status)
{
	struct tuple t = { .src = { 10, 0, 0, source }, .dst = { 10, 1, 0, 1 } };
	struct conn c;

	memset(&c, 0, sizeof(c));
	t.sport = htons(sport), t.dport = htons(n);
	c.key = conn_key_make(AF_INET, proto, &t, 0, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&t, proto);
	c.status = CONN_CONFIRMED | CONN_SRC_NAT_DONE | status;
	c.timeout = 100;
	return c;
}

#define ASSURED (CONN_SEEN_REPLY | CONN_ASSURED)

static void put(struct connset *set, struct conn c, const struct conn_key *master)
{
	struct conn_record record = { .conn = &c, .master = master };

	c.has_master = master != NULL;
	assert_int_equal(connset_add(set, &record), 0);
}

struct order {
	struct connset *set;
	uint32_t idx[40000];
	size_t n, ends[WORTH_COUNT];
};

static void sort(struct order *o)
{
	o->n = connset_count(o->set);
	for (size_t i = 0; i < o->n; i++)
		o->idx[i] = (uint32_t)i;
	assert_int_equal(worth_order(SEED, o->set, o->idx, o->n, o->ends), 0);
}

static const struct conn *at(const struct order *o, size_t i)
{
	return connset_get(o->set, o->idx[i]);
}

static struct order *order_new(void)
{
	struct order *o = calloc(1, sizeof(*o));

	o->set = connset_new(SEED, 0);
	assert_non_null(o->set);
	return o;
}

static void order_free(struct order *o)
{
	connset_free(o->set);
	free(o);
}

static void worth_is_what_breaks(void **state _unused_)
{
	struct conn c = flow(IPPROTO_TCP, 1, 1, 1, ASSURED);

	assert_int_equal(worth_of(&c), WORTH_TCP);
	c = flow(IPPROTO_TCP, 1, 1, 1, CONN_SEEN_REPLY);
	assert_int_equal(worth_of(&c), WORTH_ANSWERED);
	c = flow(IPPROTO_TCP, 1, 1, 1, 0);
	assert_int_equal(worth_of(&c), WORTH_UNANSWERED);
	c = flow(IPPROTO_UDP, 1, 1, 1, ASSURED);
	assert_int_equal(worth_of(&c), WORTH_ASSURED);
	c = flow(IPPROTO_UDP, 1, 1, 1, CONN_SEEN_REPLY);
	assert_int_equal(worth_of(&c), WORTH_ANSWERED);
	c = flow(IPPROTO_UDP, 1, 1, 1, 0);
	assert_int_equal(worth_of(&c), WORTH_UNANSWERED);
	assert_true(worth_is_answered(WORTH_CROWDED));
	assert_false(worth_is_answered(WORTH_UNANSWERED));
}

/* Some ten thousand datagrams of one socket, listed first, come last. */
static void one_socket_comes_last(void **state _unused_)
{
	struct order *o = order_new();
	size_t i;

	for (i = 0; i < 20000; i++)
		put(o->set, flow(IPPROTO_UDP, 1, 7, (uint16_t)i, 0), NULL);
	for (i = 0; i < 50; i++)
		put(o->set, flow(IPPROTO_TCP, 2, (uint16_t)(1000 + i), 80, ASSURED), NULL);
	put(o->set, flow(IPPROTO_UDP, 1, 9, 53, CONN_SEEN_REPLY), NULL);
	sort(o);
	for (i = 0; i < 50; i++)
		assert_int_equal(at(o, i)->key.l4proto, IPPROTO_TCP);
	assert_int_equal(at(o, 50)->status & CONN_SEEN_REPLY, CONN_SEEN_REPLY);
	assert_int_equal(o->ends[WORTH_TCP], 50);
	assert_int_equal(o->ends[WORTH_CROWDED], 51);
	assert_int_equal(o->ends[WORTH_UNANSWERED], 51 + WORTH_SOCKET_SHARE);
	assert_int_equal(o->ends[WORTH_COUNT - 1], o->n);
	order_free(o);
}

/* The same, and it is answered, too: beyond its share it comes after all others. */
static void an_answered_crowd_waits(void **state _unused_)
{
	struct order *o = order_new();
	size_t i;

	for (i = 0; i < 20000; i++)
		put(o->set, flow(IPPROTO_UDP, 1, 7, (uint16_t)i, ASSURED), NULL);
	for (i = 0; i < 50; i++)
		put(o->set, flow(IPPROTO_UDP, 2, (uint16_t)(1000 + i), 53, CONN_SEEN_REPLY), NULL);
	sort(o);
	for (i = 0; i < 50 + WORTH_SOCKET_SHARE; i++)
		assert_true(at(o, i)->key.orig.src[3] == 2 || i < WORTH_SOCKET_SHARE);
	assert_int_equal(o->ends[WORTH_ANSWERED_MORE], 50 + WORTH_SOCKET_SHARE);
	assert_int_equal(o->ends[WORTH_CROWDED], o->n);
	order_free(o);
}

/* One source with very many connections leaves the others their turn. */
static void sources_take_turns(void **state _unused_)
{
	struct order *o = order_new();
	unsigned of[4] = { 0 };
	size_t i;

	for (i = 0; i < 30000; i++)
		put(o->set, flow(IPPROTO_TCP, 1, (uint16_t)i, 80, ASSURED), NULL);
	for (i = 0; i < 300; i++)
		put(o->set, flow(IPPROTO_TCP, 2, (uint16_t)i, 80, ASSURED), NULL);
	for (i = 0; i < 300; i++)
		put(o->set, flow(IPPROTO_UDP, 3, (uint16_t)i, 53, ASSURED), NULL);
	sort(o);
	for (i = 0; i < 600; i++)
		of[at(o, i)->key.orig.src[3]]++;
	assert_int_equal(of[1], 300);
	assert_int_equal(of[2], 300);
	/* and the other kind comes before what is beyond the share of the first */
	for (i = 0; i < WORTH_SOURCE_SHARE + 600; i++)
		of[at(o, i)->key.orig.src[3]]++;
	assert_true(of[3] >= 300 - 3); /* two sockets may share a count by chance */
	order_free(o);
}

/* Whatever the table: everything once, no worse before a better one, each source
 * in turn, and masters first. */
static void order_holds_for_any_table(void **state _unused_)
{
	struct rnd r = rnd_begin("order_holds_for_any_table");

	for (int round = 0; round < 200; round++) {
		struct order *o = order_new();
		size_t n = 1 + rnd(&r, 400), i;
		bool *seen = calloc(n, sizeof(*seen));
		size_t *where = calloc(n, sizeof(*where));

		for (i = 0; i < n; i++) {
			struct conn c = rnd_conn(&r);
			size_t of = connset_count(o->set);
			bool child = of && rnd(&r, 4) == 0;
			struct conn_key master =
				child ? connset_get(o->set, rnd(&r, (uint32_t)of))->key : c.key;
			struct conn_record record = { .conn = &c,
						      .master = child ? &master : NULL };

			c.has_master = child;
			(void)connset_add(o->set, &record);
		}
		sort(o);
		for (i = 0; i < o->n; i++) {
			assert_false(seen[o->idx[i]]);
			seen[o->idx[i]] = true;
			where[o->idx[i]] = i;
		}
		for (i = 0; i < o->n; i++) {
			int64_t m = connset_master(o->set, i);

			/* deeper than any protocol goes, masters are not looked for */
			if (m >= 0 && connset_master(o->set, (size_t)m) < 0)
				assert_true(where[m] < where[i]);
			if (at(o, i)->has_master || !i || at(o, i - 1)->has_master)
				continue;
			if (worth_of(at(o, i)) < WORTH_UNANSWERED)
				assert_true(worth_of(at(o, i - 1)) < WORTH_UNANSWERED);
		}
		free(seen), free(where);
		order_free(o);
	}
}

/* Entries of one source and kind stay as their activity ranks them. */
static void the_active_come_first(void **state _unused_)
{
	struct order *o = order_new();
	size_t i;

	for (i = 0; i < 500; i++) {
		struct conn c = flow(IPPROTO_TCP, 1, (uint16_t)i, 80, ASSURED);

		c.timeout = (uint32_t)(100 + i);
		put(o->set, c, NULL);
	}
	sort(o);
	for (i = 1; i < 500; i++)
		assert_true(at(o, i)->timeout < at(o, i - 1)->timeout || i >= o->ends[WORTH_TCP]);
	assert_true(o->ends[WORTH_TCP] >= 495);
	order_free(o);
}

static void the_pace_follows_the_cost(void **state _unused_)
{
	struct pace p = pace_begin(256);

	assert_true(p.n <= 8); /* what one costs is not known */
	for (int i = 0; i < 8; i++)
		pace_note(&p, p.n, p.n * 5);
	assert_int_equal(p.n, 256);
	pace_note(&p, p.n, p.n * 100);
	assert_int_equal(p.n, PACE_STEP / 100);
	pace_note(&p, p.n, p.n * 600);
	assert_int_equal(p.n, PACE_STEP / 600);
	pace_note(&p, p.n, 3 * PACE_STEP * p.n);
	assert_int_equal(p.n, 1);
	pace_note(&p, 1, 0);
	assert_true(p.n > 1 && p.n <= 4);
	p = pace_begin(2);
	assert_int_equal(p.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worth_is_what_breaks),
		cmocka_unit_test(one_socket_comes_last),
		cmocka_unit_test(an_answered_crowd_waits),
		cmocka_unit_test(sources_take_turns),
		cmocka_unit_test(order_holds_for_any_table),
		cmocka_unit_test(the_active_come_first),
		cmocka_unit_test(the_pace_follows_the_cost),
	};

	return cmocka_run_group_tests_name("worth", tests, NULL, NULL);
}
