/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold_nft.h"

#include <errno.h>

#include "kernel/hold_nftmsg.h"
#include "kernel/abi_nft.h"
#include "kernel/nftsock.h"

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

int hold_nft_close(struct hold_nft *h)
{
	int r;

	if (!h)
		return 0;
	r = nftsock_remove(h->sock, HOLD_TABLE_PREFIX, h->ifindex);
	hold_nft_forget(h);
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

	return r < 0 ? r : look.found ? 0 : -ENOENT;
}

int hold_nft_clean(bool (*wanted)(void *ud, int ifindex), void *ud)
{
	return nftsock_clean(HOLD_TABLE_PREFIX, wanted, ud);
}
