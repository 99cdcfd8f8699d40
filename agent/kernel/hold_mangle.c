/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold_mangle.h"

#include <errno.h>

#include "kernel/abi_nft.h"
#include "kernel/nfmsg.h"
#include "kernel/nftsock.h"

#define MANGLE "mangle"

static const char *const base_chains[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					   "POSTROUTING" };

static int mangle_take_table(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *a[NFTA_TABLE_NAME + 1];
	struct hold_mangle *found = ud;
	const char *name;

	if (!nfmsg_parse(nlh, NF_TYPE(NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE), a, NFTA_TABLE_NAME))
		return 0;
	name = attr_text(a[NFTA_TABLE_NAME]);
	if (name && strcmp(name, MANGLE) == 0)
		found->exists = true;
	return 0;
}

static int mangle_take_chain(void *ud, const struct nlmsghdr *nlh)
{
	struct hold_mangle *found = ud;
	const char *table, *name;

	if (!nftbatch_is_chain(nlh, &table, &name) || strcmp(table, MANGLE) != 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(base_chains); i++)
		if (strcmp(name, base_chains[i]) == 0)
			found->base_chains |= 1U << i;
	return 0;
}

/* Chains are listed for the whole family: only where the table exists. */
static int mangle_look_at(struct nftsock *s, uint8_t family, struct hold_mangle *ret)
{
	int r;

	*ret = (struct hold_mangle){ .exists = false };
	r = nftsock_list(s, NFT_MSG_GETTABLE, family, mangle_take_table, ret);
	if (r == 0 && ret->exists)
		r = nftsock_list(s, NFT_MSG_GETCHAIN, family, mangle_take_chain, ret);
	return r;
}

int hold_mangle_look(uint8_t family, struct hold_mangle *ret)
{
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	int r;

	*ret = (struct hold_mangle){ .exists = false };
	if (!nftsock_possible())
		return 0;
	r = nftsock_new(&s);
	return r < 0 ? r : mangle_look_at(s, family, ret);
}

/* Delete each only if it is empty: what somebody puts there meanwhile makes the whole batch
 * fail. */
static int mangle_drop(struct nftsock *s, uint8_t family, unsigned chains, bool table)
{
	struct nftwriter w;
	uint32_t seq;
	struct nftbatch *b = nftsock_batch(s, &seq);

	nftbatch_open_table(&w, b, seq, family, MANGLE);
	for (size_t i = 0; i < ARRAY_SIZE(base_chains); i++) {
		if (!(chains & 1U << i))
			continue;
		nftbatch_begin(&w, NFT_MSG_DELCHAIN, NLM_F_NONREC);
		buf_text(&w.buf, NFTA_CHAIN_TABLE, w.table);
		buf_text(&w.buf, NFTA_CHAIN_NAME, base_chains[i]);
		nftbatch_end(&w);
	}
	if (table)
		nftbatch_table(&w, NFT_MSG_DELTABLE, NLM_F_NONREC);
	nftbatch_close(&w);
	return nftsock_ask(s);
}

int hold_mangle_undo(uint8_t family, const struct hold_mangle *before)
{
	_cleanup_(nftsock_freep) struct nftsock *s = NULL;
	struct hold_mangle now;
	unsigned chains;
	bool table;
	int r;

	if (!nftsock_possible())
		return 0;
	r = nftsock_new(&s);
	if (r == 0)
		r = mangle_look_at(s, family, &now);
	if (r < 0)
		return r;
	chains = now.base_chains & ~before->base_chains;
	table = now.exists && !before->exists;
	return chains || table ? mangle_drop(s, family, chains, table) : 0;
}
