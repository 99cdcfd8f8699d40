/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nftsock.h"

#include <errno.h>

#include "kernel/hold_text.h"
#include "kernel/nfmsg.h"
#include "kernel/nlask.h"
#include "kernel/abi_nft.h"

#define FOUND_MAX 64 /* tables; more are the next run's */
#define LIST_TRIES 3
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
	return r == -EINTR || r == -EOPNOTSUPP || r == -EINVAL ? 0 : r;
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

bool nftsock_possible(void)
{
	return access("/sys/module/nf_tables", F_OK) == 0 ||
	       access("/sys/module/ip_tables", F_OK) < 0;
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
		    hold_text_number(name, c->prefix, "", &ifindex) && c->wanted(c->ud, ifindex);
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
	return r < 0 ? r : c.found;
}
