/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold_nft.h"

#include <errno.h>

#include "kernel/hold_nftmsg.h"
#include "kernel/nftsock.h"

struct hold_nft {
	struct nftsock *sock;
	int ifindex;
	bool armed; /* once; the element may have expired since */
};

int hold_nft_open(int ifindex, struct hold_nft **ret)
{
	struct hold_nft *h = calloc(1, sizeof(*h));
	struct nftbatch *b;
	uint32_t seq;
	int r;

	if (!h)
		return -ENOMEM;
	h->ifindex = ifindex;
	r = nftsock_new(&h->sock);
	if (r == 0) {
		b = nftsock_batch(h->sock, &seq);
		hold_nftmsg_install(b, seq, ifindex);
		r = nftsock_ask(h->sock);
	}
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

struct hold_nft *hold_nft_close(struct hold_nft *h)
{
	if (!h)
		return NULL;
	/* What stays behind holds nothing once its element has expired, and is
	 * the next run's to remove. */
	(void)nftsock_remove(h->sock, HOLD_TABLE_PREFIX, h->ifindex);
	nftsock_free(h->sock);
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

int hold_nft_clean(bool (*wanted)(void *ud, int ifindex), void *ud)
{
	return nftsock_clean(HOLD_TABLE_PREFIX, wanted, ud);
}
