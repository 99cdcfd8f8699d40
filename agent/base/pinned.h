/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries are pinned: the key and the kernel's id of each, and what its
 * source is translated to, for a million of them in some sixty megabytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conn.h"

struct pinned_set;

/* NULL: out of memory. */
struct pinned_set *pinned_set_new(uint64_t seed);
struct pinned_set *pinned_set_free(struct pinned_set *s);

/* Remember KEY with ID (0: any), translated to AS. Put again, both are
 * replaced. 0 or -ENOMEM. */
int pinned_set_put(struct pinned_set *s, const struct conn_key *key, uint32_t id,
		   const struct addr *as);

/* Whether KEY is there with ID, or with either of the two ids being 0. */
bool pinned_set_has(const struct pinned_set *s, const struct conn_key *key, uint32_t id);

/* The same, and it counts as seen in the round that is under way. An item with
 * KEY and another id is removed: that entry is gone. */
bool pinned_set_see(struct pinned_set *s, const struct conn_key *key, uint32_t id);

/* Whether KEY is there and was seen in this round, or put. */
bool pinned_set_is_seen(const struct pinned_set *s, const struct conn_key *key);

/* Begin a round: nothing has been seen in it yet. */
void pinned_set_begin_round(struct pinned_set *s);

/* Fine when it is not there. */
void pinned_set_remove(struct pinned_set *s, const struct conn_key *key);

/* Remove KEY if it is there with ID, as above. Whether it was. */
bool pinned_set_end(struct pinned_set *s, const struct conn_key *key, uint32_t id);

size_t pinned_set_count(const struct pinned_set *s);
size_t pinned_set_count_family(const struct pinned_set *s, uint8_t family); /* AF_UNSPEC: all */
size_t pinned_set_count_as(const struct pinned_set *s, const struct addr *as);

struct pinned_set_item {
	const struct conn_key *key;
	uint32_t id;
	struct addr as;
	bool seen; /* in this round */
};

/* Item I of pinned_set_count(): numbers change with pinned_set_remove(), by which the
 * last item takes the place of the one that goes. */
struct pinned_set_item pinned_set_at(const struct pinned_set *s, size_t i);
