/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/conn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

struct conn_key conn_key_make(uint8_t family, uint8_t l4proto, const struct tuple *tuple,
			      uint16_t zone, enum conn_zone_dir zone_dir)
{
	struct conn_key key;

	memset(&key, 0, sizeof(key));
	key.orig = *tuple;
	key.zone = zone;
	key.zone_dir = zone ? (uint8_t)zone_dir : CONN_ZONE_BOTH;
	key.family = family;
	key.l4proto = l4proto;
	return key;
}

bool conn_key_equal(const struct conn_key *a, const struct conn_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool tuple_equal(const struct tuple *a, const struct tuple *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool l4proto_is_icmp(uint8_t l4proto)
{
	return l4proto == IPPROTO_ICMP || l4proto == IPPROTO_ICMPV6;
}

bool l4proto_has_ports(uint8_t l4proto)
{
	switch (l4proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_GRE:
		return true;
	}
	return false;
}

/* The query types the kernel tracks and their answers (nf_conntrack_proto_icmp.c,
 * nf_conntrack_proto_icmpv6.c: invmap). */
static uint8_t icmp_type_invert(uint8_t l4proto, uint8_t type)
{
	static const uint8_t pairs[][3] = {
		{ IPPROTO_ICMP, 8, 0 },	      { IPPROTO_ICMP, 13, 14 },
		{ IPPROTO_ICMP, 15, 16 },     { IPPROTO_ICMP, 17, 18 },
		{ IPPROTO_ICMPV6, 128, 129 }, { IPPROTO_ICMPV6, 139, 140 },
	};
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i][0] != l4proto)
			continue;
		if (pairs[i][1] == type)
			return pairs[i][2];
		if (pairs[i][2] == type)
			return pairs[i][1];
	}
	return type;
}

struct tuple tuple_invert(const struct tuple *t, uint8_t l4proto)
{
	struct tuple inv;

	memset(&inv, 0, sizeof(inv));
	memcpy(inv.src, t->dst, sizeof(inv.src));
	memcpy(inv.dst, t->src, sizeof(inv.dst));
	if (l4proto_is_icmp(l4proto)) {
		inv.icmp.id = t->icmp.id;
		inv.icmp.type = icmp_type_invert(l4proto, t->icmp.type);
		inv.icmp.code = t->icmp.code;
	} else {
		inv.sport = t->dport;
		inv.dport = t->sport;
	}
	return inv;
}

struct addr tuple_src(const struct tuple *t, uint8_t family)
{
	return addr_make(family, t->src);
}

struct addr tuple_dst(const struct tuple *t, uint8_t family)
{
	return addr_make(family, t->dst);
}

const char *l4proto_name(uint8_t l4proto, char buf[8])
{
	switch (l4proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_UDPLITE:
		return "udplite";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_DCCP:
		return "dccp";
	case IPPROTO_GRE:
		return "gre";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	}
	snprintf(buf, 8, "%u", l4proto);
	return buf;
}

/* As conntrack(8) calls them. */
static const char *const conn_state_words[] = {
	[CONN_TCP_NONE] = "NONE",
	[CONN_TCP_SYN_SENT] = "SYN_SENT",
	[CONN_TCP_SYN_RECV] = "SYN_RECV",
	[CONN_TCP_ESTABLISHED] = "ESTABLISHED",
	[CONN_TCP_FIN_WAIT] = "FIN_WAIT",
	[CONN_TCP_CLOSE_WAIT] = "CLOSE_WAIT",
	[CONN_TCP_LAST_ACK] = "LAST_ACK",
	[CONN_TCP_TIME_WAIT] = "TIME_WAIT",
	[CONN_TCP_CLOSE] = "CLOSE",
	[CONN_TCP_SYN_SENT2] = "SYN_SENT2",
	NULL,
};

const char *conn_tcp_state_name(enum conn_tcp_state state)
{
	return word_of(conn_state_words, state);
}

/* "192.168.11.7:33862", "[fd00::1]:80", or the address alone. */
static const char *endpoint_format(const struct addr *a, bool has_port, uint16_t port,
				   char buf[PREFIX_TEXT_MAX])
{
	char text[PREFIX_TEXT_MAX];

	addr_format(a, text);
	if (!has_port)
		snprintf(buf, PREFIX_TEXT_MAX, "%s", text);
	else
		snprintf(buf, PREFIX_TEXT_MAX, a->family == AF_INET6 ? "[%.46s]:%u" : "%.46s:%u",
			 text, ntohs(port));
	return buf;
}

const char *conn_format(const struct conn *c, char buf[CONN_TEXT_MAX])
{
	uint8_t family = c->key.family, proto = c->key.l4proto;
	bool ports = l4proto_has_ports(proto), icmp = l4proto_is_icmp(proto);
	struct addr src = tuple_src(&c->key.orig, family), dst = tuple_dst(&c->key.orig, family);
	struct addr as = tuple_dst(&c->reply, family);
	char name[8], from[PREFIX_TEXT_MAX], to[PREFIX_TEXT_MAX], seen[PREFIX_TEXT_MAX];
	char zone[16] = "", id[24] = "";

	if (c->key.zone)
		snprintf(zone, sizeof(zone), " zone %u", c->key.zone);
	if (icmp)
		snprintf(id, sizeof(id), " id %u", ntohs(c->key.orig.icmp.id));
	endpoint_format(&src, ports, c->key.orig.sport, from);
	endpoint_format(&dst, ports, c->key.orig.dport, to);
	endpoint_format(&as, ports, c->reply.dport, seen);
	snprintf(buf, CONN_TEXT_MAX, "%s %s -> %s as %s%s%s", l4proto_name(proto, name), from, to,
		 seen, id, zone);
	return buf;
}
