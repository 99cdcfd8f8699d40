/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold_nftmsg.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>

#include <linux/netfilter.h>

#include "kernel/hold_text.h"
#include "kernel/nfmsg.h"
#include "kernel/nftattr.h"

#define TABLE_PREFIX "vipsafe_hold_"
#define TABLE_NAME_MAX 32
#define SET_NAME "held"
#define SET_ID 1
#define PRIORITY (-150) /* NF_IP_PRI_MANGLE: after conntrack, before NAT */

enum {
	TCP_FLAGS_OFFSET = 13,
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
};

/* A batch being written. */
struct writer {
	struct attr_buf buf;
	uint32_t seq;
	char table[TABLE_NAME_MAX];
};

static void writer_init(struct writer *w, struct hold_batch *b, uint32_t seq, int ifindex)
{
	*w = (struct writer){ .buf = { .data = b->data, .size = sizeof(b->data) }, .seq = seq };
	snprintf(w->table, sizeof(w->table), TABLE_PREFIX "%d", ifindex);
	b->first = seq;
	nfmsg_batch_begin(&w->buf, w->seq++);
}

/* LAST is the offset of the last message, which is to be acknowledged. */
static void writer_done(struct writer *w, struct hold_batch *b, size_t last)
{
	b->last = w->seq - 1;
	nfmsg_batch_end(&w->buf, w->seq);
	if (!w->buf.full)
		((struct nlmsghdr *)(void *)(b->data + last))->nlmsg_flags |= NLM_F_ACK;
	b->len = w->buf.full ? 0 : w->buf.len;
}

static size_t begin(struct writer *w, uint8_t command, uint16_t flags)
{
	return nfmsg_begin(&w->buf, NF_TYPE(NF_SUBSYS_NFTABLES, command), flags, FAMILY_INET,
			   w->seq++);
}

static size_t put_table(struct writer *w, uint8_t command, uint16_t flags)
{
	size_t at = begin(w, command, flags);

	nfmsg_string(&w->buf, TABLE_NAME, w->table);
	nfmsg_end(&w->buf, at);
	return at;
}

static void put_set(struct writer *w)
{
	/* nft's note to itself: the keys are in host order. Else it shows them
	 * to the administrator the wrong way round. */
	static const uint32_t host_order = 1;
	uint8_t note[2 + sizeof(host_order)] = { 0, sizeof(host_order) };
	size_t at = begin(w, MSG_NEWSET, NLM_F_CREATE);

	memcpy(note + 2, &host_order, sizeof(host_order));
	nfmsg_string(&w->buf, ATTR_SET_TABLE, w->table);
	nfmsg_string(&w->buf, ATTR_SET_NAME, SET_NAME);
	nfmsg_be32(&w->buf, SET_FLAGS, SET_FLAG_TIMEOUT);
	nfmsg_be32(&w->buf, SET_KEY_TYPE, SET_TYPE_IFINDEX);
	nfmsg_be32(&w->buf, SET_KEY_LEN, sizeof(uint32_t));
	nfmsg_be32(&w->buf, ATTR_SET_ID, SET_ID);
	buf_put(&w->buf, SET_USERDATA, note, sizeof(note));
	nfmsg_end(&w->buf, at);
}

static void put_chain(struct writer *w, const char *name, unsigned hook)
{
	size_t at = begin(w, MSG_NEWCHAIN, NLM_F_CREATE), nest;

	nfmsg_string(&w->buf, CHAIN_TABLE, w->table);
	nfmsg_string(&w->buf, CHAIN_NAME, name);
	nest = buf_nest(&w->buf, CHAIN_HOOK);
	nfmsg_be32(&w->buf, HOOK_HOOKNUM, hook);
	nfmsg_be32(&w->buf, HOOK_PRIORITY, (uint32_t)PRIORITY);
	buf_nest_end(&w->buf, nest);
	nfmsg_be32(&w->buf, CHAIN_POLICY, NF_ACCEPT);
	nfmsg_string(&w->buf, CHAIN_TYPE, "filter");
	nfmsg_end(&w->buf, at);
}

/* ---- expressions: each loads into, or looks at, register 1 --------------------- */

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

