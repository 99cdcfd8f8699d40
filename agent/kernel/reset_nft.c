/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/reset_nft.h"

#include <errno.h>

#include "kernel/abi_nft.h"
#include "kernel/nftsock.h"
#include "kernel/reset_nftmsg.h"

int reset_nft_install(int ifindex, const struct reset_match *m, size_t n, usec_t duration)
{
	uint64_t ms = MAX((duration + USEC_PER_MSEC - 1) / USEC_PER_MSEC, 1);
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	struct nftbatch *b;
	uint32_t seq;
	int r = nftsock_new(&s);

	if (r < 0)
		return r;
	b = nftsock_batch(s, &seq);
	reset_nftmsg_install(b, seq, ifindex);
	r = nftsock_ask(s);
	if (r < 0)
		return r == -ENOENT ? -EOPNOTSUPP : r; /* no such expression */
	for (size_t i = 0; i < n && r == 0;) {
		b = nftsock_batch(s, &seq);
		i += reset_nftmsg_add(b, seq, ifindex, m + i, n - i, ms);
		r = nftsock_ask(s);
	}
	if (r < 0)
		(void)nftsock_remove(s, RESET_TABLE_PREFIX, ifindex);
	return r;
}

int reset_nft_clean(bool (*wanted)(void *ud, int ifindex), void *ud)
{
	return nftsock_clean(RESET_TABLE_PREFIX, wanted, ud);
}

static int count_elements(void *ud, const struct nlmsghdr *nlh)
{
	*(size_t *)ud += reset_nftmsg_count(nlh);
	return 0;
}

/* Have all resets of the device ended? False if the sets cannot be read. */
static bool reset_nft_has_ended(void *ud, int ifindex)
{
	struct nftsock *s = ud;
	size_t n = 0;

	for (unsigned i = 0; i < RESET_NFTMSG_SETS && !n; i++) {
		uint32_t seq;
		struct nftbatch *b = nftsock_batch(s, &seq);

		reset_nftmsg_list(b, seq, ifindex, i);
		if (nftsock_dump(s, count_elements, &n) < 0)
			return false;
	}
	return !n;
}

int reset_nft_clean_ended(void)
{
	/* a second socket: the first one is in the middle of a dump of the tables */
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	int r;

	if (!nftsock_possible())
		return 0;
	r = nftsock_new(&s);
	return r < 0 ? r : nftsock_clean(RESET_TABLE_PREFIX, reset_nft_has_ended, s);
}
