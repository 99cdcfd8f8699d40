/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/keyset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

struct keyset {
	uint64_t seed;
	uint64_t *prints; /* 0: free */
	uint32_t *ids;
	size_t n, size; /* size: a power of two, at most 3/4 in use */
};

static uint64_t fingerprint(const struct keyset *s, const struct conn_key *key)
{
	uint64_t words[(sizeof(*key) + 7) / 8] = { 0 }, h = s->seed;
	size_t i;

	memcpy(words, key, sizeof(*key));
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		h = (h ^ words[i]) * 0x9e3779b97f4a7c15ULL + s->seed;
		h ^= h >> 29;
	}
	return h ? h : 1;
}

struct keyset *keyset_new(uint64_t seed)
{
	struct keyset *s = calloc(1, sizeof(*s));

	if (s)
		s->seed = seed | 1;
	return s;
}

struct keyset *keyset_free(struct keyset *s)
{
	if (!s)
		return NULL;
	free(s->prints);
	free(s->ids);
	free(s);
	return NULL;
}

static size_t slot_of(const struct keyset *s, uint64_t print)
{
	size_t i = print & (s->size - 1);

	while (s->prints[i] && s->prints[i] != print)
		i = (i + 1) & (s->size - 1);
	return i;
}

static int grow(struct keyset *s)
{
	struct keyset bigger = { .seed = s->seed, .n = s->n };
	size_t i, at;

	if (s->size && s->n + 1 <= s->size / 4 * 3)
		return 0;
	bigger.size = s->size ? s->size * 2 : 64;
	bigger.prints = calloc(bigger.size, sizeof(*bigger.prints));
	bigger.ids = malloc(bigger.size * sizeof(*bigger.ids));
	if (!bigger.prints || !bigger.ids) {
		free(bigger.prints);
		free(bigger.ids);
		return -ENOMEM;
	}
	for (i = 0; i < s->size; i++) {
		if (!s->prints[i])
			continue;
		at = slot_of(&bigger, s->prints[i]);
		bigger.prints[at] = s->prints[i];
		bigger.ids[at] = s->ids[i];
	}
	free(s->prints);
	free(s->ids);
	*s = bigger;
	return 0;
}

int keyset_put(struct keyset *s, const struct conn_key *key, uint32_t id)
{
	uint64_t print = fingerprint(s, key);
	int r = grow(s);
	size_t at;

	if (r < 0)
		return r;
	at = slot_of(s, print);
	s->n += !s->prints[at];
	s->prints[at] = print;
	s->ids[at] = id;
	return 0;
}

bool keyset_has(const struct keyset *s, const struct conn_key *key, uint32_t id)
{
	size_t at;

	if (!s->size)
		return false;
	at = slot_of(s, fingerprint(s, key));
	return s->prints[at] && (!id || !s->ids[at] || s->ids[at] == id);
}

/* What stands behind a freed slot moves up, so that no search ends early. */
void keyset_remove(struct keyset *s, const struct conn_key *key)
{
	size_t hole, i, home;

	if (!s->size)
		return;
	hole = slot_of(s, fingerprint(s, key));
	if (!s->prints[hole])
		return;
	s->n--;
	for (i = (hole + 1) & (s->size - 1); s->prints[i]; i = (i + 1) & (s->size - 1)) {
		home = s->prints[i] & (s->size - 1);
		if (((i - home) & (s->size - 1)) < ((i - hole) & (s->size - 1)))
			continue;
		s->prints[hole] = s->prints[i];
		s->ids[hole] = s->ids[i];
		hole = i;
	}
	s->prints[hole] = 0;
}

size_t keyset_count(const struct keyset *s)
{
	return s->n;
}