static void expr_meta(struct writer *w, uint32_t key)
{
	struct expr e = expr_begin(w, "meta");

	nfmsg_be32(&w->buf, META_KEY, key);
	nfmsg_be32(&w->buf, META_DREG, REG_1);
	expr_end(w, e);
}

/* By name for kernels that find it, by number for those that do not see a set
 * of the same batch by its name. */
static void expr_lookup(struct writer *w)
{
	struct expr e = expr_begin(w, "lookup");

	nfmsg_be32(&w->buf, LOOKUP_SREG, REG_1);
	nfmsg_string(&w->buf, LOOKUP_SET, SET_NAME);
	nfmsg_be32(&w->buf, LOOKUP_SET_ID, SET_ID);
	expr_end(w, e);
}

static void expr_cmp(struct writer *w, uint32_t op, const void *value, size_t len)
{
	struct expr e = expr_begin(w, "cmp");

	nfmsg_be32(&w->buf, CMP_SREG, REG_1);
	nfmsg_be32(&w->buf, CMP_OP, op);
	put_value(w, CMP_DATA, value, len);
	expr_end(w, e);
}

static void expr_mask(struct writer *w, const void *mask, size_t len)
{
	static const uint32_t none = 0;
	struct expr e = expr_begin(w, "bitwise");

	nfmsg_be32(&w->buf, BITWISE_SREG, REG_1);
	nfmsg_be32(&w->buf, BITWISE_DREG, REG_1);
	nfmsg_be32(&w->buf, BITWISE_LEN, (uint32_t)len);
	put_value(w, BITWISE_MASK, mask, len);
	put_value(w, BITWISE_XOR, &none, len);
	expr_end(w, e);
}

static void expr_ct_state(struct writer *w, uint32_t state)
{
	static const uint32_t none = 0;
	struct expr e = expr_begin(w, "ct");

	nfmsg_be32(&w->buf, CT_KEY, CT_KEY_STATE);
	nfmsg_be32(&w->buf, CT_DREG, REG_1);
	expr_end(w, e);
	expr_mask(w, &state, sizeof(state));
	expr_cmp(w, CMP_NEQ, &none, sizeof(none));
}

static void expr_not_pure_syn(struct writer *w)
{
	static const uint8_t mask = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK, syn = TCP_SYN;
	struct expr e = expr_begin(w, "payload");

	nfmsg_be32(&w->buf, PAYLOAD_DREG, REG_1);
	nfmsg_be32(&w->buf, PAYLOAD_BASE, PAYLOAD_TRANSPORT);
	nfmsg_be32(&w->buf, PAYLOAD_OFFSET, TCP_FLAGS_OFFSET);
	nfmsg_be32(&w->buf, PAYLOAD_LEN, sizeof(mask));
	expr_end(w, e);
	expr_mask(w, &mask, sizeof(mask));
	expr_cmp(w, CMP_NEQ, &syn, sizeof(syn));
}

static void expr_drop(struct writer *w)
{
	struct expr e = expr_begin(w, "immediate");
	size_t data, verdict;

	nfmsg_be32(&w->buf, IMMEDIATE_DREG, REG_VERDICT);
	data = buf_nest(&w->buf, IMMEDIATE_DATA);
	verdict = buf_nest(&w->buf, DATA_VERDICT);
	nfmsg_be32(&w->buf, VERDICT_CODE, NF_DROP);
	buf_nest_end(&w->buf, verdict);
	buf_nest_end(&w->buf, data);
	expr_end(w, e);
}

/* The set comes first: a packet of a node that is not held is done with it. */
static size_t put_rule(struct writer *w, const char *chain, uint32_t device, uint32_t state)
{
	static const uint8_t tcp = IPPROTO_TCP;
	size_t at = begin(w, MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND), nest;

	nfmsg_string(&w->buf, RULE_TABLE, w->table);
	nfmsg_string(&w->buf, RULE_CHAIN, chain);
	nest = buf_nest(&w->buf, RULE_EXPRESSIONS);
	expr_meta(w, device);
	expr_lookup(w);
	expr_meta(w, META_L4PROTO);
	expr_cmp(w, CMP_EQ, &tcp, sizeof(tcp));
	expr_ct_state(w, state);
	if (state == CT_STATE_NEW)
		expr_not_pure_syn(w);
	expr_drop(w);
	buf_nest_end(&w->buf, nest);
	nfmsg_end(&w->buf, at);
	return at;
}

