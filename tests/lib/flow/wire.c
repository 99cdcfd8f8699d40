/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

/* Precedes the text in every raw packet: other packets of that protocol
 * (the kernel's own, neighbour discovery) are none of ours. */
static const uint8_t magic[4] = { 'f', 'l', 'o', 'w' };

#define GRE_LEN 4
#define ICMP_LEN 8
#define SCTP_LEN 16	   /* common header and the header of one chunk */
#define SCTP_VTAG 0x766970 /* any, but the same in both directions */

enum sctp_chunk {
	SCTP_HEARTBEAT = 4,
	SCTP_HEARTBEAT_ACK = 5,
};

static const struct {
	const char *name;
	int proto, type;
	bool has_port;
} protocols[] = {
	{ "tcp", IPPROTO_TCP, SOCK_STREAM, true },	  { "udp", IPPROTO_UDP, SOCK_DGRAM, true },
	{ "udplite", IPPROTO_UDPLITE, SOCK_DGRAM, true }, { "icmp", IPPROTO_ICMP, SOCK_RAW, true },
	{ "sctp", IPPROTO_SCTP, SOCK_RAW, true },	  { "gre", IPPROTO_GRE, SOCK_RAW, false },
};

bool wire_parse(const char *name, int family, struct wire *ret)
{
	char *end;
	long n;

	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (!strcmp(name, protocols[i].name)) {
			*ret = (struct wire){ protocols[i].proto, protocols[i].type, family,
					      protocols[i].has_port };
			if (ret->proto == IPPROTO_ICMP && family == AF_INET6)
				ret->proto = IPPROTO_ICMPV6;
			return true;
		}
	n = strtol(name, &end, 10);
	if (!*name || *end || n < 1 || n > 254)
		return false;
	*ret = (struct wire){ (int)n, SOCK_RAW, family, false };
	return true;
}

bool wire_address(const char *addr, const char *port, union sockaddr_any *ret)
{
	char *end;
	long n = strtol(port, &end, 10);

	if (!*port || *end || n < 0 || n > 65535)
		return false;
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, addr, &ret->in.sin_addr) == 1)
		ret->sa.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, addr, &ret->in6.sin6_addr) == 1)
		ret->sa.sa_family = AF_INET6;
	else
		return false;
	wire_set_port(ret, (uint16_t)n);
	return true;
}

socklen_t wire_address_len(const union sockaddr_any *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

uint16_t wire_port(const union sockaddr_any *a)
{
	return ntohs(a->sa.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}

void wire_set_port(union sockaddr_any *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET)
		a->in.sin_port = htons(port);
	else
		a->in6.sin6_port = htons(port);
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint16_t internet_checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* SCTP's checksum (RFC 9260 appendix A), bit by bit: the packets are small. */
static uint32_t crc32c(const uint8_t *p, size_t len)
{
	uint32_t crc = 0xffffffff;

	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static size_t header_len(const struct wire *w)
{
	switch (w->proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return ICMP_LEN;
	case IPPROTO_SCTP:
		return SCTP_LEN;
	case IPPROTO_GRE:
		return GRE_LEN;
	}
	return 0;
}

static uint8_t icmp_type(const struct wire *w, bool request)
{
	if (w->proto == IPPROTO_ICMP)
		return request ? ICMP_ECHO : ICMP_ECHOREPLY;
	return request ? ICMP6_ECHO_REQUEST : ICMP6_ECHO_REPLY;
}

static void pack_sctp(uint8_t *buf, size_t len, bool request, uint16_t sport, uint16_t dport)
{
	uint32_t crc;

	put16(buf, sport);
	put16(buf + 2, dport);
	put16(buf + 4, SCTP_VTAG >> 16);
	put16(buf + 6, SCTP_VTAG & 0xffff);
	buf[12] = request ? SCTP_HEARTBEAT : SCTP_HEARTBEAT_ACK;
	put16(buf + 14, (unsigned)(len - 12));
	crc = crc32c(buf, len);
	for (int i = 0; i < 4; i++) /* the one field that goes low byte first */
		buf[8 + i] = (uint8_t)(crc >> 8 * i);
}

size_t wire_pack(const struct wire *w, bool request, uint16_t sport, uint16_t dport,
		 const char *text, uint8_t buf[WIRE_PACKET_MAX])
{
	size_t head = header_len(w), text_len = strnlen(text, WIRE_TEXT_MAX - 1), len;

	memset(buf, 0, WIRE_PACKET_MAX);
	memcpy(buf + head, magic, sizeof(magic));
	memcpy(buf + head + sizeof(magic), text, text_len);
	/* chunks are padded to four bytes */
	len = (head + sizeof(magic) + text_len + 3) & ~(size_t)3;
	switch (w->proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		buf[0] = icmp_type(w, request);
		put16(buf + 4, request ? sport : dport);
		if (w->proto == IPPROTO_ICMP) /* the kernel fills in ICMPv6's */
			put16(buf + 2, internet_checksum(buf, len));
		break;
	case IPPROTO_SCTP:
		pack_sctp(buf, len, request, sport, dport);
		break;
	case IPPROTO_GRE:
		put16(buf + 2, 0x88b5); /* "local experimental" payload */
		break;
	}
	return len;
}

bool wire_unpack(const struct wire *w, bool request, const uint8_t *buf, size_t len,
		 uint16_t *ret_sport, uint16_t *ret_dport, char ret_text[WIRE_TEXT_MAX])
{
	size_t head = header_len(w), ip_len;
	uint16_t sport = 0, dport = 0;

	if (w->family == AF_INET) { /* raw IPv4 sockets deliver the IP header too */
		ip_len = len ? (buf[0] & 15u) * 4 : 0;
		if (ip_len < 20 || len < ip_len)
			return false;
		buf += ip_len;
		len -= ip_len;
	}
	if (len < head + sizeof(magic) || memcmp(buf + head, magic, sizeof(magic)))
		return false;
	if (w->proto == IPPROTO_ICMP || w->proto == IPPROTO_ICMPV6) {
		if (buf[0] != icmp_type(w, request))
			return false;
		sport = dport = get16(buf + 4);
	} else if (w->proto == IPPROTO_SCTP) {
		sport = get16(buf);
		dport = get16(buf + 2);
	}
	buf += head + sizeof(magic);
	len -= head + sizeof(magic);
	if (len >= WIRE_TEXT_MAX)
		return false;
	memcpy(ret_text, buf, len);
	ret_text[len] = '\0';
	*ret_sport = sport;
	*ret_dport = dport;
	return true;
}
