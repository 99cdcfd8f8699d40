/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tuples and keys as a guard keeps a million of them: a third of their size. An IPv4 address is
 * its own number; an IPv6 address is kept once, among payloads, and counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/conn.h"
#include "base/connset.h"

struct packed_tuple {
	uint32_t src, dst, l4;
};

/* Compared and hashed as bytes. */
struct packed_key {
	struct packed_tuple orig;
	uint16_t zone;
	uint8_t kind; /* the direction of the zone, and whether it is IPv6 */
	uint8_t l4proto;
};

/* FROM packed, its addresses in ADDRS counted as used once more. 0, or -ENOMEM with nothing
 * changed. To be released with the same family. */
int packed_tuple_take(struct payloads *addrs, uint8_t family, const struct tuple *from,
		      struct packed_tuple *ret);
void packed_tuple_drop(struct payloads *addrs, uint8_t family, const struct packed_tuple *t);
int packed_key_take(struct payloads *addrs, const struct conn_key *from, struct packed_key *ret);
void packed_key_drop(struct payloads *addrs, const struct packed_key *k);

/* FROM packed, without counting. False: nothing in ADDRS has such a key. */
bool packed_key_find(const struct payloads *addrs, const struct conn_key *from,
		     struct packed_key *ret);

/* And back. */
uint8_t packed_family(const struct packed_key *k);
struct tuple packed_tuple_get(const struct payloads *addrs, uint8_t family,
			      const struct packed_tuple *t);
struct conn_key packed_key_get(const struct payloads *addrs, const struct packed_key *k);
