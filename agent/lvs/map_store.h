/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the map of lvs/map.h is kept. Private to map*.c. */
#pragma once

#include <sys/socket.h>

#include "base/array.h"
#include "lvs/map.h"

/* A destination, or what a service matches. */
struct lvs_key {
	uint8_t first[16];
	uint16_t port;
	uint8_t l4proto, family;
	uint32_t fwmark;  /* of a mark whose addresses are not known */
	uint8_t last[16]; /* of a range; not part of the key of one address */
};

struct lvs_entry {
	struct lvs_key key;
	uint32_t service; /* LVS_NONE: no service's */
	uint32_t fwmark;  /* of the service's match */
	bool real;	  /* an endpoint */
};

struct lvs_map {
	unsigned refs;
	struct lvs_source sources[LVS_SOURCES_MAX];
	uint32_t n_sources;
	struct lvs_service *services;
	size_t n_services;
	uint32_t n_matches, n_reals;
	uint64_t print;		  /* of services, as they were added */
	struct keyed dests;	  /* struct lvs_entry: matches of one address, and endpoints */
	struct keyed ranges;	  /* those of more, in the order in which they were added */
	bool any_port;		  /* some destination is one on whatever port */
	uint8_t ports[65536 / 8]; /* a bit each: some destination has it */
	struct lvs_summary summary;
};

/* Some destination of M is one on PORT; 0: on whatever port. */
static inline void lvs_map_add_port(struct lvs_map *m, uint16_t port)
{
	if (!port)
		m->any_port = true;
	m->ports[port / 8] |= (uint8_t)(1U << port % 8);
}

static inline struct lvs_key lvs_key_make(uint8_t l4proto, uint8_t family, const uint8_t *addr,
					  uint16_t port)
{
	struct lvs_key k = { .port = port, .l4proto = l4proto, .family = family };

	memcpy(k.first, addr, family == AF_INET6 ? 16 : 4);
	return k;
}
