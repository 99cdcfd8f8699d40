/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pattern.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/option.h"
#include "base/text.h"

/* ---- values ------------------------------------------------------------------------- */

static const char *const proto_words[] = { "tcp", "udp",  "udplite", "sctp", "dccp",
					   "gre", "icmp", "icmpv6",  NULL };
static const uint8_t protos[] = { IPPROTO_TCP,	IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP,
				  IPPROTO_DCCP, IPPROTO_GRE, IPPROTO_ICMP,    IPPROTO_ICMPV6 };

int pattern_proto(const char *name)
{
	int i = word_find(proto_words, name);

	return i < 0 ? i : protos[i];
}

static int proto_apply(struct pattern *p, const char *value)
{
	int known = pattern_proto(value);
	uint64_t n = 0;

	if (known < 0 && text_number(value, 0, 255, &n) < 0)
		return -EINVAL;
	p->l4proto = known < 0 ? (uint8_t)n : (uint8_t)known;
	return 0;
}

static int src_apply(struct pattern *p, const char *value)
{
	return prefix_parse(value, PREFIX_LEN_OPTIONAL, &p->src);
}

static int dst_apply(struct pattern *p, const char *value)
{
	return prefix_parse(value, PREFIX_LEN_OPTIONAL, &p->dst);
}

static int port_parse(const char *text, uint16_t *ret)
{
	uint64_t n;

	if (text_number(text, 0, 65535, &n) < 0)
		return -EINVAL;
	*ret = (uint16_t)n;
	return 0;
}

static int ports_parse(const char *value, struct pattern_ports *ret)
{
	char first[8];
	size_t len = strcspn(value, "-");

	if (len >= sizeof(first))
		return -EINVAL;
	memcpy(first, value, len);
	first[len] = '\0';
	if (port_parse(first, &ret->first) < 0 ||
	    port_parse(value[len] ? value + len + 1 : first, &ret->last) < 0)
		return -EINVAL;
	return ret->first <= ret->last ? 0 : -EINVAL;
}

static int sport_apply(struct pattern *p, const char *value)
{
	return ports_parse(value, &p->sport);
}

static int dport_apply(struct pattern *p, const char *value)
{
	return ports_parse(value, &p->dport);
}

/* Decimal, or hexadecimal behind 0x. */
static int mark_number(const char *text, uint32_t *ret)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	uint64_t n = 0;

	if (strncmp(text, "0x", 2) != 0) {
		if (text_number(text, 0, UINT32_MAX, &n) < 0)
			return -EINVAL;
	} else {
		text += 2;
		if (!*text || strlen(text) > 8)
			return -EINVAL;
		for (; *text; text++) {
			const char *at = strchr(digits, *text);

			if (!at)
				return -EINVAL;
			n = n * 16 + (uint64_t)(at - digits - (at - digits > 15 ? 6 : 0));
		}
	}
	*ret = (uint32_t)n;
	return 0;
}

static int mark_apply(struct pattern *p, const char *value)
{
	size_t len = strcspn(value, "/");
	char mark[16];

	if (len >= sizeof(mark))
		return -EINVAL;
	memcpy(mark, value, len);
	mark[len] = '\0';
	p->mask = UINT32_MAX;
	if (mark_number(mark, &p->mark) < 0 ||
	    (value[len] && mark_number(value + len + 1, &p->mask) < 0))
		return -EINVAL;
	return p->mark & ~p->mask ? -EINVAL : 0;
}

static int zone_apply(struct pattern *p, const char *value)
{
	return port_parse(value, &p->zone);
}

/* ---- filter words ------------------------------------------------------------------- */

static const struct pattern_row {
	const char *name;
	enum pattern_part part;
	int (*apply)(struct pattern *p, const char *value); /* 0 or negative */
	const char *value;				    /* what it should have been */
} pattern_rows[] = {
	{ "proto", PATTERN_PROTO, proto_apply, "tcp, udp, icmp ... or a number" },
	{ "src", PATTERN_SRC, src_apply, "an address or a prefix" },
	{ "dst", PATTERN_DST, dst_apply, "an address or a prefix" },
	{ "sport", PATTERN_SPORT, sport_apply, "a port or a range such as 1024-2047" },
	{ "dport", PATTERN_DPORT, dport_apply, "a port or a range such as 1024-2047" },
	{ "mark", PATTERN_MARK, mark_apply, "a number, or a number and a mask as 0x10/0xf0" },
	{ "zone", PATTERN_ZONE, zone_apply, "a number up to 65535" },
};

const char *pattern_word(size_t i)
{
	return i < ARRAY_SIZE(pattern_rows) ? pattern_rows[i].name : NULL;
}

int pattern_check(const struct pattern *p, struct request_error *e)
{
	const unsigned ends = PATTERN_SRC | PATTERN_DST;

	if ((p->parts & ends) == ends && p->src.addr.family != p->dst.addr.family)
		return request_error_set(e, "one address is IPv4, the other IPv6");
	if (p->parts & PATTERN_PROTO && p->parts & (PATTERN_SPORT | PATTERN_DPORT) &&
	    !l4proto_has_ports(p->l4proto) && !l4proto_is_icmp(p->l4proto))
		return request_error_set(e, "protocol %u has no ports", p->l4proto);
	return 0;
}

