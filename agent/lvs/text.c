/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/text.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/text.h"

/* Copy the N bytes at TEXT. */
static int lvs_text_cut(const char *text, size_t n, char *buf, size_t size)
{
	if (n >= size)
		return -EINVAL;
	memcpy(buf, text, n);
	buf[n] = '\0';
	return 0;
}

/* Whether what stands before COLON is complete without it: "fd00::1:80". */
static bool ends_like_port(const char *text, const char *colon)
{
	char host[2 * PREFIX_TEXT_MAX];
	struct addr first, last;
	uint64_t port;

	return text_number(colon + 1, 0, UINT16_MAX, &port) == 0 &&
	       lvs_text_cut(text, (size_t)(colon - text), host, sizeof(host)) == 0 &&
	       lvs_range_parse(host, &first, &last) == 0;
}

/* What stands before the port goes to HOST. */
static int split_port(const char *text, char *host, size_t size, uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':'), *close = strchr(text, ']');
	uint64_t port = 0;
	size_t n;

	if (*text == '[') {
		if (!close || (close[1] && close[1] != ':'))
			return -EINVAL;
		colon = close[1] ? close + 1 : NULL;
		text++;
		n = (size_t)(close - text);
	} else {
		/* more than one: an IPv6 address without brackets has no port, or it would not be
		 * clear what is one */
		if (colon && strchr(text, ':') != colon) {
			if (ends_like_port(text, colon))
				return -EINVAL;
			colon = NULL;
		}
		n = colon ? (size_t)(colon - text) : strlen(text);
	}
	if (colon && text_number(colon + 1, 0, UINT16_MAX, &port) < 0)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return lvs_text_cut(text, n, host, size);
}

int lvs_endpoint_parse(const char *text, struct addr *ret_addr, uint16_t *ret_port)
{
	char host[PREFIX_TEXT_MAX];
	uint16_t port;

	if (split_port(text, host, sizeof(host), &port) < 0 || addr_parse(host, ret_addr) < 0)
		return -EINVAL;
	*ret_port = port;
	return 0;
}

/* Every address of P. */
static void spread(const struct prefix *p, struct addr *first, struct addr *last)
{
	unsigned bit;

	*first = *last = p->addr;
	for (bit = p->len; bit < 8 * addr_size(p->addr.family); bit++) {
		first->bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		last->bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
}

/* The last address of a range: all of it, or its last part alone. */
static int parse_last(const char *text, const struct addr *first, struct addr *ret)
{
	char whole[2 * PREFIX_TEXT_MAX];
	size_t at;

	if (addr_parse(text, ret) == 0)
		return ret->family == first->family ? 0 : -EINVAL;
	if (strpbrk(text, ".:") || strlen(text) >= PREFIX_TEXT_MAX)
		return -EINVAL;
	addr_format(first, whole);
	at = (size_t)(strrchr(whole, first->family == AF_INET ? '.' : ':') + 1 - whole);
	snprintf(whole + at, sizeof(whole) - at, "%s", text);
	return addr_parse(whole, ret);
}

int lvs_range_parse(const char *text, struct addr *ret_first, struct addr *ret_last)
{
	const char *dash = strchr(text, '-');
	char start[PREFIX_TEXT_MAX];
	struct addr first, last;
	struct prefix p;

	if (!dash) {
		if (prefix_parse(text, PREFIX_LEN_OPTIONAL, &p) < 0)
			return -EINVAL;
		spread(&p, ret_first, ret_last);
		return 0;
	}
	if (lvs_text_cut(text, (size_t)(dash - text), start, sizeof(start)) < 0 ||
	    addr_parse(start, &first) < 0 || parse_last(dash + 1, &first, &last) < 0 ||
	    memcmp(first.bytes, last.bytes, sizeof(first.bytes)) > 0)
		return -EINVAL;
	*ret_first = first;
	*ret_last = last;
	return 0;
}

int lvs_match_parse(const char *text, struct addr *ret_first, struct addr *ret_last,
		    uint16_t *ret_port)
{
	char host[2 * PREFIX_TEXT_MAX];
	uint16_t port;

	if (split_port(text, host, sizeof(host), &port) < 0 ||
	    lvs_range_parse(host, ret_first, ret_last) < 0)
		return -EINVAL;
	*ret_port = port;
	return 0;
}

int lvs_proto_parse(const char *text, uint8_t *ret)
{
	if (!strcasecmp(text, "tcp"))
		*ret = IPPROTO_TCP;
	else if (!strcasecmp(text, "udp"))
		*ret = IPPROTO_UDP;
	else if (!strcasecmp(text, "sctp"))
		*ret = IPPROTO_SCTP;
	else
		return -EINVAL;
	return 0;
}

const char *lvs_endpoint_format(const struct addr *addr, uint16_t port, char buf[LVS_ENDPOINT_MAX])
{
	char text[PREFIX_TEXT_MAX];

	snprintf(buf, LVS_ENDPOINT_MAX, addr->family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		 addr_format(addr, text), port);
	return buf;
}

const char *lvs_bytes_format(uint8_t family, const uint8_t *addr, uint16_t port,
			     char buf[LVS_ENDPOINT_MAX])
{
	struct addr a = addr_make(family, addr);

	return lvs_endpoint_format(&a, port, buf);
}

const char *lvs_range_format(const struct addr *first, const struct addr *last, uint16_t port,
			     char buf[LVS_RANGE_MAX])
{
	char a[PREFIX_TEXT_MAX], b[PREFIX_TEXT_MAX];

	if (addr_equal(first, last))
		return lvs_endpoint_format(first, port, buf);
	snprintf(buf, LVS_RANGE_MAX, first->family == AF_INET6 ? "[%s-%s]:%u" : "%s-%s:%u",
		 addr_format(first, a), addr_format(last, b), port);
	return buf;
}
