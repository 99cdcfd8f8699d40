/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/reset_nft.h"

#include <errno.h>

#include "kernel/hold_mangle.h"
#include "kernel/hold_text.h"
#include "kernel/nfmsg.h"
#include "kernel/nfsock.h"
#include "kernel/nftattr.h"
#include "kernel/reset_iptables.h"
#include "kernel/reset_nftmsg.h"

#define FOUND_MAX 64 /* tables; more are the next run's */
#define LIST_TRIES 3

/* A socket and the batch last sent over it. */
struct talk {
	struct nl_sock *sk;
	struct reset_batch batch;
};

static struct talk *talk_free(struct talk *t)
{
	if (t && t->sk)
		nl_socket_free(t->sk);
	free(t);
	return NULL;
}

DEFINE_CLEANUP(struct talk, talk_free)

static int talk_new(struct talk **ret)
{
	_cleanup_(talk_freep) struct talk *t = calloc(1, sizeof(*t));
	int r = t ? nfsock_open(&t->sk, 2 * RESET_BATCH_SIZE, 65536) : -ENOMEM;

	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}

static uint32_t next_seq(const struct talk *t)
{
	return t->batch.last + 2; /* the end of the batch has a number, too */
}

static int ask(struct talk *t)
{
	const struct reset_batch *b = &t->batch;
	int r = b->len ? nfmsg_ask(t->sk, b->data, b->len, b->first, b->last) : -EMSGSIZE;

	return r == -EAFNOSUPPORT ? -EOPNOTSUPP : r;
}

static int remove_table(struct talk *t, int ifindex)
{
	reset_nftmsg_remove(&t->batch, next_seq(t), ifindex);
	return ask(t);
}

int reset_nft_install(int ifindex, const struct reset_match *m, size_t n, usec_t duration)
{
	uint64_t ms = MAX((duration + USEC_PER_MSEC - 1) / USEC_PER_MSEC, 1);
	_cleanup_(talk_freep) struct talk *t = NULL;
	int r = talk_new(&t);

	if (r < 0)
		return r;
	reset_nftmsg_install(&t->batch, next_seq(t), ifindex);
	r = ask(t);
	if (r < 0)
		return r == -ENOENT ? -EOPNOTSUPP : r; /* no such expression */
	for (size_t i = 0; i < n && r == 0;) {
		i += reset_nftmsg_add(&t->batch, next_seq(t), ifindex, m + i, n - i, ms);
		r = ask(t);
	}
	if (r < 0)
		(void)remove_table(t, ifindex);
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
		take(ud, nfmsg_text(a[TABLE_NAME]), RESET_TABLE_PREFIX);
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
static int list(struct talk *t, uint8_t command, uint8_t family,
		void (*sink)(void *ud, const struct nlmsghdr *nlh), struct found *f)
{
	int r = -EINTR;

	for (int i = 0; i < LIST_TRIES && r == -EINTR; i++) {
		struct attr_buf b = { .data = t->batch.data, .size = sizeof(t->batch.data) };
		uint32_t seq = next_seq(t);

		f->n = 0;
		nfmsg_end(&b, nfmsg_begin(&b, NF_TYPE(NF_SUBSYS_NFTABLES, command), NLM_F_DUMP,
					  family, seq));
		t->batch.last = seq;
		r = nfmsg_list(t->sk, b.data, b.len, sink, f);
	}
	return r == -EINTR || r == -EOPNOTSUPP || r == -EINVAL ? 0 : r;
}

int reset_nft_clean(bool (*wanted)(void *ud, int ifindex), void *ud)
{
	struct found f = { .wanted = wanted, .ud = ud };
	_cleanup_(talk_freep) struct talk *t = NULL;
	int r, n = 0;

	if (!hold_mangle_possible())
		return 0;
	r = talk_new(&t);
	if (r == 0)
		r = list(t, MSG_GETTABLE, FAMILY_INET, take_table, &f);
	for (size_t i = 0; i < f.n && r == 0; i++) {
		r = remove_table(t, f.ifindex[i]);
		n += r == 0;
		r = r == -ENOENT ? 0 : r; /* by somebody else */
	}
	return r < 0 ? r : n;
}

int reset_nft_has_chain(uint8_t family, bool (*wanted)(void *ud, int ifindex), void *ud)
{
	struct found f = { .wanted = wanted, .ud = ud };
	_cleanup_(talk_freep) struct talk *t = NULL;
	int r;

	if (!hold_mangle_possible())
		return 0;
	r = talk_new(&t);
	if (r == 0)
		r = list(t, MSG_GETCHAIN, family, take_chain, &f);
	return r < 0 ? r : f.n > 0;
}
