/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold_nft.h"

#include <errno.h>

#include "kernel/hold_mangle.h"
#include "kernel/hold_nftmsg.h"
#include "kernel/nfmsg.h"
#include "kernel/nfsock.h"

#define FOUND_MAX 64 /* tables; more are the next run's */
#define LIST_TRIES 3

struct hold_nft {
	struct nl_sock *sk;
	int ifindex;
	bool armed; /* once; the element may have expired since */
	struct hold_batch batch;
};

static int batch_ask(struct nl_sock *sk, const struct hold_batch *b)
{
	return b->len ? nfmsg_ask(sk, b->data, b->len, b->first, b->last) : -EMSGSIZE;
}

int hold_nft_open(int ifindex, struct hold_nft **ret)
{
	struct hold_nft *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->ifindex = ifindex;
	r = nfsock_open(&h->sk, 2 * HOLD_NFT_SIZE, 65536);
	if (r == 0) {
		hold_nftmsg_install(&h->batch, h->batch.last + 2, ifindex);
		r = batch_ask(h->sk, &h->batch);
	}
	if (r < 0) {
		/* Nothing was made: a batch fails as a whole. */
		if (h->sk)
			nl_socket_free(h->sk);
		free(h);
		/* As said by kernels without batches, without nf_tables, and
		 * with no inet family in it. */
		return r == -EINVAL || r == -ENOENT || r == -EAFNOSUPPORT ? -EOPNOTSUPP : r;
	}
	*ret = h;
	return 0;
}

struct hold_nft *hold_nft_close(struct hold_nft *h)
{
	if (!h)
		return NULL;
	hold_nftmsg_remove(&h->batch, h->batch.last + 2, h->ifindex);
	/* What stays behind holds nothing once its element has expired, and is
	 * the next run's to remove. */
	(void)batch_ask(h->sk, &h->batch);
	nl_socket_free(h->sk);
	free(h);
	return NULL;
}

int hold_nft_arm(struct hold_nft *h, usec_t duration)
{
	uint64_t ms = MAX((duration + USEC_PER_MSEC - 1) / USEC_PER_MSEC, 1);
	bool exclusive = !h->armed;
	int r = -EBUSY;

	/* The element may expire, and be collected, between any two looks. */
	for (int i = 0; i < 4; i++) {
		hold_nftmsg_arm(&h->batch, h->batch.last + 2, h->ifindex, ms, exclusive);
		r = batch_ask(h->sk, &h->batch);
		if (!(exclusive ? r == -EEXIST : r == -ENOENT))
			break;
		exclusive = !exclusive;
	}
	h->armed = h->armed || r == 0;
	return r;
}

/* ---- leftovers -------------------------------------------------------------------- */

struct found {
	bool (*wanted)(void *ud, int ifindex);
	void *ud;
	int ifindex[FOUND_MAX];
	size_t n;
};

static void take_table(void *ud, const struct nlmsghdr *nlh)
{
	struct found *f = ud;
	int ifindex;

	if (f->n < FOUND_MAX && hold_nftmsg_is_table(nlh, &ifindex) && f->wanted(f->ud, ifindex))
		f->ifindex[f->n++] = ifindex;
}

/* A listing torn by somebody else's change is read again; what the last one
 * did show is there. */
static int list(struct nl_sock *sk, struct hold_batch *b, struct found *f)
{
	int r = -EINTR;

	for (int i = 0; i < LIST_TRIES && r == -EINTR; i++) {
		f->n = 0;
		hold_nftmsg_list(b, b->last + 2);
		r = nfmsg_list(sk, b->data, b->len, take_table, f);
	}
	return r == -EINTR || r == -EOPNOTSUPP || r == -EINVAL ? 0 : r;
}

int hold_nft_clean(bool (*wanted)(void *ud, int ifindex), void *ud)
{
	_cleanup_free_ struct hold_batch *b = calloc(1, sizeof(*b));
	struct found f = { .wanted = wanted, .ud = ud };
	struct nl_sock *sk;
	int r, n = 0;

	if (!b)
		return -ENOMEM;
	if (!hold_mangle_possible())
		return 0;
	r = nfsock_open(&sk, 2 * HOLD_NFT_SIZE, 65536);
	if (r < 0)
		return r;
	r = list(sk, b, &f);
	for (size_t i = 0; i < f.n && r >= 0; i++) {
		hold_nftmsg_remove(b, b->last + 2, f.ifindex[i]);
		r = batch_ask(sk, b);
		if (r == 0)
			n++;
		else if (r == -ENOENT)
			r = 0;
	}
	nl_socket_free(sk);
	return r < 0 ? r : n;
}
