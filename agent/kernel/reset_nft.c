/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/reset_nft.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/netfilter.h>

#include "kernel/hold_mangle.h"
#include "kernel/hold_text.h"
#include "kernel/nfmsg.h"
#include "kernel/nfsock.h"
#include "kernel/nftattr.h"
#include "kernel/reset_iptables.h"

#define TABLE_PREFIX "vipsafe_reset_"
#define TABLE_NAME_MAX 32

/* In front of the hold, which would drop those packets first; after conntrack. */
#define PRIORITY (-151)

#define CHUNK 256 /* elements of up to 64 bytes in one list of less than 64 kB */
#define BATCH_SIZE 32768
#define FOUND_MAX 64 /* tables; more are the next run's */
#define LIST_TRIES 3

/* Beside those of nftattr.h. */
enum {
	META_NFPROTO = 15,
	PAYLOAD_NETWORK = 1,
	REJECT_TYPE = 1,
	REJECT_TCP_RST = 1,
	REG32_0 = 8, /* 32 bits each; every part of a concatenation begins one */
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

/* Batches to one table, one after the other. */
struct writer {
	struct nl_sock *sk;
	struct attr_buf buf;
	uint32_t first, seq;
	size_t last; /* offset of the last message: it is to be acknowledged */
	char table[TABLE_NAME_MAX];
	uint8_t data[BATCH_SIZE] __attribute__((aligned(8)));
};

static struct writer *writer_free(struct writer *w)
{
	if (w && w->sk)
		nl_socket_free(w->sk);
	free(w);
	return NULL;
}

DEFINE_CLEANUP(struct writer, writer_free)

static int writer_new(struct writer **ret)
{
	_cleanup_(writer_freep) struct writer *w = calloc(1, sizeof(*w));
	int r = w ? nfsock_open(&w->sk, 2 * BATCH_SIZE, 65536) : -ENOMEM;

	if (r < 0)
		return r;
	*ret = TAKE_PTR(w);
	return 0;
}

static void batch_begin(struct writer *w, int ifindex)
{
	w->buf = (struct attr_buf){ .data = w->data, .size = sizeof(w->data) };
	w->first = ++w->seq;
	snprintf(w->table, sizeof(w->table), TABLE_PREFIX "%d", ifindex);
	nfmsg_batch_begin(&w->buf, w->seq++);
}

static int batch_ask(struct writer *w)
{
	uint32_t last = w->seq - 1;
	int r;

	nfmsg_batch_end(&w->buf, w->seq);
	if (w->buf.full)
		return -EMSGSIZE;
	((struct nlmsghdr *)(void *)(w->data + w->last))->nlmsg_flags |= NLM_F_ACK;
	r = nfmsg_ask(w->sk, w->data, w->buf.len, w->first, last);
	return r == -EAFNOSUPPORT ? -EOPNOTSUPP : r;
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

/* All of the table but the elements, in one step. */
static int install_rules(struct writer *w, int ifindex)
{
	static const struct {
		const char *name;
		unsigned hook;
	} chains[] = { { "forward", NF_INET_FORWARD }, { "output", NF_INET_LOCAL_OUT } };
	int r;

	batch_begin(w, ifindex);
	put_table(w, MSG_NEWTABLE, NLM_F_CREATE); /* so that there is one to delete */
	put_table(w, MSG_DELTABLE, 0);
	put_table(w, MSG_NEWTABLE, NLM_F_CREATE);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		put_set(w, &sets[i]);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		put_chain(w, chains[i].name, chains[i].hook);
		for (size_t j = 0; j < ARRAY_SIZE(sets); j++)
			put_rule(w, chains[i].name, &sets[j]);
	}
	r = batch_ask(w);
	return r == -ENOENT ? -EOPNOTSUPP : r; /* no such expression */
}

static int remove_table(struct writer *w, int ifindex)
{
	batch_begin(w, ifindex);
	put_table(w, MSG_DELTABLE, 0);
	return batch_ask(w);
}

/* ---- elements --------------------------------------------------------------------- */

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

/* Up to CHUNK elements of S from M[*I] on. */
static int add_some(struct writer *w, int ifindex, const struct set *s,
		    const struct reset_match *m, size_t n, size_t *i, uint64_t timeout_ms)
{
	size_t list, count = 0;

	batch_begin(w, ifindex);
	begin(w, MSG_NEWSETELEM, NLM_F_CREATE); /* the same one twice is no error */
	nfmsg_string(&w->buf, ELEM_LIST_TABLE, w->table);
	nfmsg_string(&w->buf, ELEM_LIST_SET, s->name);
	list = buf_nest(&w->buf, ELEM_LIST_ELEMENTS);
	for (; *i < n && count < CHUNK; ++*i)
		if (m[*i].family == s->family) {
			put_element(w, s, &m[*i], timeout_ms);
			count++;
		}
	buf_nest_end(&w->buf, list);
	end(w);
	return count ? batch_ask(w) : 0;
}

int reset_nft_install(int ifindex, const struct reset_match *m, size_t n, usec_t duration)
{
	uint64_t ms = MAX((duration + USEC_PER_MSEC - 1) / USEC_PER_MSEC, 1);
	_cleanup_(writer_freep) struct writer *w = NULL;
	int r = writer_new(&w);

	if (r < 0)
		return r;
	r = install_rules(w, ifindex);
	if (r < 0)
		return r;
	for (size_t s = 0; s < ARRAY_SIZE(sets) && r == 0; s++)
		for (size_t i = 0; i < n && r == 0;)
			r = add_some(w, ifindex, &sets[s], m, n, &i, ms);
	if (r < 0)
		(void)remove_table(w, ifindex);
	return r;
}

/* ---- leftovers -------------------------------------------------------------------- */

struct found {
	bool (*wanted)(void *ud, int ifindex);
	void *ud;
	int ifindex[FOUND_MAX];
	size_t n;
};

static void take(struct found *f, const char *name, const char *prefix)
{
	int ifindex;

	if (name && hold_text_number(name, prefix, "", &ifindex) && f->n < FOUND_MAX &&
	    f->wanted(f->ud, ifindex))
		f->ifindex[f->n++] = ifindex;
}

static void take_table(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *a[TABLE_NAME + 1];

	if (nfmsg_parse(nlh, NF_TYPE(NF_SUBSYS_NFTABLES, MSG_NEWTABLE), a, TABLE_NAME))
		take(ud, nfmsg_text(a[TABLE_NAME]), TABLE_PREFIX);
}

static void take_chain(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *a[CHAIN_NAME + 1];
	const char *table;

	if (!nfmsg_parse(nlh, NF_TYPE(NF_SUBSYS_NFTABLES, MSG_NEWCHAIN), a, CHAIN_NAME))
		return;
	table = nfmsg_text(a[CHAIN_TABLE]);
	if (table && strcmp(table, "filter") == 0)
		take(ud, nfmsg_text(a[CHAIN_NAME]), RESET_CHAIN_PREFIX);
}

/* A listing torn by somebody else's change is read again; what the last one
 * did show is there. */
static int list(struct writer *w, uint8_t command, uint8_t family,
		void (*sink)(void *ud, const struct nlmsghdr *nlh), struct found *f)
{
	int r = -EINTR;

	for (int i = 0; i < LIST_TRIES && r == -EINTR; i++) {
		w->buf = (struct attr_buf){ .data = w->data, .size = sizeof(w->data) };
		f->n = 0;
		nfmsg_end(&w->buf, nfmsg_begin(&w->buf, NF_TYPE(NF_SUBSYS_NFTABLES, command),
					       NLM_F_DUMP, family, ++w->seq));
		r = nfmsg_list(w->sk, w->data, w->buf.len, sink, f);
	}
	return r == -EINTR || r == -EOPNOTSUPP || r == -EINVAL ? 0 : r;
}

int reset_nft_clean(bool (*wanted)(void *ud, int ifindex), void *ud)
{
	struct found f = { .wanted = wanted, .ud = ud };
	_cleanup_(writer_freep) struct writer *w = NULL;
	int r, n = 0;

	if (!hold_mangle_possible())
		return 0;
	r = writer_new(&w);
	if (r == 0)
		r = list(w, MSG_GETTABLE, FAMILY_INET, take_table, &f);
	for (size_t i = 0; i < f.n && r == 0; i++) {
		r = remove_table(w, f.ifindex[i]);
		n += r == 0;
		r = r == -ENOENT ? 0 : r; /* by somebody else */
	}
	return r < 0 ? r : n;
}

int reset_nft_has_chain(uint8_t family, bool (*wanted)(void *ud, int ifindex), void *ud)
{
	struct found f = { .wanted = wanted, .ud = ud };
	_cleanup_(writer_freep) struct writer *w = NULL;
	int r;

	if (!hold_mangle_possible())
		return 0;
	r = writer_new(&w);
	if (r == 0)
		r = list(w, MSG_GETCHAIN, family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6,
			 take_chain, &f);
	return r < 0 ? r : f.n > 0;
}
