/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/reset_nft.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "kernel/abi_nft.h"
#include "kernel/nlask.h"
#include "kernel/nft.h"

/* In front of the hold, which would drop those packets first; after conntrack. */
#define PRIORITY (-151)

#define CHUNK 256 /* elements of up to 64 bytes in one list of less than 64 kB */

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

/* Address, port, address, port; a port has four bytes to itself. */
static uint32_t key_len(const struct set *s)
{
	return 2U * s->alen + 8;
}

static void reset_nftmsg_put_set(struct nftwriter *w, const struct set *s)
{
	uint32_t half = s->type << TYPE_BITS | TYPE_INET_SERVICE;

	nftbatch_begin(w, NFT_MSG_NEWSET, NLM_F_CREATE);
	buf_text(&w->buf, NFTA_SET_TABLE, w->table);
	buf_text(&w->buf, NFTA_SET_NAME, s->name);
	buf_be32(&w->buf, NFTA_SET_FLAGS, NFT_SET_TIMEOUT);
	buf_be32(&w->buf, NFTA_SET_KEY_TYPE, half << 2 * TYPE_BITS | half);
	buf_be32(&w->buf, NFTA_SET_KEY_LEN, key_len(s));
	buf_be32(&w->buf, NFTA_SET_ID, s->id);
	nftbatch_end(w);
}

static void expr_meta_is(struct nftwriter *w, uint32_t key, uint8_t value)
{
	nftbatch_meta(w, key);
	nftbatch_cmp(w, NFT_CMP_EQ, &value, sizeof(value));
}

/* Load LEN bytes into the 32-bit register REG and on; returns the one after. */
static uint32_t expr_payload(struct nftwriter *w, uint32_t base, uint32_t offset, uint32_t len,
			     uint32_t reg)
{
	nftbatch_payload(w, base, offset, len, reg);
	return reg + (len + 3) / 4;
}

static void expr_in_set(struct nftwriter *w, const struct set *s)
{
	uint32_t reg = NFT_REG32_00;

	reg = expr_payload(w, NFT_PAYLOAD_NETWORK_HEADER, s->src_offset, s->alen, reg);
	reg = expr_payload(w, NFT_PAYLOAD_TRANSPORT_HEADER, SPORT_OFFSET, 2, reg);
	reg = expr_payload(w, NFT_PAYLOAD_NETWORK_HEADER, s->dst_offset, s->alen, reg);
	expr_payload(w, NFT_PAYLOAD_TRANSPORT_HEADER, DPORT_OFFSET, 2, reg);
	nftbatch_lookup(w, NFT_REG32_00, s->name, s->id);
}

static void reset_nftmsg_put_rule(struct nftwriter *w, const char *chain, const struct set *s)
{
	size_t nest = nftbatch_rule_begin(w, chain);
	struct nftexpr e;

	expr_meta_is(w, NFT_META_NFPROTO, s->nfproto);
	expr_meta_is(w, NFT_META_L4PROTO, IPPROTO_TCP);
	expr_in_set(w, s);
	e = nftbatch_expr(w, "reject");
	buf_be32(&w->buf, NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST);
	nftbatch_expr_end(w, e);
	nftbatch_rule_end(w, nest);
}

/* The messages of both are numbered from SEQ. This one makes all but the elements. */
static void reset_nftmsg_install(struct nftbatch *b, uint32_t seq, int ifindex)
{
	static const struct {
		const char *name;
		unsigned hook;
	} chains[] = { { "forward", NF_INET_FORWARD }, { "output", NF_INET_LOCAL_OUT } };
	struct nftwriter w;

	nftbatch_open(&w, b, seq, RESET_TABLE_PREFIX, ifindex);
	nftbatch_new_table(&w);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		reset_nftmsg_put_set(&w, &sets[i]);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		nftbatch_chain(&w, chains[i].name, "filter", chains[i].hook, PRIORITY);
		for (size_t j = 0; j < ARRAY_SIZE(sets); j++)
			reset_nftmsg_put_rule(&w, chains[i].name, &sets[j]);
	}
	nftbatch_close(&w);
}

