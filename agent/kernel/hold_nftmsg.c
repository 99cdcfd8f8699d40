/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold_nftmsg.h"

#include <arpa/inet.h>
#include <endian.h>

#include <linux/netfilter.h>

#include "kernel/nfmsg.h"
#include "kernel/nftattr.h"

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

static void hold_nftmsg_put_set(struct nftwriter *w)
{
	/* nft's note to itself: the keys are in host order. Else it shows them
	 * to the administrator the wrong way round. */
	static const uint32_t host_order = 1;
	uint8_t note[2 + sizeof(host_order)] = { 0, sizeof(host_order) };

	nftbatch_begin(w, MSG_NEWSET, NLM_F_CREATE);
	memcpy(note + 2, &host_order, sizeof(host_order));
	nfmsg_string(&w->buf, ATTR_SET_TABLE, w->table);
	nfmsg_string(&w->buf, ATTR_SET_NAME, SET_NAME);
	nfmsg_be32(&w->buf, SET_FLAGS, SET_FLAG_TIMEOUT);
	nfmsg_be32(&w->buf, SET_KEY_TYPE, SET_TYPE_IFINDEX);
	nfmsg_be32(&w->buf, SET_KEY_LEN, sizeof(uint32_t));
	nfmsg_be32(&w->buf, ATTR_SET_ID, SET_ID);
	buf_put(&w->buf, SET_USERDATA, note, sizeof(note));
	nftbatch_end(w);
}

/* ---- expressions: each loads into, or looks at, register 1 --------------------- */

static void expr_mask(struct nftwriter *w, const void *mask, size_t len)
{
	static const uint32_t none = 0;
	struct nftexpr e = nftbatch_expr(w, "bitwise");

	nfmsg_be32(&w->buf, BITWISE_SREG, REG_1);
	nfmsg_be32(&w->buf, BITWISE_DREG, REG_1);
	nfmsg_be32(&w->buf, BITWISE_LEN, (uint32_t)len);
	nftbatch_value(w, BITWISE_MASK, mask, len);
	nftbatch_value(w, BITWISE_XOR, &none, len);
	nftbatch_expr_end(w, e);
}

static void expr_ct_state(struct nftwriter *w, uint32_t state)
{
	static const uint32_t none = 0;
	struct nftexpr e = nftbatch_expr(w, "ct");

	nfmsg_be32(&w->buf, CT_KEY, CT_KEY_STATE);
	nfmsg_be32(&w->buf, CT_DREG, REG_1);
	nftbatch_expr_end(w, e);
	expr_mask(w, &state, sizeof(state));
	nftbatch_cmp(w, CMP_NEQ, &none, sizeof(none));
}

static void expr_not_pure_syn(struct nftwriter *w)
{
	static const uint8_t mask = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK, syn = TCP_SYN;

	nftbatch_payload(w, PAYLOAD_TRANSPORT, TCP_FLAGS_OFFSET, sizeof(mask), REG_1);
	expr_mask(w, &mask, sizeof(mask));
	nftbatch_cmp(w, CMP_NEQ, &syn, sizeof(syn));
}

static void expr_drop(struct nftwriter *w)
{
	struct nftexpr e = nftbatch_expr(w, "immediate");
	size_t data, verdict;

	nfmsg_be32(&w->buf, IMMEDIATE_DREG, REG_VERDICT);
	data = buf_nest(&w->buf, IMMEDIATE_DATA);
	verdict = buf_nest(&w->buf, DATA_VERDICT);
	nfmsg_be32(&w->buf, VERDICT_CODE, NF_DROP);
	buf_nest_end(&w->buf, verdict);
	buf_nest_end(&w->buf, data);
	nftbatch_expr_end(w, e);
}

/* The set comes first: a packet of a node that is not held is done with it. */
static void hold_nftmsg_put_rule(struct nftwriter *w, const char *chain, uint32_t device,
				 uint32_t state)
{
	static const uint8_t tcp = IPPROTO_TCP;
	size_t nest = nftbatch_rule_begin(w, chain);

	nftbatch_meta(w, device);
	nftbatch_lookup(w, REG_1, SET_NAME, SET_ID);
	nftbatch_meta(w, META_L4PROTO);
	nftbatch_cmp(w, CMP_EQ, &tcp, sizeof(tcp));
	expr_ct_state(w, state);
	if (state == CT_STATE_NEW)
		expr_not_pure_syn(w);
	expr_drop(w);
	nftbatch_rule_end(w, nest);
}

void hold_nftmsg_install(struct nftbatch *b, uint32_t seq, int ifindex)
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
	struct nftwriter w;

	nftbatch_open(&w, b, seq, HOLD_TABLE_PREFIX, ifindex);
	nftbatch_new_table(&w);
	hold_nftmsg_put_set(&w);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		nftbatch_chain(&w, chains[i].name, chains[i].hook, PRIORITY);
		hold_nftmsg_put_rule(&w, chains[i].name, chains[i].device, CT_STATE_INVALID);
		hold_nftmsg_put_rule(&w, chains[i].name, chains[i].device, CT_STATE_NEW);
	}
	nftbatch_close(&w);
}

static void hold_nftmsg_put_element(struct nftwriter *w, uint8_t command, uint16_t flags,
				    int ifindex, uint64_t timeout_ms)
{
	uint32_t key = (uint32_t)ifindex; /* as meta iif loads it: host order */
	size_t list, elem;

	nftbatch_begin(w, command, flags);
	nfmsg_string(&w->buf, ELEM_LIST_TABLE, w->table);
	nfmsg_string(&w->buf, ELEM_LIST_SET, SET_NAME);
	list = buf_nest(&w->buf, ELEM_LIST_ELEMENTS);
	elem = buf_nest(&w->buf, LIST_ELEM);
	nftbatch_value(w, ELEM_KEY, &key, sizeof(key));
	if (timeout_ms) {
		timeout_ms = htobe64(timeout_ms);
		buf_put(&w->buf, ELEM_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
	}
	buf_nest_end(&w->buf, elem);
	buf_nest_end(&w->buf, list);
	nftbatch_end(w);
}

void hold_nftmsg_arm(struct nftbatch *b, uint32_t seq, int ifindex, uint64_t timeout_ms,
		     bool exclusive)
{
	struct nftwriter w;

	nftbatch_open(&w, b, seq, HOLD_TABLE_PREFIX, ifindex);
	if (!exclusive)
		hold_nftmsg_put_element(&w, MSG_DELSETELEM, 0, ifindex, 0);
	hold_nftmsg_put_element(&w, MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, ifindex, timeout_ms);
	nftbatch_close(&w);
}

void hold_nftmsg_disarm(struct nftbatch *b, uint32_t seq, int ifindex)
{
	struct nftwriter w;

	nftbatch_open(&w, b, seq, HOLD_TABLE_PREFIX, ifindex);
	hold_nftmsg_put_element(&w, MSG_DELSETELEM, 0, ifindex, 0);
	nftbatch_close(&w);
}