int pattern_apply(struct pattern *p, const char *word, const char *value, struct request_error *e)
{
	const struct pattern_row *row = pattern_rows;

	while (row < pattern_rows + ARRAY_SIZE(pattern_rows) && strcmp(row->name, word) != 0)
		row++;
	if (row == pattern_rows + ARRAY_SIZE(pattern_rows))
		return request_error_set(e, "unknown word " QUOTED, word);
	if (p->parts & row->part)
		return request_error_set(e, QUOTED " is given twice", word);
	if (!value)
		return request_error_set(e, QUOTED " has no value", word);
	if (row->apply(p, value) < 0)
		return request_error_set(e, "%s " QUOTED " is not %s", word, value, row->value);
	p->parts |= row->part;
	return 0;
}

int pattern_words(struct pattern *ret, int argc, char *const argv[], struct request_error *e)
{
	struct pattern p = { 0 };
	int i;

	for (i = 0; i < argc; i += 2)
		if (pattern_apply(&p, argv[i], i + 1 < argc ? argv[i + 1] : NULL, e) < 0)
			return -EINVAL;
	if (pattern_check(&p, e) < 0)
		return -EINVAL;
	*ret = p;
	return 0;
}

/* Append words to BUF. */
static void _printf_(2, 3) pattern_put(char buf[PATTERN_WORDS_MAX], const char *fmt, ...)
{
	size_t n = strlen(buf);
	va_list ap;

	if (n)
		buf[n++] = ' ';
	va_start(ap, fmt);
	vsnprintf(buf + n, PATTERN_WORDS_MAX - n, fmt, ap);
	va_end(ap);
}

static void pattern_put_ports(char buf[PATTERN_WORDS_MAX], const char *word,
			      const struct pattern_ports *p)
{
	if (p->first == p->last)
		pattern_put(buf, "%s %u", word, p->first);
	else
		pattern_put(buf, "%s %u-%u", word, p->first, p->last);
}

const char *pattern_format(const struct pattern *p, char buf[PATTERN_WORDS_MAX])
{
	char text[PREFIX_TEXT_MAX];

	*buf = '\0';
	if (p->parts & PATTERN_PROTO)
		pattern_put(buf, "proto %s", l4proto_name(p->l4proto, text));
	if (p->parts & PATTERN_SRC)
		pattern_put(buf, "src %s", prefix_format(&p->src, text));
	if (p->parts & PATTERN_DST)
		pattern_put(buf, "dst %s", prefix_format(&p->dst, text));
	if (p->parts & PATTERN_SPORT)
		pattern_put_ports(buf, "sport", &p->sport);
	if (p->parts & PATTERN_DPORT)
		pattern_put_ports(buf, "dport", &p->dport);
	if (p->parts & PATTERN_MARK && p->mask == UINT32_MAX)
		pattern_put(buf, "mark 0x%x", p->mark);
	else if (p->parts & PATTERN_MARK)
		pattern_put(buf, "mark 0x%x/0x%x", p->mark, p->mask);
	if (p->parts & PATTERN_ZONE)
		pattern_put(buf, "zone %u", p->zone);
	return buf;
}

/* ---- matching ----------------------------------------------------------------------- */

static bool ports_match(const struct pattern_ports *p, uint16_t be_port)
{
	return ntohs(be_port) >= p->first && ntohs(be_port) <= p->last;
}

/* FROM is the tuple of the packets meant, of L4PROTO. */
static bool tuple_matches(const struct pattern *p, const struct tuple *from, uint8_t family,
			  uint8_t l4proto)
{
	const bool icmp = l4proto_is_icmp(l4proto), ports = l4proto_has_ports(l4proto);
	struct addr src = tuple_src(from, family), dst = tuple_dst(from, family);

	if (p->parts & PATTERN_SRC && !prefix_covers(&p->src, &src))
		return false;
	if (p->parts & PATTERN_DST && !prefix_covers(&p->dst, &dst))
		return false;
	if (p->parts & PATTERN_SPORT &&
	    !((icmp || ports) && ports_match(&p->sport, icmp ? from->icmp.id : from->sport)))
		return false;
	return !(p->parts & PATTERN_DPORT) || (ports && ports_match(&p->dport, from->dport));
}

bool pattern_matches(const struct pattern *p, const struct conn *c, uint32_t mark)
{
	const uint8_t family = c->key.family, l4proto = c->key.l4proto;
	struct tuple back;

	if (p->parts & PATTERN_PROTO && p->l4proto != l4proto)
		return false;
	if (p->parts & PATTERN_ZONE && p->zone != c->key.zone)
		return false;
	if (p->parts & PATTERN_MARK && (mark & p->mask) != p->mark)
		return false;
	if (tuple_matches(p, &c->key.orig, family, l4proto))
		return true;
	if (!p->any_side)
		return false;
	if (tuple_matches(p, &c->reply, family, l4proto))
		return true;
	back = tuple_invert(&c->key.orig, l4proto);
	if (tuple_matches(p, &back, family, l4proto))
		return true;
	back = tuple_invert(&c->reply, l4proto);
	return tuple_matches(p, &back, family, l4proto);
}
