/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reproducible random entries for property tests. The seed is printed and can
 * be given again: VIPSAFE_SEED=… */
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <vipsafe/base.h>

#include "base/conn.h"

struct rnd {
	uint64_t x;
};

static inline struct rnd rnd_begin(const char *test)
{
	const char *given = getenv("VIPSAFE_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) ^ getpid();

	/* a TAP comment: shown with the log of a failed run */
	printf("# %s: VIPSAFE_SEED=%llu\n", test, (unsigned long long)seed);
	return (struct rnd){ seed | 1 };
}

/* xorshift64* */
static inline uint32_t rnd(struct rnd *r, uint32_t below)
{
	r->x ^= r->x >> 12;
	r->x ^= r->x << 25;
	r->x ^= r->x >> 27;
	return (uint32_t)((r->x * 2685821657736338717ULL) >> 33) % below;
}

static inline void rnd_bytes(struct rnd *r, uint8_t *p, size_t n)
{
	while (n--)
		*p++ = (uint8_t)rnd(r, 256);
}

/* A plausible masqueraded entry: any protocol and family; few addresses, so
 * that random sets have coincidences. */
static inline struct conn rnd_conn(struct rnd *r)
{
	static const uint8_t protos[] = { IPPROTO_TCP,	IPPROTO_UDP, IPPROTO_SCTP,
					  IPPROTO_DCCP, IPPROTO_GRE, IPPROTO_UDPLITE,
					  IPPROTO_ICMP, 47,	     200 };
	uint8_t family = rnd(r, 2) ? AF_INET : AF_INET6;
	uint8_t proto = protos[rnd(r, ARRAY_SIZE(protos))];
	struct tuple orig;
	struct conn c;

	memset(&orig, 0, sizeof(orig));
	memset(&c, 0, sizeof(c));
	orig.src[addr_size(family) - 1] = (uint8_t)(1 + rnd(r, 8));
	orig.dst[addr_size(family) - 1] = (uint8_t)(16 + rnd(r, 8));
	orig.src[0] = orig.dst[0] = family == AF_INET ? 10 : 0xfd;
	if (proto == IPPROTO_ICMP) {
		proto = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		orig.icmp.id = (uint16_t)rnd(r, 65536);
		orig.icmp.type = family == AF_INET ? 8 : 128;
	} else if (l4proto_has_ports(proto)) {
		orig.sport = (uint16_t)rnd(r, 65536);
		orig.dport = (uint16_t)rnd(r, 65536);
	}
	c.key = conn_key_make(family, proto, &orig, (uint16_t)(rnd(r, 4) ? 0 : rnd(r, 100)),
			      (enum conn_zone_dir)rnd(r, 3));
	c.reply = tuple_invert(&orig, proto);
	c.reply.dst[addr_size(family) - 1] = (uint8_t)(32 + rnd(r, 4));
	if (l4proto_has_ports(proto))
		c.reply.dport = (uint16_t)rnd(r, 65536);
	c.status = CONN_CONFIRMED | CONN_SRC_NAT | CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE |
		   (rnd(r, 2) ? CONN_SEEN_REPLY | CONN_ASSURED : 0);
	c.timeout = 1 + rnd(r, 432000);
	c.id = 1 + rnd(r, 0x7fffffff);
	if (proto == IPPROTO_TCP)
		c.tcp_state = (uint8_t)(CONN_TCP_SYN_SENT + rnd(r, 8));
	return c;
}
