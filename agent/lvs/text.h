/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses with ports and ranges of addresses, as LVS configurations write them. */
#pragma once

#include <stdint.h>

#include "base/addr.h"

#define LVS_ENDPOINT_MAX 80

/* "10.9.9.1:80", "[fd00::1]:80"; without a port it is 0. 0 or -EINVAL. */
int lvs_endpoint_parse(const char *text, struct addr *ret_addr, uint16_t *ret_port);

/* "10.9.9.1", "10.9.9.0/24" (all of its addresses), "10.9.9.1-10" (the last
 * part up to that), "10.9.9.1-10.9.10.2". 0 or -EINVAL. */
int lvs_range_parse(const char *text, struct addr *ret_first, struct addr *ret_last);

/* A range with a port: "10.9.9.0/24:80", "[fd00::/64]:80". */
int lvs_match_parse(const char *text, struct addr *ret_first, struct addr *ret_last,
		    uint16_t *ret_port);

/* "tcp", "udp", "sctp" in any case. 0 or -EINVAL. */
int lvs_proto_parse(const char *text, uint8_t *ret);

/* "10.9.9.1:80", "[fd00::1]:80". Returns BUF. */
const char *lvs_endpoint_format(const struct addr *addr, uint16_t port, char buf[LVS_ENDPOINT_MAX]);

/* The same for bytes as a flow has them. */
const char *lvs_bytes_format(uint8_t family, const uint8_t *addr, uint16_t port,
			     char buf[LVS_ENDPOINT_MAX]);

/* "10.9.9.1-10.9.9.20:80", or as above when it is one address. Returns BUF. */
#define LVS_RANGE_MAX (2 * LVS_ENDPOINT_MAX)
const char *lvs_range_format(const struct addr *first, const struct addr *last, uint16_t port,
			     char buf[LVS_RANGE_MAX]);
