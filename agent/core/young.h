/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries that are known and not pinned yet, since when, and whether they have
 * ended. What has ended stays until it is worth clearing away. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "core/connset.h"

struct young {
	uint64_t seed;
	struct connset *set; /* owned; entries I with dead[I] have ended */
	usec_t *since;	     /* one per entry; owned */
	bool *dead;	     /* owned */
	size_t cap, n_dead;
};

/* 0 or -ENOMEM; young_done() is fine either way. */
int young_init(struct young *y, uint64_t seed);
void young_done(struct young *y);

/* Take RECORD up, or refresh it: an entry keeps the time it was first put. */
int young_put(struct young *y, const struct conn_record *record, usec_t since);

/* The entry with KEY has ended; fine when there is none. */
void young_kill(struct young *y, const struct conn_key *key);

/* The living, copied into a set of their own. NULL: out of memory. */
struct connset *young_copy(const struct young *y);

/* Clear the dead away once they are many. 0, or -ENOMEM and nothing is lost. */
int young_compact(struct young *y);

size_t young_count(const struct young *y);
