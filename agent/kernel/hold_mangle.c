/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold_mangle.h"

#include <errno.h>

#include "kernel/hold_text.h"
#include "kernel/nfmsg.h"
#include "kernel/nfsock.h"
#include "kernel/nftattr.h"
#include "kernel/nftsock.h"

#define MANGLE "mangle"
#define LIST_TRIES 3

static const char *const base_chains[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					   "POSTROUTING" };

struct look {
	bool (*wanted)(void *ud, int ifindex);
	void *ud;
	struct hold_mangle found;
};

static void mangle_take_table(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *a[TABLE_NAME + 1];
	struct look *look = ud;
	const char *name;

	if (!nfmsg_parse(nlh, NF_TYPE(NF_SUBSYS_NFTABLES, MSG_NEWTABLE), a, TABLE_NAME))
		return;
	name = nfmsg_text(a[TABLE_NAME]);
	if (name && strcmp(name, MANGLE) == 0)
		look->found.exists = true;
}

static void mangle_take_chain(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *a[CHAIN_NAME + 1];
	const char *table, *name;
	struct look *look = ud;
	int ifindex;

	if (!nfmsg_parse(nlh, NF_TYPE(NF_SUBSYS_NFTABLES, MSG_NEWCHAIN), a, CHAIN_NAME))
		return;
	table = nfmsg_text(a[CHAIN_TABLE]);
	name = nfmsg_text(a[CHAIN_NAME]);
	if (!table || !name || strcmp(table, MANGLE) != 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(base_chains); i++)
		if (strcmp(name, base_chains[i]) == 0)
			look->found.base_chains |= 1U << i;
	if (hold_text_number(name, HOLD_CHAIN_PREFIX, "", &ifindex) && look->wanted &&
	    look->wanted(look->ud, ifindex))
		look->found.has_ours = true;
}

static int mangle_list(struct nl_sock *sk, uint32_t *seq, uint8_t command, uint8_t family,
		       void (*take)(void *ud, const struct nlmsghdr *nlh), struct look *look)
{
	uint8_t data[64] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };

	nfmsg_end(&b, nfmsg_begin(&b, NF_TYPE(NF_SUBSYS_NFTABLES, command), NLM_F_DUMP, family,
				  ++*seq));
	return nfmsg_list(sk, b.data, b.len, take, look);
}

/* Chains are listed for the whole family: only where the table exists. A
 * listing torn by somebody else's change is read again; what the last one did
 * show is there. */
static int mangle_look_at(struct nl_sock *sk, uint32_t *seq, uint8_t family, struct look *look)
{
	int r = -EINTR;

	for (int i = 0; i < LIST_TRIES && r == -EINTR; i++) {
		look->found = (struct hold_mangle){ .exists = false };
		r = mangle_list(sk, seq, MSG_GETTABLE, family, mangle_take_table, look);
		if (r == 0 && look->found.exists)
			r = mangle_list(sk, seq, MSG_GETCHAIN, family, mangle_take_chain, look);
	}
	return r == -EINTR || r == -EOPNOTSUPP || r == -EINVAL ? 0 : r;
}

int hold_mangle_look(uint8_t family, bool (*wanted)(void *ud, int ifindex), void *ud,
		     struct hold_mangle *ret)
{
	struct look look = { .wanted = wanted, .ud = ud };
	struct nl_sock *sk;
	uint32_t seq = 0;
	int r;

	*ret = (struct hold_mangle){ .exists = false };
	if (!nftsock_possible())
		return 0;
	r = nfsock_open(&sk, 4096, 65536);
	if (r < 0)
		return r;
	r = mangle_look_at(sk, &seq, family, &look);
	nl_socket_free(sk);
	if (r == 0)
		*ret = look.found;
	return r;
}

/* Each only if nothing is in it; what somebody puts there meanwhile makes the
 * whole batch fail. */
static int mangle_drop(struct nl_sock *sk, uint32_t seq, uint8_t family, unsigned chains,
		       bool table)
{
	uint8_t data[2048] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	uint32_t first = seq;
	size_t at = 0;

	nfmsg_batch_begin(&b, seq);
	for (size_t i = 0; i < ARRAY_SIZE(base_chains); i++) {
		if (!(chains & 1U << i))
			continue;
		at = nfmsg_begin(&b, NF_TYPE(NF_SUBSYS_NFTABLES, MSG_DELCHAIN), NO_CONTENT, family,
				 ++seq);
		nfmsg_string(&b, CHAIN_TABLE, MANGLE);
		nfmsg_string(&b, CHAIN_NAME, base_chains[i]);
		nfmsg_end(&b, at);
	}
	if (table) {
		at = nfmsg_begin(&b, NF_TYPE(NF_SUBSYS_NFTABLES, MSG_DELTABLE), NO_CONTENT, family,
				 ++seq);
		nfmsg_string(&b, TABLE_NAME, MANGLE);
		nfmsg_end(&b, at);
	}
	((struct nlmsghdr *)(void *)(data + at))->nlmsg_flags |= NLM_F_ACK;
	nfmsg_batch_end(&b, seq + 1);
	return b.full ? -EMSGSIZE : nfmsg_ask(sk, b.data, b.len, first, seq);
}

int hold_mangle_undo(uint8_t family, const struct hold_mangle *before)
{
	struct look look = { .wanted = NULL };
	unsigned chains;
	struct nl_sock *sk;
	uint32_t seq = 0;
	bool table;
	int r;

	if (!nftsock_possible())
		return 0;
	r = nfsock_open(&sk, 4096, 65536);
	if (r < 0)
		return r;
	r = mangle_look_at(sk, &seq, family, &look);
	chains = look.found.base_chains & ~before->base_chains;
	table = look.found.exists && !before->exists;
	if (r == 0 && (chains || table))
		r = mangle_drop(sk, seq + 1, family, chains, table);
	nl_socket_free(sk);
	return r;
}
