/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages and their attributes, read with their bounds checked and
 * written into a buffer of the caller's; pure. In place of libnl's because half
 * a million entries are read and written with them. */
#pragma once

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/netlink.h>

#include <vipsafe/base.h>

/* ---- reading ------------------------------------------------------------------------ */

/* Is there a whole message at NLH, in the LEFT bytes from there on? For use
 * with NLMSG_NEXT(), which makes LEFT negative behind a last message whose
 * length is no multiple of four: to NLMSG_OK(), with the cast that compilers
 * ask for, that is four gigabytes. */
static inline bool message_is_whole(const struct nlmsghdr *nlh, int left)
{
	return left >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
	       nlh->nlmsg_len <= (uint32_t)left;
}

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

/* The attribute at *P with *LEN bytes left, both of which are moved on. NULL at
 * the end, with less than NLA_HDRLEN left, or where it is malformed. */
static inline const struct nlattr *attr_next(const uint8_t **p, size_t *len)
{
	const struct nlattr *a = (const void *)*p;
	size_t step;

	if (*len < NLA_HDRLEN || a->nla_len < NLA_HDRLEN || a->nla_len > *len)
		return NULL;
	step = MIN((size_t)NLA_ALIGN(a->nla_len), *len);
	*p += step;
	*len -= step;
	return a;
}

/* Collect the attributes in [DATA, DATA + LEN) by type; higher types than MAX are
 * skipped, of a type given twice the last counts. False: malformed. */
static inline bool attrs_parse(const void *data, size_t len, const struct nlattr **ret,
			       uint16_t max)
{
	const uint8_t *p = data;
	const struct nlattr *a;

	clear_bytes(ret, sizeof(*ret) * (max + 1U));
	while ((a = attr_next(&p, &len)))
		if (attr_type(a) <= max)
			ret[attr_type(a)] = a;
	return len < NLA_HDRLEN;
}

static inline bool nest_parse(const struct nlattr *a, const struct nlattr **ret, uint16_t max)
{
	return attrs_parse(attr_data(a), attr_len(a), ret, max);
}

/* Those of a message, behind the HEAD bytes of its family's own header. False: it
 * is shorter than that, or malformed. */
static inline bool message_parse(const struct nlmsghdr *nlh, size_t head, const struct nlattr **ret,
				 uint16_t max)
{
	size_t at = NLMSG_SPACE(head);

	return nlh->nlmsg_len >= at &&
	       attrs_parse((const uint8_t *)nlh + at, nlh->nlmsg_len - at, ret, max);
}

/* Copy exactly SIZE bytes of an attribute's value. False: absent or shorter. */
static inline bool attr_read(const struct nlattr *a, void *ret, size_t size)
{
	if (!a || attr_len(a) < size)
		return false;
	memcpy(ret, attr_data(a), size);
	return true;
}

/* The value, or OTHERWISE when it is absent. */
static inline uint32_t attr_u32(const struct nlattr *a, uint32_t otherwise)
{
	uint32_t v;

	return attr_read(a, &v, sizeof(v)) ? v : otherwise;
}

/* A string attribute that really ends, or NULL. */
static inline const char *attr_text(const struct nlattr *a)
{
	return a && memchr(attr_data(a), '\0', attr_len(a)) ? attr_data(a) : NULL;
}

/* ---- writing ------------------------------------------------------------------------ */

/* A message or a run of attributes under construction. Once something did not
 * fit, full stays set and nothing more is written. */
struct attr_buf {
	uint8_t *data;
	size_t len, size;
	bool full;
};

static _always_inline_ void *buf_reserve(struct attr_buf *b, size_t len)
{
	void *p = b->data + b->len;
	size_t aligned = NLA_ALIGN(len);

	if (b->full || b->size - b->len < aligned) {
		b->full = true;
		return NULL;
	}
	if (aligned != len) /* the padding; the rest is the caller's to write */
		memset((uint8_t *)p + aligned - NLA_ALIGNTO, 0, NLA_ALIGNTO);
	b->len += aligned;
	return p;
}

/* Append LEN bytes that are no attribute. */
static inline void buf_raw(struct attr_buf *b, const void *data, size_t len)
{
	void *p = buf_reserve(b, len);

	if (p)
		memcpy(p, data, len);
}

/* Begin a message with the LEN bytes of its family's own header HEAD. FLAGS are
 * added to NLM_F_REQUEST. Returns its offset for message_end(). */
static inline size_t message_begin(struct attr_buf *b, uint16_t type, uint16_t flags, uint32_t seq,
				   const void *head, size_t len)
{
	const struct nlmsghdr nlh = {
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
		.nlmsg_seq = seq,
	};
	size_t at = b->len;

	buf_raw(b, &nlh, sizeof(nlh));
	buf_raw(b, head, len);
	return at;
}

static inline void message_end(struct attr_buf *b, size_t at)
{
	if (!b->full)
		((struct nlmsghdr *)(void *)(b->data + at))->nlmsg_len = (uint32_t)(b->len - at);
}

static _always_inline_ void buf_put(struct attr_buf *b, uint16_t type, const void *value,
				    size_t len)
{
	struct nlattr *a = buf_reserve(b, NLA_HDRLEN + len);

	if (!a)
		return;
	a->nla_type = type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + len);
	memcpy((uint8_t *)a + NLA_HDRLEN, value, len);
}

static inline void buf_text(struct attr_buf *b, uint16_t type, const char *value)
{
	buf_put(b, type, value, strlen(value) + 1);
}

static inline void buf_u32(struct attr_buf *b, uint16_t type, uint32_t value)
{
	buf_put(b, type, &value, sizeof(value));
}

static inline void buf_be32(struct attr_buf *b, uint16_t type, uint32_t value)
{
	buf_u32(b, type, htonl(value));
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
	buf_raw(b, a, a->nla_len);
}