void hold_nftmsg_install(struct hold_batch *b, uint32_t seq, int ifindex)
{
	static const struct {
		const char *name;
		unsigned hook;
		uint32_t device;
	} chains[] = {
		{ "prerouting", NF_INET_PRE_ROUTING, META_IIF },
		{ "forward", NF_INET_FORWARD, META_OIF },
		{ "output", NF_INET_LOCAL_OUT, META_OIF },
	};
	struct writer w;
	size_t last = 0;

	writer_init(&w, b, seq, ifindex);
	put_table(&w, MSG_NEWTABLE, NLM_F_CREATE); /* so that there is one to delete */
	put_table(&w, MSG_DELTABLE, 0);
	put_table(&w, MSG_NEWTABLE, NLM_F_CREATE);
	put_set(&w);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		put_chain(&w, chains[i].name, chains[i].hook);
		put_rule(&w, chains[i].name, chains[i].device, CT_STATE_INVALID);
		last = put_rule(&w, chains[i].name, chains[i].device, CT_STATE_NEW);
	}
	writer_done(&w, b, last);
}

void hold_nftmsg_remove(struct hold_batch *b, uint32_t seq, int ifindex)
{
	struct writer w;
	size_t last;

	writer_init(&w, b, seq, ifindex);
	last = put_table(&w, MSG_DELTABLE, 0);
	writer_done(&w, b, last);
}

static size_t put_element(struct writer *w, uint8_t command, uint16_t flags, int ifindex,
			  uint64_t timeout_ms)
{
	size_t at = begin(w, command, flags), list, elem;
	uint32_t key = (uint32_t)ifindex; /* as meta iif loads it: host order */

	nfmsg_string(&w->buf, ELEM_LIST_TABLE, w->table);
	nfmsg_string(&w->buf, ELEM_LIST_SET, SET_NAME);
	list = buf_nest(&w->buf, ELEM_LIST_ELEMENTS);
	elem = buf_nest(&w->buf, LIST_ELEM);
	put_value(w, ELEM_KEY, &key, sizeof(key));
	if (timeout_ms) {
		timeout_ms = htobe64(timeout_ms);
		buf_put(&w->buf, ELEM_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
	}
	buf_nest_end(&w->buf, elem);
	buf_nest_end(&w->buf, list);
	nfmsg_end(&w->buf, at);
	return at;
}

void hold_nftmsg_arm(struct hold_batch *b, uint32_t seq, int ifindex, uint64_t timeout_ms,
		     bool exclusive)
{
	struct writer w;
	size_t last;

	writer_init(&w, b, seq, ifindex);
	if (!exclusive)
		put_element(&w, MSG_DELSETELEM, 0, ifindex, 0);
	last = put_element(&w, MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, ifindex, timeout_ms);
	writer_done(&w, b, last);
}

void hold_nftmsg_list(struct hold_batch *b, uint32_t seq)
{
	struct attr_buf buf = { .data = b->data, .size = sizeof(b->data) };
	size_t at = nfmsg_begin(&buf, NF_TYPE(NF_SUBSYS_NFTABLES, MSG_GETTABLE), NLM_F_DUMP,
				FAMILY_INET, seq);

	nfmsg_end(&buf, at);
	b->first = b->last = seq;
	b->len = buf.len;
}

bool hold_nftmsg_is_table(const struct nlmsghdr *nlh, int *ret_ifindex)
{
	const struct nlattr *a[TABLE_NAME + 1];
	const char *name;

	if (!nfmsg_parse(nlh, NF_TYPE(NF_SUBSYS_NFTABLES, MSG_NEWTABLE), a, TABLE_NAME))
		return false;
	name = nfmsg_text(a[TABLE_NAME]);
	return name && hold_text_number(name, TABLE_PREFIX, "", ret_ifindex);
}