static void reset_nftmsg_put_element(struct nftwriter *w, const struct set *s,
				     const struct reset_match *m, uint64_t timeout_ms)
{
	uint8_t key[40] = { 0 };
	size_t elem = buf_nest(&w->buf, NFTA_LIST_ELEM);

	memcpy(key, m->src, s->alen);
	memcpy(key + s->alen, &m->sport, 2);
	memcpy(key + s->alen + 4, m->dst, s->alen);
	memcpy(key + 2 * s->alen + 4, &m->dport, 2);
	nftbatch_value(w, NFTA_SET_ELEM_KEY, key, key_len(s));
	timeout_ms = htobe64(timeout_ms);
	buf_put(&w->buf, NFTA_SET_ELEM_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
	buf_nest_end(&w->buf, elem);
}

/* Elements for as many of M[0..N) as share the first one's family and fit;
 * returns how many. */
static size_t reset_nftmsg_add(struct nftbatch *b, uint32_t seq, int ifindex,
			       const struct reset_match *m, size_t n, uint64_t timeout_ms)
{
	const struct set *s = m->family == AF_INET ? &sets[0] : &sets[1];
	struct nftwriter w;
	size_t list, i;

	nftbatch_open(&w, b, seq, RESET_TABLE_PREFIX, ifindex);
	nftbatch_begin(&w, NFT_MSG_NEWSETELEM, NLM_F_CREATE); /* the same one twice is no error */
	buf_text(&w.buf, NFTA_SET_ELEM_LIST_TABLE, w.table);
	buf_text(&w.buf, NFTA_SET_ELEM_LIST_SET, s->name);
	list = buf_nest(&w.buf, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (i = 0; i < MIN(n, (size_t)CHUNK) && m[i].family == m->family; i++)
		reset_nftmsg_put_element(&w, s, &m[i], timeout_ms);
	buf_nest_end(&w.buf, list);
	nftbatch_end(&w);
	nftbatch_close(&w);
	return i;
}

/* Ask for what is in the set number WHICH; those that have expired are not listed. */
static void reset_nftmsg_list(struct nftbatch *b, uint32_t seq, int ifindex, unsigned which)
{
	struct attr_buf buf = { .data = b->data, .size = sizeof(b->data) };
	char table[32];
	size_t at = nfmsg_begin(&buf, NF_TYPE(NFNL_SUBSYS_NFTABLES, NFT_MSG_GETSETELEM), NLM_F_DUMP,
				NFPROTO_INET, seq);

	snprintf(table, sizeof(table), RESET_TABLE_PREFIX "%d", ifindex);
	buf_text(&buf, NFTA_SET_ELEM_LIST_TABLE, table);
	buf_text(&buf, NFTA_SET_ELEM_LIST_SET, sets[which].name);
	message_end(&buf, at);
	b->first = b->last = seq;
	b->len = buf.full ? 0 : buf.len;
}

/* How many elements a message of that dump has. */
static size_t reset_nftmsg_count(const struct nlmsghdr *nlh)
{
	const struct nlattr *a[NFTA_SET_ELEM_LIST_ELEMENTS + 1];
	size_t left, n = 0;
	const uint8_t *p;

	if (!nfmsg_parse(nlh, NF_TYPE(NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWSETELEM), a,
			 NFTA_SET_ELEM_LIST_ELEMENTS) ||
	    !a[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	p = attr_data(a[NFTA_SET_ELEM_LIST_ELEMENTS]);
	left = attr_len(a[NFTA_SET_ELEM_LIST_ELEMENTS]);
	while (attr_next(&p, &left))
		n++;
	return n;
}

int reset_nft_install(int ifindex, const struct reset_match *m, size_t n, usec_t duration)
{
	uint64_t ms = MAX((duration + USEC_PER_MSEC - 1) / USEC_PER_MSEC, 1);
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	struct nftbatch *b;
	uint32_t seq;
	int r = nftsock_new(&s);

	if (r < 0)
		return r;
	b = nftsock_batch(s, &seq);
	reset_nftmsg_install(b, seq, ifindex);
	r = nftsock_ask(s);
	if (r < 0)
		return r == -ENOENT ? -EOPNOTSUPP : r; /* no such expression */
	for (size_t i = 0; i < n && r == 0;) {
		b = nftsock_batch(s, &seq);
		i += reset_nftmsg_add(b, seq, ifindex, m + i, n - i, ms);
		r = nftsock_ask(s);
	}
	if (r < 0)
		(void)nftsock_remove(s, RESET_TABLE_PREFIX, ifindex);
	return r;
}

int reset_nft_clean(bool (*wanted)(void *ud, int ifindex), void *ud)
{
	return nftsock_clean(RESET_TABLE_PREFIX, wanted, ud);
}

static int count_elements(void *ud, const struct nlmsghdr *nlh)
{
	*(size_t *)ud += reset_nftmsg_count(nlh);
	return 0;
}

/* Have all resets of the device ended? False if the sets cannot be read. */
static bool reset_nft_has_ended(void *ud, int ifindex)
{
	struct nftsock *s = ud;
	size_t n = 0;

	for (unsigned i = 0; i < RESET_NFTMSG_SETS && !n; i++) {
		uint32_t seq;
		struct nftbatch *b = nftsock_batch(s, &seq);

		reset_nftmsg_list(b, seq, ifindex, i);
		if (nftsock_dump(s, count_elements, &n) < 0)
			return false;
	}
	return !n;
}

int reset_nft_clean_ended(void)
{
	/* a second socket: the first one is in the middle of a dump of the tables */
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	int r;

	if (!nftsock_possible())
		return 0;
	r = nftsock_new(&s);
	return r < 0 ? r : nftsock_clean(RESET_TABLE_PREFIX, reset_nft_has_ended, s);
}
