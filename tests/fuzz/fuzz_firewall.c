/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nf_tables and ip_set answer when we look for what is ours, and that
 * nothing else is touched. First byte: what is looked for. */
#include "lib/fuzz.h"

#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/ipset/ip_set.h>

#include "kernel/abi_nft.h"
#include "kernel/hold_ipset.h"
#include "kernel/hold_iptables.h"
#include "kernel/hold_nft.h"
#include "kernel/hold_text.h"
#include "kernel/nlask.h"
#include "kernel/nft.h"
#include "kernel/reset_nft.h"
#include "lib/wire.h"

static bool begins(const char *text, const char *with)
{
	return text && strncmp(text, with, strlen(with)) == 0;
}

static void nft_holds(const struct nlmsghdr *nlh, uint8_t command)
{
	const struct nlattr *a[NFTA_CHAIN_TYPE + 1];
	const char *table;

	if (command == NFT_MSG_GETTABLE || command == NFT_MSG_GETCHAIN)
		return;
	CLAIM(nfmsg_parse(nlh, nlh->nlmsg_type, a, NFTA_CHAIN_TYPE));
	table = attr_text(a[NFTA_TABLE_NAME]);
	if (begins(table, "vipsafe_"))
		return;
	/* iptables' own, which it leaves behind */
	CLAIM(table && strcmp(table, "mangle") == 0);
	CLAIM(command == NFT_MSG_DELTABLE || command == NFT_MSG_DELCHAIN);
	CLAIM(nlh->nlmsg_flags & NLM_F_NONREC);
	CLAIM(command == NFT_MSG_DELTABLE || attr_text(a[NFTA_CHAIN_NAME]));
}

/* Without a name these mean every set there is. */
static void ipset_holds(const struct nlmsghdr *nlh, uint8_t command)
{
	const struct nlattr *a[IPSET_ATTR_SETNAME + 1];

	if (command < IPSET_CMD_DESTROY || command > IPSET_CMD_SWAP)
		return;
	CLAIM(nfmsg_parse(nlh, nlh->nlmsg_type, a, IPSET_ATTR_SETNAME));
	CLAIM(begins(attr_text(a[IPSET_ATTR_SETNAME]), "vipsafe-"));
}

void wire_sent(const struct nlmsghdr *nlh)
{
	uint8_t command = nlh->nlmsg_type & 0xff;

	switch (nlh->nlmsg_type >> 8) {
	case NFNL_SUBSYS_NFTABLES:
		nft_holds(nlh, command);
		break;
	case NFNL_SUBSYS_IPSET:
		ipset_holds(nlh, command);
		break;
	default: /* of the kernel's numbers */
		CLAIM(nlh->nlmsg_type == NFNL_MSG_BATCH_BEGIN ||
		      nlh->nlmsg_type == NFNL_MSG_BATCH_END);
	}
}

static bool wanted(void *ud, int ifindex)
{
	size_t *asked = ud;

	CLAIM(ifindex > 0);
	++*asked;
	return ifindex != 2; /* a device that is at work */
}

static void clean_nft(size_t *asked)
{
	int r = hold_nft_clean(wanted, asked);

	CLAIM(r <= 0 || *asked >= (size_t)r);
}

static void clean_resets(size_t *asked)
{
	int r = reset_nft_clean(wanted, asked);

	CLAIM(r <= 0 || *asked >= (size_t)r);
}

static void clean_sets(size_t *asked)
{
	int r = hold_ipset_clean(wanted, asked, 0);

	CLAIM(r <= 0 || *asked >= (size_t)r);
}

static void look_at_mangle(size_t *asked)
{
	struct hold_mangle before;

	if (hold_mangle_look(AF_INET, &before) == 0)
		(void)hold_mangle_undo(AF_INET, &before);
	(void)nftsock_has_chain(AF_INET6, "mangle", HOLD_CHAIN_PREFIX, wanted, asked);
}

static void hold(size_t *asked _unused_)
{
	struct nftsock *spent;
	struct hold_nft *h = NULL;

	if (hold_nft_open(3, &h) < 0)
		return;
	(void)hold_nft_arm(h, 100 * USEC_PER_MSEC);
	(void)hold_nft_arm(h, 100 * USEC_PER_MSEC);
	(void)hold_nft_disarm(h);
	(void)hold_nft_check(h);
	(void)hold_nft_close(h, &spent);
	nftsock_free(spent);
}

static void hold_by_sets(size_t *asked _unused_)
{
	struct hold_ipset *s = NULL;

	if (hold_ipset_new(3, "eth0", true, &s) < 0)
		return;
	(void)hold_ipset_arm(s, 1);
	(void)hold_ipset_disarm(s);
	(void)hold_ipset_check(s, 3);
	(void)hold_ipset_free(s, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const exchanges[])(size_t * asked) = { clean_nft,	 clean_resets,
							     clean_sets, look_at_mangle,
							     hold,	 hold_by_sets };
	struct input in = { data, size };
	size_t which = input_byte(&in) % ARRAY_SIZE(exchanges), asked = 0;

	wire_load(in.data, in.left);
	exchanges[which](&asked);
	return 0;
}
