/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP addresses and prefixes as values. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For the longest address with "/128" and a NUL. */
#define PREFIX_TEXT_MAX 64

struct addr {
	uint8_t family;	   /* AF_INET or AF_INET6; 0: not set */
	uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest zero */
};

struct prefix {
	struct addr addr; /* host bits are kept: 192.168.11.7/24 */
	uint8_t len;
};

enum prefix_form {
	PREFIX_LEN_REQUIRED, /* "a/n" only */
	PREFIX_LEN_OPTIONAL, /* "a" means /32 or /128 */
};

/* Parse TEXT as a numeric IPv4 or IPv6 address.
 * Returns 0 or -EINVAL (zone suffixes, IPv4 shorthand and names are errors). */
int addr_parse(const char *text, struct addr *ret);

/* Parse "ADDR/LEN". Returns 0, -EINVAL (malformed, or LEN out of range), or
 * -EDESTADDRREQ (LEN missing where FORM requires it). */
int prefix_parse(const char *text, enum prefix_form form, struct prefix *ret);

/* Write the usual text form into BUF and return BUF; "?" for an unset family. */
const char *addr_format(const struct addr *a, char buf[PREFIX_TEXT_MAX]);
const char *prefix_format(const struct prefix *p, char buf[PREFIX_TEXT_MAX]);

/* Address length of FAMILY in bytes: 4 or 16; 0 for anything else. */
size_t addr_size(uint8_t family);

struct addr addr_make(uint8_t family, const void *bytes);
bool addr_equal(const struct addr *a, const struct addr *b);
bool prefix_equal(const struct prefix *a, const struct prefix *b);

/* Whether A lies in the network of P (host bits of P ignored). */
bool prefix_covers(const struct prefix *p, const struct addr *a);

/* Whether A can be a VIP: it is not unspecified, loopback or multicast. */
bool addr_is_usable(const struct addr *a);

bool addr_is_multicast(const struct addr *a);

/* The IPv4 directed broadcast address of P. P must be IPv4. */
struct addr prefix_broadcast(const struct prefix *p);

/* A set of addresses, e.g. those of the node. */

struct addrset {
	struct addr *addrs; /* owned; sorted by bytes, no address twice */
	size_t n;
};

void addrset_done(struct addrset *s);

/* Add A; no error if it is in the set already. Returns 0 or -ENOMEM. */
int addrset_add(struct addrset *s, const struct addr *a);
void addrset_remove(struct addrset *s, const struct addr *a);
bool addrset_has(const struct addrset *s, const struct addr *a);

/* The same for an address in a tuple: an IPv4 address in the first four BYTES, the rest zero. */
bool addrset_has_bytes(const struct addrset *s, uint8_t family, const uint8_t bytes[16]);
