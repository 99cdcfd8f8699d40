/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/keyset.h"

#include <errno.h>
#include <stdlib.h>

#include <vipsafe/base.h>

#include "core/keytable.h"

struct item {
	struct conn_key key; /* first */
	uint32_t id;
	uint16_t as; /* which of the sources */
	uint8_t round;
};

/* What sources are translated to: a few addresses, each of many entries. */
struct source {
	struct addr addr;
	size_t n; /* entries; 0: free */
};

struct keyset {
	struct keytable table;
	struct source *sources; /* owned */
	size_t n_sources, last; /* the one that was wanted last */
	uint8_t round;
};

struct keyset *keyset_new(uint64_t seed)
{
	struct keyset *s = calloc(1, sizeof(*s));

	if (s)
		keytable_init(&s->table, seed, sizeof(struct item));
	return s;
}

struct keyset *keyset_free(struct keyset *s)
{
	if (!s)
		return NULL;
	keytable_done(&s->table);
	free(s->sources);
	free(s);
	return NULL;
}

/* Number of the source AS, made when it is new; or -ENOMEM. */
static int64_t source_of(struct keyset *s, const struct addr *as)
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
	if (at == s->n_sources) {
		struct source *p =
			at > UINT16_MAX ? NULL : realloc(s->sources, (at + 1) * sizeof(*p));

		if (!p)
			return -ENOMEM;
		s->sources = p;
		s->n_sources++;
	}
	s->sources[at] = (struct source){ .addr = *as };
	return (int64_t)(s->last = at);
}

int keyset_put(struct keyset *s, const struct conn_key *key, uint32_t id, const struct addr *as)
{
	int64_t i = keytable_find(&s->table, key), source = source_of(s, as);
	struct item *item;

	if (source < 0)
		return (int)source;
	if (i >= 0) {
		item = keytable_at(&s->table, (size_t)i);
		s->sources[item->as].n--;
	} else {
		i = keytable_add(&s->table, key);
		if (i < 0)
			return (int)i;
		item = keytable_at(&s->table, (size_t)i);
	}
	item->id = id;
	item->as = (uint16_t)source;
	item->round = s->round;
	s->sources[source].n++;
	return 0;
}

static struct item *item_at(const struct keyset *s, int64_t i)
{
	return keytable_at(&s->table, (size_t)i);
}

static bool is_same(uint32_t a, uint32_t b)
{
	return !a || !b || a == b;
}

static void remove_at(struct keyset *s, int64_t i)
{
	s->sources[item_at(s, i)->as].n--;
	keytable_remove(&s->table, (size_t)i);
}

bool keyset_has(const struct keyset *s, const struct conn_key *key, uint32_t id)
{
	int64_t i = keytable_find(&s->table, key);

	return i >= 0 && is_same(item_at(s, i)->id, id);
}

bool keyset_see(struct keyset *s, const struct conn_key *key, uint32_t id)
{
	int64_t i = keytable_find(&s->table, key);

	if (i < 0)
		return false;
	if (!is_same(item_at(s, i)->id, id)) {
		remove_at(s, i);
		return false;
	}
	item_at(s, i)->round = s->round;
	return true;
}

bool keyset_end(struct keyset *s, const struct conn_key *key, uint32_t id)
{
	int64_t i = keytable_find(&s->table, key);

	if (i < 0 || !is_same(item_at(s, i)->id, id))
		return false;
	remove_at(s, i);
	return true;
}

bool keyset_is_seen(const struct keyset *s, const struct conn_key *key)
{
	int64_t i = keytable_find(&s->table, key);

	return i >= 0 && item_at(s, i)->round == s->round;
}

void keyset_begin_round(struct keyset *s)
{
	s->round++;
}

void keyset_remove(struct keyset *s, const struct conn_key *key)
{
	int64_t i = keytable_find(&s->table, key);

	if (i >= 0)
		remove_at(s, i);
}

size_t keyset_count(const struct keyset *s)
{
	return s->table.n;
}

size_t keyset_count_family(const struct keyset *s, uint8_t family)
{
	size_t i, n = 0;

	for (i = 0; i < s->n_sources; i++)
		if (!family || s->sources[i].addr.family == family)
			n += s->sources[i].n;
	return n;
}

size_t keyset_count_as(const struct keyset *s, const struct addr *as)
{
	size_t i;

	for (i = 0; i < s->n_sources; i++)
		if (addr_equal(&s->sources[i].addr, as))
			return s->sources[i].n;
	return 0;
}

struct keyset_item keyset_at(const struct keyset *s, size_t i)
{
	const struct item *item = keytable_at(&s->table, i);

	return (struct keyset_item){ .key = &item->key,
				     .id = item->id,
				     .as = s->sources[item->as].addr,
				     .seen = item->round == s->round };
}

size_t keyset_bytes(const struct keyset *s)
{
	return keytable_bytes(&s->table) + s->n_sources * sizeof(*s->sources);
}
