/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

#include "base/array.h"

size_t addr_size(uint8_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

struct addr addr_make(uint8_t family, const void *bytes)
{
	struct addr a = { .family = family };

	if (family == AF_INET)
		memcpy(a.bytes, bytes, 4);
	else
		memcpy(a.bytes, bytes, addr_size(family));
	return a;
}

int addr_parse(const char *text, struct addr *ret)
{
	struct addr a = { 0 };

	a.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(a.family, text, a.bytes) != 1)
		return -EINVAL;
	*ret = a;
	return 0;
}

/* Parse a decimal prefix length, without sign, space or leading zero. */
static int length_parse(const char *text, unsigned max, uint8_t *ret)
{
	unsigned n = 0;
	size_t i;

	if (!text[0] || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (i = 0; text[i]; i++) {
		if (text[i] < '0' || text[i] > '9' || i >= 3)
			return -EINVAL;
		n = n * 10 + (unsigned)(text[i] - '0');
	}
	if (n > max)
		return -EINVAL;
	*ret = (uint8_t)n;
	return 0;
}

int prefix_parse(const char *text, enum prefix_form form, struct prefix *ret)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char buf[PREFIX_TEXT_MAX];
	struct prefix p;
	int r;

	if (n >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, n);
	buf[n] = '\0';
	r = addr_parse(buf, &p.addr);
	if (r < 0)
		return r;
	p.len = (uint8_t)(addr_size(p.addr.family) * 8);
	if (slash) {
		r = length_parse(slash + 1, p.len, &p.len);
		if (r < 0)
			return r;
	} else if (form == PREFIX_LEN_REQUIRED) {
		return -EDESTADDRREQ;
	}
	*ret = p;
	return 0;
}

const char *addr_format(const struct addr *a, char buf[PREFIX_TEXT_MAX])
{
	if (!addr_size(a->family) || !inet_ntop(a->family, a->bytes, buf, PREFIX_TEXT_MAX))
		snprintf(buf, PREFIX_TEXT_MAX, "?");
	return buf;
}

const char *prefix_format(const struct prefix *p, char buf[PREFIX_TEXT_MAX])
{
	size_t n;

	addr_format(&p->addr, buf);
	n = strlen(buf);
	snprintf(buf + n, PREFIX_TEXT_MAX - n, "/%u", p->len);
	return buf;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, addr_size(a->family));
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_equal(&a->addr, &b->addr);
}

bool prefix_covers(const struct prefix *p, const struct addr *a)
{
	unsigned whole = p->len / 8, rest = p->len % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (p->addr.family != a->family || memcmp(p->addr.bytes, a->bytes, whole))
		return false;
	return !rest || !((p->addr.bytes[whole] ^ a->bytes[whole]) & mask);
}

bool addr_is_usable(const struct addr *a)
{
	static const uint8_t unspecified[16];
	static const uint8_t loopback6[16] = { [15] = 1 };

	if (!addr_size(a->family) || !memcmp(a->bytes, unspecified, addr_size(a->family)))
		return false;
	if (a->family == AF_INET)
		return a->bytes[0] != 127 && a->bytes[0] != 0 && a->bytes[0] < 224;
	return a->bytes[0] != 0xff && memcmp(a->bytes, loopback6, sizeof(loopback6));
}

bool addr_is_multicast(const struct addr *a)
{
	return a->family == AF_INET ? a->bytes[0] >> 4 == 0xe
				    : a->family == AF_INET6 && a->bytes[0] == 0xff;
}

struct addr prefix_broadcast(const struct prefix *p)
{
	struct addr a = p->addr;
	unsigned bit;

	for (bit = p->len; bit < 32; bit++)
		a.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return a;
}

void addrset_done(struct addrset *s)
{
	free(s->addrs);
	*s = (struct addrset){ 0 };
}

/* The index of A, or where it is to be inserted. */
static size_t addrset_place(const struct addrset *s, const struct addr *a)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(&s->addrs[mid], a, sizeof(*a)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Up to so many are compared one after the other: every entry of a table is looked for, and a
 * node has few. */
#define FEW 8

bool addrset_has_bytes(const struct addrset *s, uint8_t family, const uint8_t bytes[16])
{
	struct addr a;
	size_t i;

	for (i = 0; s->n <= FEW && i < s->n; i++)
		if (s->addrs[i].family == family && !memcmp(s->addrs[i].bytes, bytes, 16))
			return true;
	if (s->n <= FEW)
		return false;
	a = addr_make(family, bytes);
	i = addrset_place(s, &a);
	return i < s->n && !memcmp(&s->addrs[i], &a, sizeof(a));
}

bool addrset_has(const struct addrset *s, const struct addr *a)
{
	return addrset_has_bytes(s, a->family, a->bytes);
}

int addrset_add(struct addrset *s, const struct addr *a)
{
	size_t i = addrset_place(s, a);

	if (i < s->n && !memcmp(&s->addrs[i], a, sizeof(*a)))
		return 0;
	if (!array_append(&s->addrs, &s->n, sizeof(*a)))
		return -ENOMEM;
	memmove(&s->addrs[i + 1], &s->addrs[i], (s->n - 1 - i) * sizeof(*a));
	s->addrs[i] = *a;
	return 0;
}

void addrset_remove(struct addrset *s, const struct addr *a)
{
	size_t i = addrset_place(s, a);

	if (i == s->n || memcmp(&s->addrs[i], a, sizeof(*a)))
		return;
	s->n--;
	memmove(&s->addrs[i], &s->addrs[i + 1], (s->n - i) * sizeof(*a));
}
