/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "kernel/abi_nft.h"
#include "kernel/hold_text.h"
#include "kernel/nlask.h"
#include "kernel/probe_choice.h"

enum {
	TCP_FLAGS_OFFSET = 13,
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
};

static void batch_mark(struct attr_buf *b, uint16_t type, uint32_t seq)
{
	const struct nfgenmsg nfg = { .version = NFNETLINK_V0,
				      .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	message_end(b, message_begin(b, type, 0, seq, &nfg, sizeof(nfg)));
}

void nftbatch_open_table(struct nftwriter *w, struct nftbatch *b, uint32_t seq, uint8_t family,
			 const char *table)
{
	*w = (struct nftwriter){ .buf = { .data = b->data, .size = sizeof(b->data) },
				 .batch = b,
				 .seq = seq,
				 .family = family };
	snprintf(w->table, sizeof(w->table), "%s", table);
	b->first = seq;
	batch_mark(&w->buf, NFNL_MSG_BATCH_BEGIN, w->seq++);
}

void nftbatch_open(struct nftwriter *w, struct nftbatch *b, uint32_t seq, const char *prefix,
		   int ifindex)
{
	char table[NFTBATCH_TABLE_MAX];

	snprintf(table, sizeof(table), "%s%d", prefix, ifindex);
	nftbatch_open_table(w, b, seq, NFPROTO_INET, table);
}

void nftbatch_close(struct nftwriter *w)
{
	struct nftbatch *b = w->batch;

	b->last = w->seq - 1;
	batch_mark(&w->buf, NFNL_MSG_BATCH_END, w->seq);
	if (!w->buf.full)
		((struct nlmsghdr *)(void *)(b->data + w->message))->nlmsg_flags |= NLM_F_ACK;
	b->len = w->buf.full ? 0 : w->buf.len;
}

void nftbatch_begin(struct nftwriter *w, uint8_t command, uint16_t flags)
{
	w->message = nfmsg_begin(&w->buf, NF_TYPE(NFNL_SUBSYS_NFTABLES, command), flags, w->family,
				 w->seq++);
}

void nftbatch_end(struct nftwriter *w)
{
	message_end(&w->buf, w->message);
}

void nftbatch_table(struct nftwriter *w, uint8_t command, uint16_t flags)
{
	nftbatch_begin(w, command, flags);
	buf_text(&w->buf, NFTA_TABLE_NAME, w->table);
	nftbatch_end(w);
}

void nftbatch_new_table(struct nftwriter *w)
{
	nftbatch_table(w, NFT_MSG_NEWTABLE, NLM_F_CREATE); /* so that there is one to delete */
	nftbatch_table(w, NFT_MSG_DELTABLE, 0);
	nftbatch_table(w, NFT_MSG_NEWTABLE, NLM_F_CREATE);
}

void nftbatch_chain(struct nftwriter *w, const char *name, const char *type, unsigned hook,
		    int priority)
{
	size_t nest;

	nftbatch_begin(w, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	buf_text(&w->buf, NFTA_CHAIN_TABLE, w->table);
	buf_text(&w->buf, NFTA_CHAIN_NAME, name);
	nest = buf_nest(&w->buf, NFTA_CHAIN_HOOK);
	buf_be32(&w->buf, NFTA_HOOK_HOOKNUM, hook);
	buf_be32(&w->buf, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	buf_nest_end(&w->buf, nest);
	buf_be32(&w->buf, NFTA_CHAIN_POLICY, NF_ACCEPT);
	buf_text(&w->buf, NFTA_CHAIN_TYPE, type);
	nftbatch_end(w);
}

size_t nftbatch_rule_begin(struct nftwriter *w, const char *chain)
{
	nftbatch_begin(w, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	buf_text(&w->buf, NFTA_RULE_TABLE, w->table);
	buf_text(&w->buf, NFTA_RULE_CHAIN, chain);
	return buf_nest(&w->buf, NFTA_RULE_EXPRESSIONS);
}

void nftbatch_rule_end(struct nftwriter *w, size_t nest)
{
	buf_nest_end(&w->buf, nest);
	nftbatch_end(w);
}

/* ---- expressions ------------------------------------------------------------------ */

struct nftexpr nftbatch_expr(struct nftwriter *w, const char *name)
{
	struct nftexpr e = { .elem = buf_nest(&w->buf, NFTA_LIST_ELEM) };

	buf_text(&w->buf, NFTA_EXPR_NAME, name);
	e.data = buf_nest(&w->buf, NFTA_EXPR_DATA);
	return e;
}

void nftbatch_expr_end(struct nftwriter *w, struct nftexpr e)
{
	buf_nest_end(&w->buf, e.data);
	buf_nest_end(&w->buf, e.elem);
}

void nftbatch_value(struct nftwriter *w, uint16_t type, const void *value, size_t len)
{
	size_t nest = buf_nest(&w->buf, type);

	buf_put(&w->buf, NFTA_DATA_VALUE, value, len);
	buf_nest_end(&w->buf, nest);
}

void nftbatch_meta(struct nftwriter *w, uint32_t key)
{
	struct nftexpr e = nftbatch_expr(w, "meta");

	buf_be32(&w->buf, NFTA_META_KEY, key);
	buf_be32(&w->buf, NFTA_META_DREG, NFT_REG_1);
	nftbatch_expr_end(w, e);
}

void nftbatch_payload(struct nftwriter *w, uint32_t base, uint32_t offset, uint32_t len,
		      uint32_t reg)
{
	struct nftexpr e = nftbatch_expr(w, "payload");

	buf_be32(&w->buf, NFTA_PAYLOAD_DREG, reg);
	buf_be32(&w->buf, NFTA_PAYLOAD_BASE, base);
	buf_be32(&w->buf, NFTA_PAYLOAD_OFFSET, offset);
	buf_be32(&w->buf, NFTA_PAYLOAD_LEN, len);
	nftbatch_expr_end(w, e);
}

void nftbatch_cmp(struct nftwriter *w, uint32_t op, const void *value, size_t len)
{
	struct nftexpr e = nftbatch_expr(w, "cmp");

	buf_be32(&w->buf, NFTA_CMP_SREG, NFT_REG_1);
	buf_be32(&w->buf, NFTA_CMP_OP, op);
	nftbatch_value(w, NFTA_CMP_DATA, value, len);
	nftbatch_expr_end(w, e);
}

void nftbatch_mask(struct nftwriter *w, const void *mask, size_t len)
{
	static const uint8_t none[16];
	struct nftexpr e = nftbatch_expr(w, "bitwise");

	buf_be32(&w->buf, NFTA_BITWISE_SREG, NFT_REG_1);
	buf_be32(&w->buf, NFTA_BITWISE_DREG, NFT_REG_1);
	buf_be32(&w->buf, NFTA_BITWISE_LEN, (uint32_t)len);
	nftbatch_value(w, NFTA_BITWISE_MASK, mask, len);
	nftbatch_value(w, NFTA_BITWISE_XOR, none, len);
	nftbatch_expr_end(w, e);
}

void nftbatch_syn(struct nftwriter *w, uint32_t op)
{
	static const uint8_t mask = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK, syn = TCP_SYN;

	nftbatch_payload(w, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, sizeof(mask),
			 NFT_REG_1);
	nftbatch_mask(w, &mask, sizeof(mask));
	nftbatch_cmp(w, op, &syn, sizeof(syn));
}

void nftbatch_lookup(struct nftwriter *w, uint32_t reg, const char *name, uint32_t id)
{
	struct nftexpr e = nftbatch_expr(w, "lookup");

	buf_be32(&w->buf, NFTA_LOOKUP_SREG, reg);
	buf_text(&w->buf, NFTA_LOOKUP_SET, name);
	buf_be32(&w->buf, NFTA_LOOKUP_SET_ID, id);
	nftbatch_expr_end(w, e);
}

/* ---- batches that are the same for every table -------------------------------------- */

void nftbatch_remove(struct nftbatch *b, uint32_t seq, const char *prefix, int ifindex)
{
	struct nftwriter w;

	nftbatch_open(&w, b, seq, prefix, ifindex);
	nftbatch_table(&w, NFT_MSG_DELTABLE, 0);
	nftbatch_close(&w);
}

/* One message that asks for all of COMMAND (NFT_MSG_GETTABLE …) in FAMILY. */
static void nftbatch_list(struct nftbatch *b, uint32_t seq, uint8_t command, uint8_t family)
{
	struct attr_buf buf = { .data = b->data, .size = sizeof(b->data) };

	message_end(&buf, nfmsg_begin(&buf, NF_TYPE(NFNL_SUBSYS_NFTABLES, command), NLM_F_DUMP,
				      family, seq));
	b->first = b->last = seq;
	b->len = buf.len;
}

bool nftbatch_is_table(const struct nlmsghdr *nlh, const char *prefix, int *ret_ifindex)
{
	const struct nlattr *a[NFTA_TABLE_NAME + 1];
	const char *name;

	if (!nfmsg_parse(nlh, NF_TYPE(NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE), a, NFTA_TABLE_NAME))
		return false;
	name = attr_text(a[NFTA_TABLE_NAME]);
	return name && text_number_between(name, prefix, "", ret_ifindex);
}

bool nftbatch_is_chain(const struct nlmsghdr *nlh, const char **ret_table, const char **ret_name)
{
	const struct nlattr *a[NFTA_CHAIN_NAME + 1];

	if (!nfmsg_parse(nlh, NF_TYPE(NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWCHAIN), a, NFTA_CHAIN_NAME))
		return false;
	*ret_table = attr_text(a[NFTA_CHAIN_TABLE]);
	*ret_name = attr_text(a[NFTA_CHAIN_NAME]);
	return *ret_table && *ret_name;
}

#define FOUND_MAX 64 /* tables; more are the next run's */
#define LIST_TRIES 5
#define REMOVE_TRIES 3

struct nftsock {
	struct nlsock *sk;
	struct nftbatch batch;
};

struct nftsock *nftsock_free(struct nftsock *s)
{
	if (s)
		nlsock_free(s->sk);
	free(s);
	return NULL;
}

int nftsock_new(struct nftsock **ret)
{
	_cleanup_(nftsock_freep) struct nftsock *s = calloc(1, sizeof(*s));
	int r = s ? nlsock_new(NETLINK_NETFILTER, 2 * NFTBATCH_SIZE, 65536, &s->sk) : -ENOMEM;

	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

struct nftbatch *nftsock_batch(struct nftsock *s, uint32_t *ret_seq)
{
	*ret_seq = s->batch.last + 2; /* the end of the batch has a number, too */
	return &s->batch;
}

int nftsock_ask(struct nftsock *s)
{
	const struct nftbatch *b = &s->batch;
	int r = b->len ? nlask_change(s->sk, b->data, b->len, b->first, b->last) : -EMSGSIZE;

	return r == -EAFNOSUPPORT ? -EOPNOTSUPP : r;
}

int nftsock_dump(struct nftsock *s, nlask_sink sink, void *ud)
{
	struct attr_buf b = { .data = s->batch.data,
			      .len = s->batch.len,
			      .size = sizeof(s->batch.data),
			      .full = !s->batch.len };

	return nlask_dump(s->sk, &b, sink, ud);
}

int nftsock_list(struct nftsock *s, uint8_t command, uint8_t family, nlask_sink sink, void *ud)
{
	int r = -EINTR;

	for (int i = 0; i < LIST_TRIES && r == -EINTR; i++) {
		uint32_t seq;
		struct nftbatch *b = nftsock_batch(s, &seq);

		nftbatch_list(b, seq, command, family);
		r = nftsock_dump(s, sink, ud);
	}
	if (r == -EINTR)
		return -EAGAIN;
	return r == -EOPNOTSUPP || r == -EINVAL ? 0 : r;
}

int nftsock_remove(struct nftsock *s, const char *prefix, int ifindex)
{
	int r = -ENOBUFS;

	/* Buffers that are short now may not be in a moment, and the rules would stay. */
	for (int i = 0; i < REMOVE_TRIES && r == -ENOBUFS; i++) {
		uint32_t seq;
		struct nftbatch *b = nftsock_batch(s, &seq);

		nftbatch_remove(b, seq, prefix, ifindex);
		r = nftsock_ask(s);
		if (i && r == -ENOENT) /* only the answer was lost */
			r = 0;
	}
	return r;
}

struct named {
	const char *name;
	bool found;
};

static int nftsock_take_name(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *a[NFTA_TABLE_NAME + 1];
	struct named *n = ud;
	const char *name;

	if (nfmsg_parse(nlh, NF_TYPE(NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE), a, NFTA_TABLE_NAME)) {
		name = attr_text(a[NFTA_TABLE_NAME]);
		n->found |= name && strcmp(name, n->name) == 0;
	}
	return 0;
}

int nftsock_has_table(struct nftsock *s, uint8_t family, const char *name)
{
	struct named n = { .name = name };
	int r = nftsock_list(s, NFT_MSG_GETTABLE, family, nftsock_take_name, &n);

	return n.found ? 1 : r;
}

bool nft_sees_all(void)
{
	struct utsname u;

	return uname(&u) < 0 || probe_hooks_are_global(u.release);
}

bool nftsock_possible(void)
{
	return access("/sys/module/nf_tables", F_OK) == 0 ||
	       (access("/sys/module/ip_tables", F_OK) < 0 && !nft_sees_all());
}

struct found {
	const char *prefix;
	bool (*wanted)(void *ud, int ifindex);
	void *ud;
	int ifindex[FOUND_MAX];
	size_t n;
};

static int nftsock_take_table(void *ud, const struct nlmsghdr *nlh)
{
	struct found *f = ud;
	int ifindex;

	if (f->n < FOUND_MAX && nftbatch_is_table(nlh, f->prefix, &ifindex) &&
	    f->wanted(f->ud, ifindex))
		f->ifindex[f->n++] = ifindex;
	return 0;
}

int nftsock_clean(const char *prefix, bool (*wanted)(void *ud, int ifindex), void *ud)
{
	struct found f = { .prefix = prefix, .wanted = wanted, .ud = ud };
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	int r, n = 0;

	if (!nftsock_possible())
		return 0;
	r = nftsock_new(&s);
	if (r == 0)
		r = nftsock_list(s, NFT_MSG_GETTABLE, NFPROTO_INET, nftsock_take_table, &f);
	if (r == -EAGAIN) /* what was seen can go; the rest is the next run's */
		r = 0;
	for (size_t i = 0; i < f.n && r == 0; i++) {
		r = nftsock_remove(s, prefix, f.ifindex[i]);
		n += r == 0;
		r = r == -ENOENT ? 0 : r; /* by somebody else */
	}
	return r < 0 ? r : n;
}

struct chain {
	const char *table, *prefix;
	bool (*wanted)(void *ud, int ifindex);
	void *ud;
	bool found;
};

static int nftsock_take_chain(void *ud, const struct nlmsghdr *nlh)
{
	const char *table, *name;
	struct chain *c = ud;
	int ifindex;

	c->found |= nftbatch_is_chain(nlh, &table, &name) && strcmp(table, c->table) == 0 &&
		    text_number_between(name, c->prefix, "", &ifindex) && c->wanted(c->ud, ifindex);
	return 0;
}

int nftsock_has_chain(uint8_t family, const char *table, const char *prefix,
		      bool (*wanted)(void *ud, int ifindex), void *ud)
{
	struct chain c = { .table = table, .prefix = prefix, .wanted = wanted, .ud = ud };
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	int r;

	if (!nftsock_possible())
		return 0;
	r = nftsock_new(&s);
	if (r == 0)
		r = nftsock_list(s, NFT_MSG_GETCHAIN, family, nftsock_take_chain, &c);
	return r < 0 && !c.found ? r : c.found;
}
