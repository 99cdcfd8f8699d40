/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pinned.h"

#include <errno.h>
#include <stdlib.h>

#include <vipsafe/base.h>

#include "base/array.h"
#include "base/connset.h"
#include "base/packed.h"

struct item {
	struct packed_key key; /* must be first */
	uint32_t id, was;      /* was: of the entry that the pin has replaced */
	uint16_t as;	       /* index of the source */
	uint8_t round;
	uint8_t state : 7;
	uint8_t committed : 1;
};

/* An address that sources are translated to: there are few, each used by many
 * entries. */
struct source {
	struct addr addr;
	size_t n; /* entries; 0: free */
};

struct pinned_set {
	struct conn_table table;
	struct payloads *addrs; /* owned: those of IPv6 */
	struct source *sources; /* owned */
	size_t n_sources, last; /* last: index of the one used last */
	uint8_t round;
};

struct pinned_set *pinned_set_new(uint64_t seed)
{
	struct pinned_set *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	conn_table_init(&s->table, seed, sizeof(struct item), sizeof(struct packed_key));
	s->addrs = payloads_new(seed);
	return s->addrs ? s : pinned_set_free(s);
}

struct pinned_set *pinned_set_free(struct pinned_set *s)
{
	if (!s)
		return NULL;
	conn_table_done(&s->table);
	payloads_free(s->addrs);
	free(s->sources);
	free(s);
	return NULL;
}

/* Index of the source AS, added if it is new; or -ENOMEM. */
static int64_t source_of(struct pinned_set *s, const struct addr *as)
{
	size_t i, at = s->n_sources;

	if (s->last < s->n_sources && addr_equal(&s->sources[s->last].addr, as))
		return (int64_t)s->last;
	for (i = 0; i < s->n_sources; i++) {
		if (addr_equal(&s->sources[i].addr, as))
			return (int64_t)(s->last = i);
		if (!s->sources[i].n)
			at = i;
	}
	if (at == s->n_sources &&
	    (at > UINT16_MAX || !array_append(&s->sources, &s->n_sources, sizeof(*s->sources))))
		return -ENOMEM;
	s->sources[at] = (struct source){ .addr = *as };
	return (int64_t)(s->last = at);
}

/* Number of the item with KEY, or -ENOENT. */
static int64_t pinned_find(const struct pinned_set *s, const struct conn_key *key)
{
	struct packed_key packed;

	return packed_key_find(s->addrs, key, &packed) ? conn_table_find(&s->table, &packed)
						       : -ENOENT;
}

/* The number of a new item with KEY, which is not there; or -ENOMEM. */
static int64_t pinned_add(struct pinned_set *s, const struct conn_key *key)
{
	struct packed_key packed;
	int64_t i = packed_key_take(s->addrs, key, &packed);

	if (i < 0)
		return i;
	i = conn_table_append(&s->table, &packed);
	if (i < 0)
		packed_key_drop(s->addrs, &packed);
	return i;
}

int pinned_set_put(struct pinned_set *s, const struct conn_key *key, uint32_t id,
		   const struct addr *as)
{
	int64_t i = pinned_find(s, key), source = source_of(s, as);
	struct item *item;

	if (source < 0)
		return (int)source;
	if (i >= 0) {
		item = conn_table_at(&s->table, (size_t)i);
		s->sources[item->as].n--;
	} else {
		i = pinned_add(s, key);
		if (i < 0)
			return (int)i;
		item = conn_table_at(&s->table, (size_t)i);
	}
	item->id = id;
	item->was = 0;
	item->state = 0;
	item->committed = 0;
	item->as = (uint16_t)source;
	item->round = s->round;
	s->sources[source].n++;
	return 0;
}

static struct item *pinned_item_at(const struct pinned_set *s, int64_t i)
{
	return conn_table_at(&s->table, (size_t)i);
}

static bool pinned_is_same(uint32_t a, uint32_t b)
{
	return !a || !b || a == b;
}

