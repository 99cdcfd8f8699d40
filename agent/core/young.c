/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/young.h"

#include <errno.h>
#include <stdlib.h>

/* Fewer dead are not worth a copy. */
#define DEAD_FEW 1024

int young_init(struct young *y, uint64_t seed)
{
	*y = (struct young){ .seed = seed, .set = connset_new(seed, 0) };
	return y->set ? 0 : -ENOMEM;
}

void young_done(struct young *y)
{
	connset_free(y->set);
	free(y->since);
	free(y->dead);
	*y = (struct young){ .seed = y->seed };
}

static int grow(struct young *y)
{
	size_t cap = MAX(y->cap * 2, (size_t)256);
	usec_t *since;
	bool *dead;

	if (connset_count(y->set) < y->cap)
		return 0;
	since = realloc(y->since, cap * sizeof(*since));
	if (since)
		y->since = since;
	dead = realloc(y->dead, cap * sizeof(*dead));
	if (dead)
		y->dead = dead;
	if (!since || !dead)
		return -ENOMEM;
	y->cap = cap;
	return 0;
}

int young_put(struct young *y, const struct conn_record *record, usec_t since)
{
	int64_t i = connset_find(y->set, &record->conn->key);
	int r = grow(y);

	if (r == 0)
		r = connset_put(y->set, record);
	if (r < 0 || (i >= 0 && !y->dead[i]))
		return r;
	y->n_dead -= i >= 0;
	i = connset_find(y->set, &record->conn->key);
	y->since[i] = since;
	y->dead[i] = false;
	return 0;
}

void young_kill(struct young *y, const struct conn_key *key)
{
	int64_t i = connset_find(y->set, key);

	if (i < 0 || y->dead[i])
		return;
	y->dead[i] = true;
	y->n_dead++;
}

static int copy_entry(const struct young *y, size_t i, struct connset *to)
{
	struct conn_record record = { .conn = connset_get(y->set, i) };
	int64_t master = connset_master(y->set, i);

	record.payload = connset_payload(y->set, i, &record.payload_len);
	if (master >= 0)
		record.master = &connset_get(y->set, (size_t)master)->key;
	return connset_add(to, &record);
}

struct connset *young_copy(const struct young *y)
{
	struct connset *to = connset_new(y->seed, 0);
	size_t i, n = connset_count(y->set);
	int r = 0;

	for (i = 0; to && i < n && r == 0; i++)
		if (!y->dead[i])
			r = copy_entry(y, i, to);
	return r < 0 ? connset_free(to) : to;
}

int young_compact(struct young *y)
{
	size_t i, n = connset_count(y->set), m = 0;
	struct connset *living;

	if (y->n_dead < DEAD_FEW || y->n_dead < n / 2)
		return 0;
	living = young_copy(y);
	if (!living)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if (!y->dead[i])
			y->since[m++] = y->since[i];
	for (i = 0; i < m; i++)
		y->dead[i] = false;
	connset_free(y->set);
	y->set = living;
	y->n_dead = 0;
	return 0;
}

size_t young_count(const struct young *y)
{
	return y->set ? connset_count(y->set) - y->n_dead : 0;
}
