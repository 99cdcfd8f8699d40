/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/apart.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "kernel/abi_nft.h"
#include "kernel/nft.h"
#include "kernel/probe_choice.h"

#define CHAIN "out"
#define PRIORITY 32767

#define MARGIN 256 /* bytes for one more element and the end of the batch */

enum {
	SPORT_OFFSET = 0,
	DPORT_OFFSET = 2,
};

/* What differs between the two families. */
struct apart_family {
	uint8_t family, nfproto, alen, dst_offset;
	uint32_t type;
};

static const struct apart_family families[] = {
	{ AF_INET, NFPROTO_IPV4, 4, 16, TYPE_IPV4_ADDR },
	{ AF_INET6, NFPROTO_IPV6, 16, 24, TYPE_IPV6_ADDR },
};

/* A set and its rule: from source ports FROM to TO, to those of LIST, leave from LOW to HIGH. */
struct apart_set {
	char name[24];
	uint32_t id;
	bool all; /* of addresses, whose port does not matter */
	const struct apart_list *list;
	uint16_t from, to, low, high;
};

#define SETS_MAX (2 * (APART_WINDOWS + 1))

static size_t apart_sets(const struct apart *a, struct apart_set ret[SETS_MAX])
{
	size_t i, n = 0;

	for (i = 0; i < 2 * (a->n_windows + 1); i++) {
		struct apart_set *s = &ret[n++];
		bool all = i % 2, is_window = i / 2 < a->n_windows;
		const struct apart_window *w = &a->windows[i / 2];

		*s = (struct apart_set){ .id = (uint32_t)n, .all = all };
		if (is_window) {
			snprintf(s->name, sizeof(s->name), "window%c%s", (char)('1' + i / 2),
				 all ? "_all" : "");
			s->list = &w->services;
			s->from = APART_LOWEST;
			s->to = UINT16_MAX;
			s->low = w->low;
			s->high = w->high;
		} else {
			snprintf(s->name, sizeof(s->name), "servers%s", all ? "_all" : "");
			s->list = &a->servers;
			s->from = a->windows[0].low;
			s->to = a->windows[a->n_windows - 1].high;
			s->low = a->rest_low;
			s->high = a->rest_high;
		}
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

static void expr_sport(struct nftwriter *w, uint32_t op, uint16_t port)
{
	port = htons(port);
	nftbatch_payload(w, NFT_PAYLOAD_TRANSPORT_HEADER, SPORT_OFFSET, sizeof(port), NFT_REG_1);
	nftbatch_cmp(w, op, &port, sizeof(port));
}

static void expr_port(struct nftwriter *w, uint32_t reg, uint16_t port)
{
	struct nftexpr e = nftbatch_expr(w, "immediate");

	port = htons(port);
	buf_be32(&w->buf, NFTA_IMMEDIATE_DREG, reg);
	nftbatch_value(w, NFTA_IMMEDIATE_DATA, &port, sizeof(port));
	nftbatch_expr_end(w, e);
}

static void expr_snat(struct nftwriter *w, const struct apart_family *f, const struct apart_set *s)
{
	struct nftexpr e;

	expr_port(w, NFT_REG_1, s->low);
	expr_port(w, NFT_REG_2, s->high);
	e = nftbatch_expr(w, "nat");
	buf_be32(&w->buf, NFTA_NAT_TYPE, NFT_NAT_SNAT);
	buf_be32(&w->buf, NFTA_NAT_FAMILY, f->nfproto);
	buf_be32(&w->buf, NFTA_NAT_REG_PROTO_MIN, NFT_REG_1);
	buf_be32(&w->buf, NFTA_NAT_REG_PROTO_MAX, NFT_REG_2);
	nftbatch_expr_end(w, e);
}

static void apart_put_rule(struct nftwriter *w, const struct apart_family *f,
			   const struct apart_set *s)
{
	static const uint8_t tcp = IPPROTO_TCP;
	size_t nest = nftbatch_rule_begin(w, CHAIN);

	nftbatch_meta(w, NFT_META_L4PROTO);
	nftbatch_cmp(w, NFT_CMP_EQ, &tcp, sizeof(tcp));
	nftbatch_syn(w, NFT_CMP_EQ);
	expr_sport(w, NFT_CMP_GTE, s->from);
	expr_sport(w, NFT_CMP_LTE, s->to);
	nftbatch_payload(w, NFT_PAYLOAD_NETWORK_HEADER, f->dst_offset, f->alen, NFT_REG32_00);
	if (!s->all)
		nftbatch_payload(w, NFT_PAYLOAD_TRANSPORT_HEADER, DPORT_OFFSET, 2,
				 NFT_REG32_00 + f->alen / 4U);
	nftbatch_lookup(w, NFT_REG32_00, s->name, s->id);
	expr_snat(w, f, s);
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
	for (; *at < s->list->n && w->buf.size - w->buf.len > MARGIN; ++*at) {
		const struct apart_dest *d = &s->list->list[*at];
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

/* The table with all that is in it, in one batch as far as it fits. */
static int apart_install_family(struct nftsock *sock, const struct apart_family *f,
				const struct apart *a)
{
	struct apart_set sets[SETS_MAX];
	size_t i, at, n = apart_sets(a, sets);
	struct nftwriter w;
	int r = 0;

	batch_begin(sock, &w, f);
	nftbatch_new_table(&w);
	nftbatch_chain(&w, CHAIN, "nat", NF_INET_POST_ROUTING, PRIORITY);
	for (i = 0; i < n; i++)
		apart_put_set(&w, f, &sets[i]);
	for (i = 0; i < n; i++)
		apart_put_rule(&w, f, &sets[i]);
	for (i = 0; i < n && r == 0; i++) {
		at = 0;
		while (at < sets[i].list->n && !is_element(&sets[i].list->list[at], f, &sets[i]))
			at++;
		while (at < sets[i].list->n && r == 0) {
			if (w.buf.size - w.buf.len < 2 * MARGIN) {
				r = batch_send(sock, &w);
				batch_begin(sock, &w, f);
			}
			apart_put_elements(&w, f, &sets[i], &at);
		}
	}
	return r < 0 ? r : batch_send(sock, &w);
}

/* No address is in its sets, but the rules are there. */
static const struct apart none = { .windows = { { .low = 1, .high = 1 } }, .n_windows = 1 };

static bool apart_has_family(const struct apart *a, uint8_t family)
{
	size_t i;

	for (i = 0; i < a->servers.n; i++)
		if (a->servers.list[i].addr.family == family)
			return true;
	return false;
}

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

int apart_install(const struct apart *a, char reason[REPORT_TEXT_MAX])
{
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	struct utsname u;
	size_t i;
	int r;

	if (uname(&u) < 0 || !probe_nat_is_in_turn(u.release)) {
		snprintf(reason, REPORT_TEXT_MAX,
			 "before Linux 4.18 a NAT chain of its own would keep the node's others "
			 "from being asked");
		return -EOPNOTSUPP;
	}
	r = nftsock_new(&s);
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

static int apart_take_conn(void *ud, const struct conn_record *record)
{
	bool *needed = ud;

	*needed |= apart_needs(record->conn);
	return 0;
}

int apart_remove(const struct kernel *k, enum apart_removed *ret)
{
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	bool needed = false;
	int r;

	*ret = APART_NONE;
	r = nftsock_possible() ? nftsock_new(&s) : 0;
	if (s && r == 0)
		r = tables_change(s, NULL);
	if (r <= 0)
		return r;
	r = k->ops->ct_dump(k->ctx, AF_UNSPEC, apart_take_conn, &needed);
	needed |= r < 0 && r != -EPROTONOSUPPORT; /* it cannot be seen */
	r = tables_change(s, needed ? table_empty : table_delete);
	*ret = needed ? APART_EMPTIED : APART_REMOVED;
	return MIN(r, 0);
}
