/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries are pinned: the key and the kernel's id of each, and what its
 * source is translated to, for a million of them in some sixty megabytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/conn.h"

struct keyset;

/* NULL: out of memory. */
struct keyset *keyset_new(uint64_t seed);
struct keyset *keyset_free(struct keyset *s);

/* Remember KEY with ID (0: any), translated to AS. Put again, both are
 * replaced. 0 or -ENOMEM. */
int keyset_put(struct keyset *s, const struct conn_key *key, uint32_t id, const struct addr *as);

/* Whether KEY is there with ID, or with either of the two ids being 0. */
bool keyset_has(const struct keyset *s, const struct conn_key *key, uint32_t id);

/* The same, and it counts as seen in the round that is under way. An item with
 * KEY and another id is removed: that entry is gone. */
bool keyset_see(struct keyset *s, const struct conn_key *key, uint32_t id);

/* Whether KEY is there and was seen in this round, or put. */
bool keyset_is_seen(const struct keyset *s, const struct conn_key *key);

/* Begin a round: nothing has been seen in it yet. */
void keyset_begin_round(struct keyset *s);

/* Fine when it is not there. */
void keyset_remove(struct keyset *s, const struct conn_key *key);

/* Remove KEY if it is there with ID, as above. Whether it was. */
bool keyset_end(struct keyset *s, const struct conn_key *key, uint32_t id);

size_t keyset_count(const struct keyset *s);
size_t keyset_count_family(const struct keyset *s, uint8_t family); /* AF_UNSPEC: all */
size_t keyset_count_as(const struct keyset *s, const struct addr *as);

struct keyset_item {
	const struct conn_key *key;
	uint32_t id;
	struct addr as;
	bool seen; /* in this round */
};

/* Item I of keyset_count(): numbers change with keyset_remove(), by which the
 * last item takes the place of the one that goes. */
struct keyset_item keyset_at(const struct keyset *s, size_t i);

/* Bytes held, for the memory bound. */
size_t keyset_bytes(const struct keyset *s);
