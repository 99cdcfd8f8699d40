/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bounds-checked reading and writing of netlink attributes, and the numbers of
 * ctnetlink that older kernel headers lack. Private to the codec. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/netlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <vipsafe/base.h>

/* Later than the headers of RHEL 7 (3.10): the values are ABI. */
enum {
	CT_ATTR_SYNPROXY = 24,	/* CTA_SYNPROXY, Linux 4.19 */
	CT_ATTR_TUPLE_ZONE = 3, /* CTA_TUPLE_ZONE, Linux 4.4 */
	CT_ATTR_MAX = 24,	/* the last one we read */
};

/* TCP flags as ctnetlink carries them, per direction. */
struct ct_tcp_flags {
	uint8_t flags, mask;
};

enum {
	CT_TCP_WINDOW_SCALE = 0x01,
	CT_TCP_SACK_PERM = 0x02,
	CT_TCP_CLOSE_INIT = 0x04,
	CT_TCP_BE_LIBERAL = 0x08,
};

static inline uint16_t attr_type(const struct nlattr *a)
{
	return a->nla_type & NLA_TYPE_MASK;
}

static inline size_t attr_len(const struct nlattr *a)
{
	return a->nla_len - (size_t)NLA_HDRLEN;
}

static inline const void *attr_data(const struct nlattr *a)
{
	return (const uint8_t *)a + NLA_HDRLEN;
}

/* Collect the attributes in [DATA, DATA + LEN) by type; higher types are
 * skipped, of a type given twice the last counts. False: malformed. */
static inline bool attrs_parse(const void *data, size_t len, const struct nlattr **ret,
			       uint16_t max)
{
	const uint8_t *p = data;

	memset(ret, 0, sizeof(*ret) * (max + 1U));
	while (len >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)p;
		size_t step;

		if (a->nla_len < NLA_HDRLEN || a->nla_len > len)
			return false;
		if (attr_type(a) <= max)
			ret[attr_type(a)] = a;
		step = MIN((size_t)NLA_ALIGN(a->nla_len), len);
		p += step;
		len -= step;
	}
	return true;
}

static inline bool nest_parse(const struct nlattr *a, const struct nlattr **ret, uint16_t max)
{
	return attrs_parse(attr_data(a), attr_len(a), ret, max);
}

/* Copy exactly SIZE bytes of an attribute's value. False: absent or shorter. */
static inline bool attr_read(const struct nlattr *a, void *ret, size_t size)
{
	if (!a || attr_len(a) < size)
		return false;
	memcpy(ret, attr_data(a), size);
	return true;
}

/* A message or a run of attributes under construction. Once something did not
 * fit, full stays set and nothing more is written. */
struct attr_buf {
	uint8_t *data;
	size_t len, size;
	bool full;
};

static inline void *buf_reserve(struct attr_buf *b, size_t len)
{
	void *p = b->data + b->len;
	size_t aligned = NLA_ALIGN(len);

	if (b->full || b->size - b->len < aligned) {
		b->full = true;
		return NULL;
	}
	memset((uint8_t *)p + len, 0, aligned - len);
	b->len += aligned;
	return p;
}

static inline void buf_put(struct attr_buf *b, uint16_t type, const void *value, size_t len)
{
	struct nlattr *a = buf_reserve(b, NLA_HDRLEN + len);

	if (!a)
		return;
	a->nla_type = type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + len);
	memcpy((uint8_t *)a + NLA_HDRLEN, value, len);
}

/* Open a nest and return its offset for buf_nest_end(). */
static inline size_t buf_nest(struct attr_buf *b, uint16_t type)
{
	size_t at = b->len;
	struct nlattr *a = buf_reserve(b, NLA_HDRLEN);

	if (a)
		a->nla_type = type | NLA_F_NESTED;
	return at;
}

static inline void buf_nest_end(struct attr_buf *b, size_t at)
{
	if (!b->full)
		((struct nlattr *)(void *)(b->data + at))->nla_len = (uint16_t)(b->len - at);
}

/* Append A as it stands. */
static inline void buf_copy(struct attr_buf *b, const struct nlattr *a)
{
	void *p = buf_reserve(b, a->nla_len);

	if (p)
		memcpy(p, a, a->nla_len);
}
