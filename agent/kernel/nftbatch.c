/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nftbatch.h"

#include <netinet/in.h>
#include <stdio.h>

#include <linux/netfilter.h>

#include "kernel/hold_text.h"
#include "kernel/nfmsg.h"
#include "kernel/nftattr.h"

void nftbatch_open(struct nftwriter *w, struct nftbatch *b, uint32_t seq, const char *prefix,
		   int ifindex)
{
	*w = (struct nftwriter){ .buf = { .data = b->data, .size = sizeof(b->data) },
				 .batch = b,
				 .seq = seq };
	snprintf(w->table, sizeof(w->table), "%s%d", prefix, ifindex);
	b->first = seq;
	nfmsg_batch_begin(&w->buf, w->seq++);
}

void nftbatch_close(struct nftwriter *w)
{
	struct nftbatch *b = w->batch;

	b->last = w->seq - 1;
	nfmsg_batch_end(&w->buf, w->seq);
	if (!w->buf.full)
		((struct nlmsghdr *)(void *)(b->data + w->message))->nlmsg_flags |= NLM_F_ACK;
	b->len = w->buf.full ? 0 : w->buf.len;
}

void nftbatch_begin(struct nftwriter *w, uint8_t command, uint16_t flags)
{
	w->message = nfmsg_begin(&w->buf, NF_TYPE(NF_SUBSYS_NFTABLES, command), flags, FAMILY_INET,
				 w->seq++);
}

void nftbatch_end(struct nftwriter *w)
{
	nfmsg_end(&w->buf, w->message);
}

void nftbatch_table(struct nftwriter *w, uint8_t command, uint16_t flags)
{
	nftbatch_begin(w, command, flags);
	nfmsg_string(&w->buf, TABLE_NAME, w->table);
	nftbatch_end(w);
}

void nftbatch_new_table(struct nftwriter *w)
{
	nftbatch_table(w, MSG_NEWTABLE, NLM_F_CREATE); /* so that there is one to delete */
	nftbatch_table(w, MSG_DELTABLE, 0);
	nftbatch_table(w, MSG_NEWTABLE, NLM_F_CREATE);
}

void nftbatch_chain(struct nftwriter *w, const char *name, unsigned hook, int priority)
{
	size_t nest;

	nftbatch_begin(w, MSG_NEWCHAIN, NLM_F_CREATE);
	nfmsg_string(&w->buf, CHAIN_TABLE, w->table);
	nfmsg_string(&w->buf, CHAIN_NAME, name);
	nest = buf_nest(&w->buf, CHAIN_HOOK);
	nfmsg_be32(&w->buf, HOOK_HOOKNUM, hook);
	nfmsg_be32(&w->buf, HOOK_PRIORITY, (uint32_t)priority);
	buf_nest_end(&w->buf, nest);
	nfmsg_be32(&w->buf, CHAIN_POLICY, NF_ACCEPT);
	nfmsg_string(&w->buf, CHAIN_TYPE, "filter");
	nftbatch_end(w);
}

size_t nftbatch_rule_begin(struct nftwriter *w, const char *chain)
{
	nftbatch_begin(w, MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nfmsg_string(&w->buf, RULE_TABLE, w->table);
	nfmsg_string(&w->buf, RULE_CHAIN, chain);
	return buf_nest(&w->buf, RULE_EXPRESSIONS);
}

void nftbatch_rule_end(struct nftwriter *w, size_t nest)
{
	buf_nest_end(&w->buf, nest);
	nftbatch_end(w);
}

/* ---- expressions ------------------------------------------------------------------ */

struct nftexpr nftbatch_expr(struct nftwriter *w, const char *name)
{
	struct nftexpr e = { .elem = buf_nest(&w->buf, LIST_ELEM) };

	nfmsg_string(&w->buf, EXPR_NAME, name);
	e.data = buf_nest(&w->buf, EXPR_DATA);
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

	buf_put(&w->buf, DATA_VALUE, value, len);
	buf_nest_end(&w->buf, nest);
}

void nftbatch_meta(struct nftwriter *w, uint32_t key)
{
	struct nftexpr e = nftbatch_expr(w, "meta");

	nfmsg_be32(&w->buf, META_KEY, key);
	nfmsg_be32(&w->buf, META_DREG, REG_1);
	nftbatch_expr_end(w, e);
}

void nftbatch_payload(struct nftwriter *w, uint32_t base, uint32_t offset, uint32_t len,
		      uint32_t reg)
{
	struct nftexpr e = nftbatch_expr(w, "payload");

	nfmsg_be32(&w->buf, PAYLOAD_DREG, reg);
	nfmsg_be32(&w->buf, PAYLOAD_BASE, base);
	nfmsg_be32(&w->buf, PAYLOAD_OFFSET, offset);
	nfmsg_be32(&w->buf, PAYLOAD_LEN, len);
	nftbatch_expr_end(w, e);
}

void nftbatch_cmp(struct nftwriter *w, uint32_t op, const void *value, size_t len)
{
	struct nftexpr e = nftbatch_expr(w, "cmp");

	nfmsg_be32(&w->buf, CMP_SREG, REG_1);
	nfmsg_be32(&w->buf, CMP_OP, op);
	nftbatch_value(w, CMP_DATA, value, len);
	nftbatch_expr_end(w, e);
}

void nftbatch_lookup(struct nftwriter *w, uint32_t reg, const char *name, uint32_t id)
{
	struct nftexpr e = nftbatch_expr(w, "lookup");

	nfmsg_be32(&w->buf, LOOKUP_SREG, reg);
	nfmsg_string(&w->buf, LOOKUP_SET, name);
	nfmsg_be32(&w->buf, LOOKUP_SET_ID, id);
	nftbatch_expr_end(w, e);
}

/* ---- batches that are the same for every table -------------------------------------- */

void nftbatch_remove(struct nftbatch *b, uint32_t seq, const char *prefix, int ifindex)
{
	struct nftwriter w;

	nftbatch_open(&w, b, seq, prefix, ifindex);
	nftbatch_table(&w, MSG_DELTABLE, 0);
	nftbatch_close(&w);
}

void nftbatch_list(struct nftbatch *b, uint32_t seq, uint8_t command, uint8_t family)
{
	struct attr_buf buf = { .data = b->data, .size = sizeof(b->data) };

	nfmsg_end(&buf,
		  nfmsg_begin(&buf, NF_TYPE(NF_SUBSYS_NFTABLES, command), NLM_F_DUMP, family, seq));
	b->first = b->last = seq;
	b->len = buf.len;
}

bool nftbatch_is_table(const struct nlmsghdr *nlh, const char *prefix, int *ret_ifindex)
{
	const struct nlattr *a[TABLE_NAME + 1];
	const char *name;

	if (!nfmsg_parse(nlh, NF_TYPE(NF_SUBSYS_NFTABLES, MSG_NEWTABLE), a, TABLE_NAME))
		return false;
	name = nfmsg_text(a[TABLE_NAME]);
	return name && hold_text_number(name, prefix, "", ret_ifindex);
}
