/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps and flows of the tests of core's LVS parts, written as text. */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lvs/collide.h"

struct end {
	struct addr addr;
	uint16_t port;
};

/* "10.9.9.1:3306", "[fd00::1]:443". */
static inline struct end end_of(const char *text)
{
	char addr[64];
	const char *colon = strrchr(text, ':');
	size_t n = (size_t)(colon - text);
	struct end e;

	if (*text == '[')
		text++, n -= 2;
	memcpy(addr, text, n);
	addr[n] = '\0';
	assert_int_equal(addr_parse(addr, &e.addr), 0);
	e.port = (uint16_t)atoi(colon + 1);
	return e;
}

static inline struct lvs_match match_of(uint8_t proto, const char *vip)
{
	struct end e = end_of(vip);

	return (struct lvs_match){
		.l4proto = proto, .port = e.port, .first = e.addr, .last = e.addr
	};
}

static inline uint32_t add_service(struct lvs_map *m, const char *vip, enum lvs_method method,
				   enum lvs_toa toa)
{
	struct lvs_service s = { .method = method, .toa = toa };
	struct lvs_match match = match_of(IPPROTO_TCP, vip);
	int service;

	if (!lvs_map_source_of(m, 0))
		assert_int_equal(lvs_map_add_source(m, LVS_FROM_INI, "test", 0), 0);
	service = lvs_map_add_service(m, &s);
	assert_true(service >= 0);
	assert_true(lvs_map_add_match(m, (uint32_t)service, &match) >= 0);
	return (uint32_t)service;
}

static inline void add_real(struct lvs_map *m, uint32_t service, const char *rs,
			    enum lvs_method method, uint32_t weight)
{
	struct end e = end_of(rs);
	struct lvs_real r = { .port = e.port, .method = method, .weight = weight };

	r.addr = e.addr;
	assert_true(lvs_map_add_real(m, service, &r) >= 0);
}

/* One service with one real server. */
static inline struct lvs_map *map_of(const char *vip, enum lvs_method method, enum lvs_toa toa,
				     const char *rs)
{
	struct lvs_map *m = lvs_map_new();

	assert_non_null(m);
	add_real(m, add_service(m, vip, method, toa), rs, method, 1);
	assert_int_equal(lvs_map_finish(m), 0);
	return m;
}

static inline struct flow flow_of(uint8_t proto, const char *client, const char *dest,
				  enum flow_state state)
{
	struct end c = end_of(client), d = end_of(dest);
	struct flow f = {
		.family = c.addr.family,
		.l4proto = proto,
		.state = (uint8_t)state,
		.origin = FLOW_SOCKET,
		.cport = c.port,
		.dport = d.port,
	};

	memcpy(f.client, c.addr.bytes, sizeof(f.client));
	memcpy(f.dest, d.addr.bytes, sizeof(f.dest));
	return f;
}

/* An entry of conntrack: ORIG_SRC -> ORIG_DST, answered REPLY_SRC -> REPLY_DST. */
static inline struct conn conn_of(uint8_t proto, const char *orig_src, const char *orig_dst,
				  const char *reply_src, const char *reply_dst,
				  enum conn_tcp_state state)
{
	struct end os = end_of(orig_src), od = end_of(orig_dst);
	struct end rs = end_of(reply_src), rd = end_of(reply_dst);
	struct tuple t;
	struct conn c;

	memset(&t, 0, sizeof(t));
	memset(&c, 0, sizeof(c));
	memcpy(t.src, os.addr.bytes, 16), memcpy(t.dst, od.addr.bytes, 16);
	t.sport = htons(os.port), t.dport = htons(od.port);
	c.key = conn_key_make(os.addr.family, proto, &t, 0, CONN_ZONE_BOTH);
	memcpy(c.reply.src, rs.addr.bytes, 16), memcpy(c.reply.dst, rd.addr.bytes, 16);
	c.reply.sport = htons(rs.port), c.reply.dport = htons(rd.port);
	c.status = CONN_CONFIRMED | CONN_SEEN_REPLY | CONN_ASSURED;
	c.tcp_state = (uint8_t)state;
	return c;
}

/* What a listing found. */
struct found {
	struct collision last;
	int n;
};

static inline int on_collision(void *ud, const struct collision *c)
{
	struct found *f = ud;

	f->last = *c;
	f->n++;
	return 0;
}

static inline struct found find_all(const struct collide *c)
{
	struct found f = { .n = 0 };
	uint64_t unseen;

	assert_int_equal(collide_each(c, on_collision, &f, &unseen), 0);
	assert_int_equal(unseen, 0);
	return f;
}

/* Those of the picture: a client, two services, and the server behind both. */
#define C "192.168.11.7:61902"
#define VIP "10.141.16.0:3306"
#define VIP2 "10.141.16.1:3306"
#define RS "10.112.61.163:3269"
#define RS_OTHER "10.112.61.163:3270"

static inline void put(struct collide *c, struct flow f)
{
	assert_int_equal(collide_add(c, &f), 0);
}

static inline void put_conn(struct collide *c, struct conn conn)
{
	assert_int_equal(collide_add_conn(c, &conn, FLOW_CONNTRACK, 0), 0);
}

/* A connection without translation, as conntrack has it. */
static inline struct conn plain_conn(const char *src, const char *dst, enum conn_tcp_state state)
{
	return conn_of(IPPROTO_TCP, src, dst, dst, src, state);
}

/* A row of ip_vs_conn. */
static inline struct flow row_of(const char *client, const char *vip, const char *rs)
{
	struct flow f = flow_of(IPPROTO_TCP, client, vip, FLOW_ESTABLISHED);
	struct end e = end_of(rs);

	f.origin = FLOW_IPVS;
	f.has_rs = true;
	f.rs = e.addr;
	f.rport = e.port;
	return f;
}
