/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/apart_nft.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/abi_nft.h"
#include "kernel/nft.h"

#define CHAIN "out"
#define PRIORITY 32767
#define CHAIN_CLIENTS "clients"
#define PRIORITY_CLIENTS 99 /* in front of NF_IP_PRI_NAT_SRC */

#define MARGIN 256    /* bytes for one more element and the end of the batch */
#define RULE_MAX 1280 /* bytes of the longest rule */

enum {
	SPORT_OFFSET = 0,
	DPORT_OFFSET = 2,
};

/* What differs between the two families. */
struct apart_family {
	uint8_t family, nfproto, alen, src_offset, dst_offset;
	uint32_t type;
};

static const struct apart_family families[] = {
	{ AF_INET, NFPROTO_IPV4, 4, 12, 16, TYPE_IPV4_ADDR },
	{ AF_INET6, NFPROTO_IPV6, 16, 8, 24, TYPE_IPV6_ADDR },
};

/* A set and its rule. */
struct apart_set {
	char name[24];
	uint32_t id;
	bool all; /* of addresses, whose port does not matter */
	struct apart_group group;
};

#define SETS_MAX (2 * (APART_WINDOWS + 1))

static size_t apart_sets(const struct apart *a, struct apart_set ret[SETS_MAX])
{
	struct apart_group groups[APART_WINDOWS + 1];
	size_t i, n = 2 * apart_groups(a, groups);

	for (i = 0; i < n; i++) {
		struct apart_set *s = &ret[i];

		*s = (struct apart_set){ .id = (uint32_t)i + 1,
					 .all = i % 2,
					 .group = groups[i / 2] };
		if (i / 2 < a->n_windows)
			snprintf(s->name, sizeof(s->name), "window%c%s", (char)('1' + i / 2),
				 s->all ? "_all" : "");
		else
			snprintf(s->name, sizeof(s->name), "servers%s", s->all ? "_all" : "");
	}
	return n;
}

static void apart_put_set(struct nftwriter *w, const struct apart_family *f,
			  const struct apart_set *s)
{
	nftbatch_begin(w, NFT_MSG_NEWSET, NLM_F_CREATE);
	buf_text(&w->buf, NFTA_SET_TABLE, w->table);
	buf_text(&w->buf, NFTA_SET_NAME, s->name);
	buf_be32(&w->buf, NFTA_SET_FLAGS, 0);
	buf_be32(&w->buf, NFTA_SET_KEY_TYPE,
		 s->all ? f->type : f->type << TYPE_BITS | TYPE_INET_SERVICE);
	buf_be32(&w->buf, NFTA_SET_KEY_LEN, s->all ? f->alen : f->alen + 4U);
	buf_be32(&w->buf, NFTA_SET_ID, s->id);
	nftbatch_end(w);
}

static void expr_value(struct nftwriter *w, uint32_t reg, const void *value, size_t len)
{
	struct nftexpr e = nftbatch_expr(w, "immediate");

	buf_be32(&w->buf, NFTA_IMMEDIATE_DREG, reg);
	nftbatch_value(w, NFTA_IMMEDIATE_DATA, value, len);
	nftbatch_expr_end(w, e);
}

