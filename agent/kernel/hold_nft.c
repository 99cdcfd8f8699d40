/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold_nft.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>

#include "kernel/abi_nft.h"
#include "kernel/nlask.h"
#include "kernel/nft.h"

#define SET_NAME "held"
#define SET_ID 1
#define PRIORITY (-150) /* NF_IP_PRI_MANGLE: after conntrack, before NAT */

static void hold_nftmsg_put_set(struct nftwriter *w)
{
	/* nft's note to itself: the keys are in host order. Else it shows them
	 * to the administrator the wrong way round. */
	static const uint32_t host_order = 1;
	uint8_t note[2 + sizeof(host_order)] = { 0, sizeof(host_order) };

	nftbatch_begin(w, NFT_MSG_NEWSET, NLM_F_CREATE);
	memcpy(note + 2, &host_order, sizeof(host_order));
	buf_text(&w->buf, NFTA_SET_TABLE, w->table);
	buf_text(&w->buf, NFTA_SET_NAME, SET_NAME);
	buf_be32(&w->buf, NFTA_SET_FLAGS, NFT_SET_TIMEOUT);
	buf_be32(&w->buf, NFTA_SET_KEY_TYPE, TYPE_IFINDEX);
	buf_be32(&w->buf, NFTA_SET_KEY_LEN, sizeof(uint32_t));
	buf_be32(&w->buf, NFTA_SET_ID, SET_ID);
	buf_put(&w->buf, NFTA_SET_USERDATA, note, sizeof(note));
	nftbatch_end(w);
}

/* ---- expressions: each loads into, or looks at, register 1 --------------------- */

static void expr_ct_state(struct nftwriter *w, uint32_t state)
{
	static const uint32_t none = 0;
	struct nftexpr e = nftbatch_expr(w, "ct");

	buf_be32(&w->buf, NFTA_CT_KEY, NFT_CT_STATE);
	buf_be32(&w->buf, NFTA_CT_DREG, NFT_REG_1);
	nftbatch_expr_end(w, e);
	nftbatch_mask(w, &state, sizeof(state));
	nftbatch_cmp(w, NFT_CMP_NEQ, &none, sizeof(none));
}

