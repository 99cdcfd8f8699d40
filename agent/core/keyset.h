/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries are pinned: a fingerprint and the kernel's id of each, for a
 * million of them in some twenty megabytes. Two keys with one fingerprint (one
 * chance in 2^64 per pair) would make one of them count as pinned. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/conn.h"

struct keyset;

/* SEED keeps hostile traffic from choosing fingerprints. NULL: out of memory. */
struct keyset *keyset_new(uint64_t seed);
struct keyset *keyset_free(struct keyset *s);

/* Remember KEY with ID (0: any). Put again, the id is replaced. 0 or -ENOMEM. */
int keyset_put(struct keyset *s, const struct conn_key *key, uint32_t id);

/* Whether KEY is there with ID, or with either of the two ids being 0. */
bool keyset_has(const struct keyset *s, const struct conn_key *key, uint32_t id);

void keyset_remove(struct keyset *s, const struct conn_key *key);
size_t keyset_count(const struct keyset *s);
