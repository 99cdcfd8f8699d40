/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nf_tables and ip_set answer when we look for what is ours, and that
 * nothing else is touched. First byte: what is looked for. */
#include "lib/fuzz.h"

#include <string.h>
#include <sys/socket.h>

#include "kernel/hold_ipset.h"
#include "kernel/hold_mangle.h"
#include "kernel/hold_nft.h"
#include "kernel/nfmsg.h"
#include "kernel/nftattr.h"
#include "kernel/reset_nft.h"
#include "lib/wire.h"

enum {
	IPSET_DESTROY = 3,
	IPSET_FLUSH = 4,
	IPSET_SWAP = 6,
	IPSET_SETNAME = 2,
	NONREC = 0x100, /* NLM_F_NONREC: only what is empty */
};

static bool begins(const char *text, const char *with)
{
	return text && strncmp(text, with, strlen(with)) == 0;
}

static void nft_holds(const struct nlmsghdr *nlh, uint8_t command)
{
	const struct nlattr *a[CHAIN_TYPE + 1];
	const char *table;

	if (command == MSG_GETTABLE || command == MSG_GETCHAIN)
		return;
	CLAIM(nfmsg_parse(nlh, nlh->nlmsg_type, a, CHAIN_TYPE));
	table = nfmsg_text(a[TABLE_NAME]);
	if (begins(table, "vipsafe_"))
		return;
	/* iptables' own, which it leaves behind */
	CLAIM(table && strcmp(table, "mangle") == 0);
	CLAIM(command == MSG_DELTABLE || command == MSG_DELCHAIN);
	CLAIM(nlh->nlmsg_flags & NONREC);
	CLAIM(command == MSG_DELTABLE || nfmsg_text(a[CHAIN_NAME]));
}

/* Without a name these mean every set there is. */
static void ipset_holds(const struct nlmsghdr *nlh, uint8_t command)
{
	const struct nlattr *a[IPSET_SETNAME + 1];

	if (command < IPSET_DESTROY || command > IPSET_SWAP)
		return;
	CLAIM(nfmsg_parse(nlh, nlh->nlmsg_type, a, IPSET_SETNAME));
	CLAIM(begins(nfmsg_text(a[IPSET_SETNAME]), "vipsafe-"));
}

void wire_sent(const struct nlmsghdr *nlh)
{
	uint8_t command = nlh->nlmsg_type & 0xff;

	switch (nlh->nlmsg_type >> 8) {
	case NF_SUBSYS_NFTABLES:
		nft_holds(nlh, command);
		break;
	case NF_SUBSYS_IPSET:
		ipset_holds(nlh, command);
		break;
	default: /* of the kernel's numbers */
		CLAIM(nlh->nlmsg_type == NF_BATCH_BEGIN || nlh->nlmsg_type == NF_BATCH_END);
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

	if (hold_mangle_look(AF_INET, wanted, asked, &before) == 0)
		(void)hold_mangle_undo(AF_INET, &before);
	(void)reset_nft_has_chain(AF_INET6, wanted, asked);
}

static void hold(size_t *asked _unused_)
{
	struct hold_nft *h = NULL;

	if (hold_nft_open(3, &h) < 0)
		return;
	(void)hold_nft_arm(h, 100 * USEC_PER_MSEC);
	(void)hold_nft_arm(h, 100 * USEC_PER_MSEC);
	(void)hold_nft_disarm(h);
	(void)hold_nft_check(h);
	(void)hold_nft_close(h);
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