static void expr_drop(struct nftwriter *w)
{
	struct nftexpr e = nftbatch_expr(w, "immediate");
	size_t data, verdict;

	buf_be32(&w->buf, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = buf_nest(&w->buf, NFTA_IMMEDIATE_DATA);
	verdict = buf_nest(&w->buf, NFTA_DATA_VERDICT);
	buf_be32(&w->buf, NFTA_VERDICT_CODE, NF_DROP);
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
	nftbatch_lookup(w, NFT_REG_1, SET_NAME, SET_ID);
	nftbatch_meta(w, NFT_META_L4PROTO);
	nftbatch_cmp(w, NFT_CMP_EQ, &tcp, sizeof(tcp));
	expr_ct_state(w, state);
	if (state == CT_STATE_NEW)
		nftbatch_syn(w, NFT_CMP_NEQ);
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
		{ "prerouting", NF_INET_PRE_ROUTING, NFT_META_IIF },
		{ "forward", NF_INET_FORWARD, NFT_META_OIF },
		{ "output", NF_INET_LOCAL_OUT, NFT_META_OIF },
	};
	struct nftwriter w;

	nftbatch_open(&w, b, seq, HOLD_TABLE_PREFIX, ifindex);
	nftbatch_new_table(&w);
	hold_nftmsg_put_set(&w);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		nftbatch_chain(&w, chains[i].name, "filter", chains[i].hook, PRIORITY);
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
	buf_text(&w->buf, NFTA_SET_ELEM_LIST_TABLE, w->table);
	buf_text(&w->buf, NFTA_SET_ELEM_LIST_SET, SET_NAME);
	list = buf_nest(&w->buf, NFTA_SET_ELEM_LIST_ELEMENTS);
	elem = buf_nest(&w->buf, NFTA_LIST_ELEM);
	nftbatch_value(w, NFTA_SET_ELEM_KEY, &key, sizeof(key));
	if (timeout_ms) {
		timeout_ms = htobe64(timeout_ms);
		buf_put(&w->buf, NFTA_SET_ELEM_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
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
		hold_nftmsg_put_element(&w, NFT_MSG_DELSETELEM, 0, ifindex, 0);
	hold_nftmsg_put_element(&w, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, ifindex,
				timeout_ms);
	nftbatch_close(&w);
}

/* Hold no longer: the element is removed. -ENOENT: there is none. */
static void hold_nftmsg_disarm(struct nftbatch *b, uint32_t seq, int ifindex)
{
	struct nftwriter w;

	nftbatch_open(&w, b, seq, HOLD_TABLE_PREFIX, ifindex);
	hold_nftmsg_put_element(&w, NFT_MSG_DELSETELEM, 0, ifindex, 0);
	nftbatch_close(&w);
}

struct hold_nft {
	struct nftsock *sock;
	int ifindex;
	bool armed; /* and not let go of; the element may have expired since */
};

struct look {
	int ifindex;
	bool found;
};

int hold_nft_adopt(int ifindex, struct hold_nft **ret)
{
	struct hold_nft *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->ifindex = ifindex;
	r = nftsock_new(&h->sock);
	if (r < 0) {
		free(h);
		return r;
	}
	*ret = h;
	return 0;
}

int hold_nft_open(int ifindex, struct hold_nft **ret)
{
	struct hold_nft *h;
	struct nftbatch *b;
	uint32_t seq;
	int r = hold_nft_adopt(ifindex, &h);

	if (r < 0)
		return r;
	b = nftsock_batch(h->sock, &seq);
	hold_nftmsg_install(b, seq, ifindex);
	r = nftsock_ask(h->sock);
	if (r < 0) {
		/* Nothing was made: a batch fails as a whole. */
		nftsock_free(h->sock);
		free(h);
		/* As said by kernels without batches, and without nf_tables. */
		return r == -EINVAL || r == -ENOENT ? -EOPNOTSUPP : r;
	}
	*ret = h;
	return 0;
}

void hold_nft_forget(struct hold_nft *h)
{
	if (!h)
		return;
	nftsock_free(h->sock);
	free(h);
}

int hold_nft_close(struct hold_nft *h, struct nftsock **ret_spent)
{
	int r;

	*ret_spent = NULL;
	if (!h)
		return 0;
	r = nftsock_remove(h->sock, HOLD_TABLE_PREFIX, h->ifindex);
	*ret_spent = h->sock;
	free(h);
	return r == -ENOENT ? 0 : r;
}

int hold_nft_arm(struct hold_nft *h, usec_t duration)
{
	uint64_t ms = MAX((duration + USEC_PER_MSEC - 1) / USEC_PER_MSEC, 1);
	bool exclusive = !h->armed;
	int r = -EBUSY;

	/* The element may expire, and be collected, between any two looks. */
	for (int i = 0; i < 4; i++) {
		uint32_t seq;
		struct nftbatch *b = nftsock_batch(h->sock, &seq);

		hold_nftmsg_arm(b, seq, h->ifindex, ms, exclusive);
		r = nftsock_ask(h->sock);
		if (!(exclusive ? r == -EEXIST : r == -ENOENT))
			break;
		exclusive = !exclusive;
	}
	h->armed = h->armed || r == 0;
	return r;
}

int hold_nft_disarm(struct hold_nft *h)
{
	uint32_t seq;
	struct nftbatch *b = nftsock_batch(h->sock, &seq);
	int r;

	hold_nftmsg_disarm(b, seq, h->ifindex);
	r = nftsock_ask(h->sock);
	h->armed = h->armed && r < 0 && r != -ENOENT;
	return r == -ENOENT ? 0 : r; /* it had expired, or the table is gone */
}

static int note_table(void *ud, const struct nlmsghdr *nlh)
{
	struct look *look = ud;
	int ifindex;

	look->found |=
		nftbatch_is_table(nlh, HOLD_TABLE_PREFIX, &ifindex) && ifindex == look->ifindex;
	return 0;
}

int hold_nft_check(struct hold_nft *h)
{
	struct look look = { .ifindex = h->ifindex };
	int r = nftsock_list(h->sock, NFT_MSG_GETTABLE, NFPROTO_INET, note_table, &look);

	return look.found ? 0 : r < 0 ? r : -ENOENT;
}

int hold_nft_clean(bool (*wanted)(void *ud, int ifindex), void *ud)
{
	return nftsock_clean(HOLD_TABLE_PREFIX, wanted, ud);
}
