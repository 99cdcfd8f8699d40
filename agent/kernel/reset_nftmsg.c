/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/reset_nftmsg.h"

#include <endian.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/netfilter.h>

#include "kernel/nfmsg.h"
#include "kernel/nftattr.h"

#define TABLE_NAME_MAX 32

/* In front of the hold, which would drop those packets first; after conntrack. */
#define PRIORITY (-151)

#define CHUNK 256 /* elements of up to 64 bytes in one list of less than 64 kB */

/* Beside those of nftattr.h. */
enum {
	META_NFPROTO = 15,
	PAYLOAD_NETWORK = 1,
	REJECT_TYPE = 1,
	REJECT_TCP_RST = 1,
	REG32_0 = 8,	    /* 32 bits each; every part of a concatenation begins one */
	TYPE_IPV4_ADDR = 7, /* nft's own numbers, so that it can show the sets */
	TYPE_IPV6_ADDR = 8,
	TYPE_INET_SERVICE = 13,
	TYPE_BITS = 6,
};

enum {
	SPORT_OFFSET = 0,
	DPORT_OFFSET = 2,
};

/* What differs between the two families. */
struct set {
	const char *name;
	uint32_t id;
	uint8_t family, nfproto, alen, src_offset, dst_offset;
	uint32_t type;
};

static const struct set sets[] = {
	{ "flows4", 1, AF_INET, NFPROTO_IPV4, 4, 12, 16, TYPE_IPV4_ADDR },
	{ "flows6", 2, AF_INET6, NFPROTO_IPV6, 16, 8, 24, TYPE_IPV6_ADDR },
};

/* A batch being written. */
struct writer {
	struct attr_buf buf;
	uint32_t seq;
	size_t last; /* offset of the last message: it is to be acknowledged */
	char table[TABLE_NAME_MAX];
};

static void writer_init(struct writer *w, struct reset_batch *b, uint32_t seq, int ifindex)
{
	*w = (struct writer){ .buf = { .data = b->data, .size = sizeof(b->data) }, .seq = seq };
	snprintf(w->table, sizeof(w->table), RESET_TABLE_PREFIX "%d", ifindex);
	b->first = seq;
	nfmsg_batch_begin(&w->buf, w->seq++);
}

static void writer_done(struct writer *w, struct reset_batch *b)
{
	b->last = w->seq - 1;
	nfmsg_batch_end(&w->buf, w->seq);
	if (!w->buf.full)
		((struct nlmsghdr *)(void *)(b->data + w->last))->nlmsg_flags |= NLM_F_ACK;
	b->len = w->buf.full ? 0 : w->buf.len;
}

static void begin(struct writer *w, uint8_t command, uint16_t flags)
{
	w->last = nfmsg_begin(&w->buf, NF_TYPE(NF_SUBSYS_NFTABLES, command), flags, FAMILY_INET,
			      w->seq++);
}

static void end(struct writer *w)
{
	nfmsg_end(&w->buf, w->last);
}

static void put_table(struct writer *w, uint8_t command, uint16_t flags)
{
	begin(w, command, flags);
	nfmsg_string(&w->buf, TABLE_NAME, w->table);
	end(w);
}

/* Address, port, address, port; a port has four bytes to itself. */
static uint32_t key_len(const struct set *s)
{
	return 2U * s->alen + 8;
}

static void put_set(struct writer *w, const struct set *s)
{
	uint32_t half = s->type << TYPE_BITS | TYPE_INET_SERVICE;

	begin(w, MSG_NEWSET, NLM_F_CREATE);
	nfmsg_string(&w->buf, ATTR_SET_TABLE, w->table);
	nfmsg_string(&w->buf, ATTR_SET_NAME, s->name);
	nfmsg_be32(&w->buf, SET_FLAGS, SET_FLAG_TIMEOUT);
	nfmsg_be32(&w->buf, SET_KEY_TYPE, half << 2 * TYPE_BITS | half);
	nfmsg_be32(&w->buf, SET_KEY_LEN, key_len(s));
	nfmsg_be32(&w->buf, ATTR_SET_ID, s->id);
	end(w);
}

static void put_chain(struct writer *w, const char *name, unsigned hook)
{
	size_t nest;

	begin(w, MSG_NEWCHAIN, NLM_F_CREATE);
	nfmsg_string(&w->buf, CHAIN_TABLE, w->table);
	nfmsg_string(&w->buf, CHAIN_NAME, name);
	nest = buf_nest(&w->buf, CHAIN_HOOK);
	nfmsg_be32(&w->buf, HOOK_HOOKNUM, hook);
	nfmsg_be32(&w->buf, HOOK_PRIORITY, (uint32_t)PRIORITY);
	buf_nest_end(&w->buf, nest);
	nfmsg_be32(&w->buf, CHAIN_POLICY, NF_ACCEPT);
	nfmsg_string(&w->buf, CHAIN_TYPE, "filter");
	end(w);
}

/* ---- expressions ------------------------------------------------------------------ */

struct expr {
	size_t elem, data;
};

static struct expr expr_begin(struct writer *w, const char *name)
{
	struct expr e = { .elem = buf_nest(&w->buf, LIST_ELEM) };

	nfmsg_string(&w->buf, EXPR_NAME, name);
	e.data = buf_nest(&w->buf, EXPR_DATA);
	return e;
}

static void expr_end(struct writer *w, struct expr e)
{
	buf_nest_end(&w->buf, e.data);
	buf_nest_end(&w->buf, e.elem);
}

static void put_value(struct writer *w, uint16_t type, const void *value, size_t len)
{
	size_t nest = buf_nest(&w->buf, type);

	buf_put(&w->buf, DATA_VALUE, value, len);
	buf_nest_end(&w->buf, nest);
}