/* To the ports of S and, for CLIENT, its address. */
static void expr_snat(struct nftwriter *w, const struct apart_family *f, const struct apart_set *s,
		      const struct apart_client *client)
{
	uint16_t low = htons(s->group.low), high = htons(s->group.high);
	struct nftexpr e;

	if (client)
		expr_value(w, NFT_REG_1, client->to.bytes, f->alen);
	expr_value(w, NFT_REG_2, &low, sizeof(low));
	expr_value(w, NFT_REG_3, &high, sizeof(high));
	e = nftbatch_expr(w, "nat");
	buf_be32(&w->buf, NFTA_NAT_TYPE, NFT_NAT_SNAT);
	buf_be32(&w->buf, NFTA_NAT_FAMILY, f->nfproto);
	if (client) {
		buf_be32(&w->buf, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
		buf_be32(&w->buf, NFTA_NAT_REG_ADDR_MAX, NFT_REG_1);
	}
	buf_be32(&w->buf, NFTA_NAT_REG_PROTO_MIN, NFT_REG_2);
	buf_be32(&w->buf, NFTA_NAT_REG_PROTO_MAX, NFT_REG_3);
	nftbatch_expr_end(w, e);
}

static void expr_from(struct nftwriter *w, const struct apart_family *f, const struct prefix *from)
{
	uint8_t mask[16] = { 0 }, net[16];
	size_t i;

	for (i = 0; i < f->alen; i++) {
		unsigned bits = from->len > 8 * i ? MIN(from->len - 8U * (unsigned)i, 8U) : 0;

		mask[i] = (uint8_t)(0xff00 >> bits);
		net[i] = from->addr.bytes[i] & mask[i];
	}
	nftbatch_payload(w, NFT_PAYLOAD_NETWORK_HEADER, f->src_offset, f->alen, NFT_REG_1);
	nftbatch_mask(w, mask, f->alen);
	nftbatch_cmp(w, NFT_CMP_EQ, net, f->alen);
}

/* Of connections from CLIENT, or (NULL) of all that no other rule translates. */
static void apart_put_rule(struct nftwriter *w, const struct apart_family *f,
			   const struct apart_set *s, const struct apart_client *client)
{
	static const uint8_t tcp = IPPROTO_TCP;
	const uint16_t lowest = htons(APART_LOWEST);
	size_t nest = nftbatch_rule_begin(w, client ? CHAIN_CLIENTS : CHAIN);

	nftbatch_meta(w, NFT_META_L4PROTO);
	nftbatch_cmp(w, NFT_CMP_EQ, &tcp, sizeof(tcp));
	nftbatch_syn(w, NFT_CMP_EQ);
	nftbatch_payload(w, NFT_PAYLOAD_TRANSPORT_HEADER, SPORT_OFFSET, 2, NFT_REG_1);
	nftbatch_cmp(w, NFT_CMP_GTE, &lowest, sizeof(lowest));
	if (client)
		expr_from(w, f, &client->from);
	nftbatch_payload(w, NFT_PAYLOAD_NETWORK_HEADER, f->dst_offset, f->alen, NFT_REG32_00);
	if (!s->all)
		nftbatch_payload(w, NFT_PAYLOAD_TRANSPORT_HEADER, DPORT_OFFSET, 2,
				 NFT_REG32_00 + f->alen / 4U);
	nftbatch_lookup(w, NFT_REG32_00, s->name, s->id);
	expr_snat(w, f, s, client);
	nftbatch_rule_end(w, nest);
}

static bool is_element(const struct apart_dest *d, const struct apart_family *f,
		       const struct apart_set *s)
{
	return d->addr.family == f->family && s->all == !d->port;
}

/* Elements from the *AT-th of its list on, as many as fit; *AT is moved behind them. */
static void apart_put_elements(struct nftwriter *w, const struct apart_family *f,
			       const struct apart_set *s, size_t *at)
{
	size_t list;

	nftbatch_begin(w, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	buf_text(&w->buf, NFTA_SET_ELEM_LIST_TABLE, w->table);
	buf_text(&w->buf, NFTA_SET_ELEM_LIST_SET, s->name);
	list = buf_nest(&w->buf, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (; *at < s->group.list->n && w->buf.size - w->buf.len > MARGIN; ++*at) {
		const struct apart_dest *d = &s->group.list->list[*at];
		uint8_t key[20] = { 0 };
		uint16_t port = htons(d->port);
		size_t elem;

		if (!is_element(d, f, s))
			continue;
		memcpy(key, d->addr.bytes, f->alen);
		memcpy(key + f->alen, &port, sizeof(port));
		elem = buf_nest(&w->buf, NFTA_LIST_ELEM);
		nftbatch_value(w, NFTA_SET_ELEM_KEY, key, s->all ? f->alen : f->alen + 4U);
		buf_nest_end(&w->buf, elem);
	}
	buf_nest_end(&w->buf, list);
	nftbatch_end(w);
}

static void batch_begin(struct nftsock *s, struct nftwriter *w, const struct apart_family *f)
{
	uint32_t seq;
	struct nftbatch *b = nftsock_batch(s, &seq);

	nftbatch_open_table(w, b, seq, f->nfproto, APART_TABLE);
}

static int batch_send(struct nftsock *s, struct nftwriter *w)
{
	nftbatch_close(w);
	return nftsock_ask(s);
}

/* Begin another batch unless there is room for SIZE bytes. */
static int batch_room(struct nftsock *s, struct nftwriter *w, const struct apart_family *f,
		      size_t size)
{
	int r;

	if (w->buf.size - w->buf.len >= size)
		return 0;
	r = batch_send(s, w);
	batch_begin(s, w, f);
	return r;
}

static int apart_put_rules(struct nftsock *sock, struct nftwriter *w, const struct apart_family *f,
			   const struct apart_set *s, const struct apart *a)
{
	int r = batch_room(sock, w, f, RULE_MAX + MARGIN);
	size_t i;

	if (r == 0)
		apart_put_rule(w, f, s, NULL);
	for (i = 0; i < a->n_clients && r == 0; i++) {
		if (a->clients[i].to.family != f->family)
			continue;
		r = batch_room(sock, w, f, RULE_MAX + MARGIN);
		if (r == 0)
			apart_put_rule(w, f, s, &a->clients[i]);
	}
	return r;
}

static int apart_put_list(struct nftsock *sock, struct nftwriter *w, const struct apart_family *f,
			  const struct apart_set *s)
{
	size_t at = 0;
	int r = 0;

	while (at < s->group.list->n && !is_element(&s->group.list->list[at], f, s))
		at++;
	while (at < s->group.list->n && r == 0) {
		r = batch_room(sock, w, f, 2 * MARGIN);
		if (r == 0)
			apart_put_elements(w, f, s, &at);
	}
	return r;
}

/* The table with all that is in it, in one batch as far as it fits. */
static int apart_install_family(struct nftsock *sock, const struct apart_family *f,
				const struct apart *a)
{
	struct apart_set sets[SETS_MAX];
	size_t i, n = apart_sets(a, sets);
	struct nftwriter w;
	int r = 0;

	batch_begin(sock, &w, f);
	nftbatch_new_table(&w);
	nftbatch_chain(&w, CHAIN, "nat", NF_INET_POST_ROUTING, PRIORITY);
	if (a->n_clients)
		nftbatch_chain(&w, CHAIN_CLIENTS, "nat", NF_INET_POST_ROUTING, PRIORITY_CLIENTS);
	for (i = 0; i < n; i++)
		apart_put_set(&w, f, &sets[i]);
	for (i = 0; i < n && r == 0; i++)
		r = apart_put_rules(sock, &w, f, &sets[i], a);
	for (i = 0; i < n && r == 0; i++)
		r = apart_put_list(sock, &w, f, &sets[i]);
	return r < 0 ? r : batch_send(sock, &w);
}

/* No address is in its sets, but the rules are there. */
static const struct apart none = { .windows = { { .low = 1, .high = 1 } }, .n_windows = 1 };

static int table_delete(struct nftsock *s, const struct apart_family *f)
{
	struct nftwriter w;

	batch_begin(s, &w, f);
	nftbatch_table(&w, NFT_MSG_DELTABLE, 0);
	return batch_send(s, &w);
}

/* For each table that is there: delete it, or only empty it. Returns how many, or an error. */
static int tables_change(struct nftsock *s,
			 int (*change)(struct nftsock *, const struct apart_family *))
{
	int r = 0, n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(families) && r == 0; i++) {
		r = nftsock_has_table(s, families[i].nfproto, APART_TABLE);
		if (r > 0) {
			n++;
			r = change ? change(s, &families[i]) : 0;
		}
	}
	return r < 0 ? r : n;
}

static int table_empty(struct nftsock *s, const struct apart_family *f)
{
	return apart_install_family(s, f, &none);
}

int apart_nft_install(const struct apart *a, char reason[REPORT_TEXT_MAX])
{
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	int r = nftsock_new(&s);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(families) && r >= 0; i++) {
		if (apart_has_family(a, families[i].family))
			r = apart_install_family(s, &families[i], a);
		else if ((r = nftsock_has_table(s, families[i].nfproto, APART_TABLE)) > 0)
			r = table_empty(s, &families[i]);
	}
	if (r >= 0)
		return 0;
	snprintf(reason, REPORT_TEXT_MAX, "nf_tables: %s",
		 r == -ENOENT || r == -EOPNOTSUPP ? "no NAT in this kernel" : strerror(-r));
	if (s)
		(void)tables_change(s, table_empty);
	return r;
}

static int apart_nft_change(int (*change)(struct nftsock *, const struct apart_family *))
{
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	int r = nftsock_possible() ? nftsock_new(&s) : 0;

	return r == 0 && s ? tables_change(s, change) : r;
}

int apart_nft_count(void)
{
	return apart_nft_change(NULL);
}

int apart_nft_remove(bool needed)
{
	return apart_nft_change(needed ? table_empty : table_delete);
}