static void pinned_remove_at(struct pinned_set *s, int64_t i)
{
	s->sources[pinned_item_at(s, i)->as].n--;
	packed_key_drop(s->addrs, &pinned_item_at(s, i)->key);
	conn_table_remove(&s->table, (size_t)i);
}

bool pinned_set_has(const struct pinned_set *s, const struct conn_key *key, uint32_t id)
{
	int64_t i = pinned_find(s, key);

	return i >= 0 && pinned_is_same(pinned_item_at(s, i)->id, id);
}

bool pinned_set_see(struct pinned_set *s, const struct conn_key *key, uint32_t id)
{
	int64_t i = pinned_find(s, key);

	if (i < 0)
		return false;
	if (!pinned_is_same(pinned_item_at(s, i)->id, id) && pinned_item_at(s, i)->was == id)
		return true; /* told before the pin, and read after it */
	if (!pinned_is_same(pinned_item_at(s, i)->id, id)) {
		pinned_remove_at(s, i);
		return false;
	}
	pinned_item_at(s, i)->round = s->round;
	return true;
}

void pinned_set_replaces(struct pinned_set *s, const struct conn_key *key, uint32_t was)
{
	int64_t i = pinned_find(s, key);

	if (i >= 0)
		pinned_item_at(s, i)->was = was;
}

void pinned_set_set_state(struct pinned_set *s, const struct conn_key *key, uint8_t state)
{
	int64_t i = pinned_find(s, key);

	if (i >= 0)
		pinned_item_at(s, i)->state = state & 0x7f;
}

void pinned_set_set_committed(struct pinned_set *s, const struct conn_key *key)
{
	int64_t i = pinned_find(s, key);

	if (i >= 0)
		pinned_item_at(s, i)->committed = 1;
}

bool pinned_set_is_committed(const struct pinned_set *s, const struct conn_key *key)
{
	int64_t i = pinned_find(s, key);

	return i >= 0 && pinned_item_at(s, i)->committed;
}

bool pinned_set_end(struct pinned_set *s, const struct conn_key *key, uint32_t id,
		    uint8_t *ret_state)
{
	int64_t i = pinned_find(s, key);

	if (i < 0 || !pinned_is_same(pinned_item_at(s, i)->id, id))
		return false;
	*ret_state = pinned_item_at(s, i)->state;
	pinned_remove_at(s, i);
	return true;
}

bool pinned_set_is_seen(const struct pinned_set *s, const struct conn_key *key)
{
	int64_t i = pinned_find(s, key);

	return i >= 0 && pinned_item_at(s, i)->round == s->round;
}

void pinned_set_begin_round(struct pinned_set *s)
{
	s->round++;
}

void pinned_set_remove(struct pinned_set *s, const struct conn_key *key)
{
	int64_t i = pinned_find(s, key);

	if (i >= 0)
		pinned_remove_at(s, i);
}

size_t pinned_set_count(const struct pinned_set *s)
{
	return s->table.n;
}

size_t pinned_set_count_family(const struct pinned_set *s, uint8_t family)
{
	size_t i, n = 0;

	for (i = 0; i < s->n_sources; i++)
		if (!family || s->sources[i].addr.family == family)
			n += s->sources[i].n;
	return n;
}

size_t pinned_set_count_as(const struct pinned_set *s, const struct addr *as)
{
	size_t i;

	for (i = 0; i < s->n_sources; i++)
		if (addr_equal(&s->sources[i].addr, as))
			return s->sources[i].n;
	return 0;
}

struct pinned_set_item pinned_set_at(const struct pinned_set *s, size_t i)
{
	const struct item *item = conn_table_at(&s->table, i);

	return (struct pinned_set_item){ .key = packed_key_get(s->addrs, &item->key),
					 .id = item->id,
					 .as = s->sources[item->as].addr,
					 .seen = item->round == s->round,
					 .committed = item->committed };
}