static void expr_meta_is(struct writer *w, uint32_t key, uint8_t value)
{
	struct expr e = expr_begin(w, "meta");

	nfmsg_be32(&w->buf, META_KEY, key);
	nfmsg_be32(&w->buf, META_DREG, REG_1);
	expr_end(w, e);
	e = expr_begin(w, "cmp");
	nfmsg_be32(&w->buf, CMP_SREG, REG_1);
	nfmsg_be32(&w->buf, CMP_OP, CMP_EQ);
	put_value(w, CMP_DATA, &value, sizeof(value));
	expr_end(w, e);
}

/* Load LEN bytes into the 32-bit register REG and on; returns the one after. */
static uint32_t expr_payload(struct writer *w, uint32_t base, uint32_t offset, uint32_t len,
			     uint32_t reg)
{
	struct expr e = expr_begin(w, "payload");

	nfmsg_be32(&w->buf, PAYLOAD_DREG, reg);
	nfmsg_be32(&w->buf, PAYLOAD_BASE, base);
	nfmsg_be32(&w->buf, PAYLOAD_OFFSET, offset);
	nfmsg_be32(&w->buf, PAYLOAD_LEN, len);
	expr_end(w, e);
	return reg + (len + 3) / 4;
}

static void expr_in_set(struct writer *w, const struct set *s)
{
	uint32_t reg = REG32_0;
	struct expr e;

	reg = expr_payload(w, PAYLOAD_NETWORK, s->src_offset, s->alen, reg);
	reg = expr_payload(w, PAYLOAD_TRANSPORT, SPORT_OFFSET, 2, reg);
	reg = expr_payload(w, PAYLOAD_NETWORK, s->dst_offset, s->alen, reg);
	expr_payload(w, PAYLOAD_TRANSPORT, DPORT_OFFSET, 2, reg);
	e = expr_begin(w, "lookup");
	nfmsg_be32(&w->buf, LOOKUP_SREG, REG32_0);
	nfmsg_string(&w->buf, LOOKUP_SET, s->name);
	nfmsg_be32(&w->buf, LOOKUP_SET_ID, s->id);
	expr_end(w, e);
}

static void put_rule(struct writer *w, const char *chain, const struct set *s)
{
	struct expr e;
	size_t nest;

	begin(w, MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nfmsg_string(&w->buf, RULE_TABLE, w->table);
	nfmsg_string(&w->buf, RULE_CHAIN, chain);
	nest = buf_nest(&w->buf, RULE_EXPRESSIONS);
	expr_meta_is(w, META_NFPROTO, s->nfproto);
	expr_meta_is(w, META_L4PROTO, IPPROTO_TCP);
	expr_in_set(w, s);
	e = expr_begin(w, "reject");
	nfmsg_be32(&w->buf, REJECT_TYPE, REJECT_TCP_RST);
	expr_end(w, e);
	buf_nest_end(&w->buf, nest);
	end(w);
}

void reset_nftmsg_install(struct reset_batch *b, uint32_t seq, int ifindex)
{
	static const struct {
		const char *name;
		unsigned hook;
	} chains[] = { { "forward", NF_INET_FORWARD }, { "output", NF_INET_LOCAL_OUT } };
	struct writer w;

	writer_init(&w, b, seq, ifindex);
	put_table(&w, MSG_NEWTABLE, NLM_F_CREATE); /* so that there is one to delete */
	put_table(&w, MSG_DELTABLE, 0);
	put_table(&w, MSG_NEWTABLE, NLM_F_CREATE);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		put_set(&w, &sets[i]);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		put_chain(&w, chains[i].name, chains[i].hook);
		for (size_t j = 0; j < ARRAY_SIZE(sets); j++)
			put_rule(&w, chains[i].name, &sets[j]);
	}
	writer_done(&w, b);
}

void reset_nftmsg_remove(struct reset_batch *b, uint32_t seq, int ifindex)
{
	struct writer w;

	writer_init(&w, b, seq, ifindex);
	put_table(&w, MSG_DELTABLE, 0);
	writer_done(&w, b);
}

static void put_element(struct writer *w, const struct set *s, const struct reset_match *m,
			uint64_t timeout_ms)
{
	uint8_t key[40] = { 0 };
	size_t elem = buf_nest(&w->buf, LIST_ELEM);

	memcpy(key, m->src, s->alen);
	memcpy(key + s->alen, &m->sport, 2);
	memcpy(key + s->alen + 4, m->dst, s->alen);
	memcpy(key + 2 * s->alen + 4, &m->dport, 2);
	put_value(w, ELEM_KEY, key, key_len(s));
	timeout_ms = htobe64(timeout_ms);
	buf_put(&w->buf, ELEM_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
	buf_nest_end(&w->buf, elem);
}

size_t reset_nftmsg_add(struct reset_batch *b, uint32_t seq, int ifindex,
			const struct reset_match *m, size_t n, uint64_t timeout_ms)
{
	const struct set *s = m->family == AF_INET ? &sets[0] : &sets[1];
	struct writer w;
	size_t list, i;

	writer_init(&w, b, seq, ifindex);
	begin(&w, MSG_NEWSETELEM, NLM_F_CREATE); /* the same one twice is no error */
	nfmsg_string(&w.buf, ELEM_LIST_TABLE, w.table);
	nfmsg_string(&w.buf, ELEM_LIST_SET, s->name);
	list = buf_nest(&w.buf, ELEM_LIST_ELEMENTS);
	for (i = 0; i < MIN(n, (size_t)CHUNK) && m[i].family == m->family; i++)
		put_element(&w, s, &m[i], timeout_ms);
	buf_nest_end(&w.buf, list);
	end(&w);
	writer_done(&w, b);
	return i;
}
