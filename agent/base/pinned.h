/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The set of pinned entries: for each its key, the kernel's id and the address
 * its source is translated to. A million of them take about forty megabytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conn.h"

struct pinned_set;

/* NULL: out of memory. */
struct pinned_set *pinned_set_new(uint64_t seed);
struct pinned_set *pinned_set_free(struct pinned_set *s);

/* Add KEY with ID (0: any), translated to AS; or replace both if KEY is there.
 * 0 or -ENOMEM. */
int pinned_set_put(struct pinned_set *s, const struct conn_key *key, uint32_t id,
		   const struct addr *as);

/* Whether KEY is in the set with ID; an id of 0, here or in the set, matches
 * any. */
bool pinned_set_has(const struct pinned_set *s, const struct conn_key *key, uint32_t id);

/* The entry of KEY, which is there, has taken the place of one with the id WAS. */
void pinned_set_replaces(struct pinned_set *s, const struct conn_key *key, uint32_t was);

/* Like pinned_set_has(), and mark the item as seen in the current round. An item with KEY
 * and another id is removed: its entry has gone. Only what was told of the one that it has
 * replaced is old, and neither. */
bool pinned_set_see(struct pinned_set *s, const struct conn_key *key, uint32_t id);

/* Whether KEY is in the set and was seen or put in the current round. */
bool pinned_set_is_seen(const struct pinned_set *s, const struct conn_key *key);

/* Begin a round, in which nothing has been seen yet. */
void pinned_set_begin_round(struct pinned_set *s);

/* Does nothing if KEY is not there. */
void pinned_set_remove(struct pinned_set *s, const struct conn_key *key);

/* The state of TCP that was told of KEY, which is there (enum conn_tcp_state; 0: none was). */
void pinned_set_set_state(struct pinned_set *s, const struct conn_key *key, uint8_t state);

/* KEY, which is there, was created by somebody else. */
void pinned_set_set_committed(struct pinned_set *s, const struct conn_key *key);
bool pinned_set_is_committed(const struct pinned_set *s, const struct conn_key *key);

/* Remove KEY if pinned_set_has() it with ID. Returns whether it did. */
bool pinned_set_end(struct pinned_set *s, const struct conn_key *key, uint32_t id,
		    uint8_t *ret_state);

size_t pinned_set_count(const struct pinned_set *s);
size_t pinned_set_count_family(const struct pinned_set *s, uint8_t family); /* AF_UNSPEC: all */
size_t pinned_set_count_as(const struct pinned_set *s, const struct addr *as);

struct pinned_set_item {
	struct conn_key key;
	uint32_t id;
	struct addr as;
	bool seen; /* in the current round */
	bool committed;
};

/* Item I, less than pinned_set_count(). pinned_set_remove() changes numbers:
 * the last item takes the removed one's place. */
struct pinned_set_item pinned_set_at(const struct pinned_set *s, size_t i);
