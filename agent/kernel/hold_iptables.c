/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold_iptables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/os.h"
#include "kernel/abi_nft.h"
#include "kernel/hold_ipset.h"
#include "kernel/hold_text.h"
#include "kernel/nlask.h"
#include "kernel/nft.h"
#include "kernel/link.h"
#include "kernel/xtables.h"

#define MANGLE "mangle"

static const char *const base_chains[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					   "POSTROUTING" };

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
	r = nftsock_has_table(s, family, MANGLE);
	ret->exists = r > 0;
	if (r > 0)
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
	struct hold_mangle now = { .exists = false };
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

struct hold_iptables {
	int ifindex;
	char device[LINK_NAME_MAX];
	const char *variant;
	bool ipv6;
	/* IPv4, IPv6: what of mangle was in nf_tables before us */
	struct hold_mangle before[2];
	struct hold_ipset *sets; /* NULL only when the rules could not be made */
	bool left;		 /* something of an install that failed may be there */
};

static uint8_t hold_iptables_family_of(unsigned i)
{
	return i == 0 ? AF_INET : AF_INET6;
}

int hold_iptables_clean(bool (*wanted)(void *ud, int ifindex), void *ud, usec_t deadline)
{
	int n = xtables_clean(&hold_text_chains, wanted, ud, deadline);
	int r = hold_ipset_clean(wanted, ud, deadline);

	return r < 0 ? r : n;
}

/* A program that hangs must leave time for the others. */
static usec_t half_of(usec_t deadline)
{
	return os_deadline(os_left(deadline) / 2);
}

/* Remove rules and sets. Returns why something stays, which holds nothing by then, or 0. */
static int remove_all(struct hold_iptables *h, usec_t deadline)
{
	char error[PROGRAM_ERROR_MAX], script[HOLD_SCRIPT_MAX];
	int result = 0, r;

	if (h->sets) /* first, since it works even if the rest fails */
		(void)hold_ipset_disarm(h->sets);
	for (unsigned i = 0; i < 1U + h->ipv6; i++) {
		/* The script that undoes them fails as a whole if one rule is
		 * missing; then remove what is found. */
		hold_text_remove(script, h->ifindex, hold_iptables_family_of(i));
		r = xtables_restore(hold_iptables_family_of(i), h->variant, script,
				    half_of(deadline), error);
		if (r < 0)
			r = xtables_remove(&hold_text_chains, hold_iptables_family_of(i),
					   h->variant, wanted_one, &h->ifindex, half_of(deadline));
		result = r < 0 ? r : result;
		(void)hold_mangle_undo(hold_iptables_family_of(i), &h->before[i]);
	}
	r = hold_ipset_free(h->sets, deadline);
	h->sets = NULL;
	if (h->left) /* sets that could not be destroyed because rules used them */
		r = hold_ipset_clean(wanted_one, &h->ifindex, deadline);
	return result < 0 ? result : MIN(r, 0);
}

int hold_iptables_close(struct hold_iptables *h, usec_t deadline)
{
	int r;

	if (!h)
		return 0;
	r = remove_all(h, deadline);
	free(h);
	return r;
}

void hold_iptables_forget(struct hold_iptables *h)
{
	if (!h)
		return;
	hold_ipset_forget(h->sets);
	free(h);
}

static int hold_iptables_install(struct hold_iptables *h, const struct link *link, usec_t deadline,
				 char reason[REPORT_TEXT_MAX])
{
	char script[HOLD_SCRIPT_MAX], error[PROGRAM_ERROR_MAX];
	bool tried = false;
	int r = hold_ipset_new(link->ifindex, link->name, h->ipv6, &h->sets);

	if (r < 0)
		snprintf(reason, REPORT_TEXT_MAX, "ipset: %s",
			 r == -EOPNOTSUPP ? "not in this kernel" : strerror(-r));
	for (unsigned i = 0; i < 1U + h->ipv6 && r == 0; i++) {
		hold_text_install(script, link->ifindex, hold_iptables_family_of(i));
		r = xtables_restore(hold_iptables_family_of(i), h->variant, script, deadline,
				    error);
		tried |= r != -ENOENT;
		if (r < 0)
			snprintf(reason, REPORT_TEXT_MAX, "%s",
				 error[0] ? error : "no such program");
	}
	if (r == 0)
		return 0;
	/* A program that was killed may have done its work, and the other family may have
	 * its rules already. What cannot be removed in time is left to
	 * hold_iptables_close(). If no program was run, there are only sets. */
	if (tried) {
		h->left |= r == -ETIMEDOUT || remove_all(h, deadline) < 0;
	} else {
		(void)hold_ipset_free(h->sets, deadline);
		h->sets = NULL;
	}
	return r;
}

/* Without ip6tables no rule of it can translate IPv6 either. Up to 4.18 tracking IPv6 is a
 * module of its own, and our rules would load it: every namespace's packets would be tracked
 * from then on. Where it is not loaded there is nothing to hold. */
static bool has_ipv6(const char *variant)
{
	char reason[PROGRAM_ERROR_MAX];

	return access("/proc/net/if_inet6", F_OK) == 0 &&
	       access("/proc/sys/net/netfilter/nf_conntrack_icmpv6_timeout", F_OK) == 0 &&
	       xtables_find(AF_INET6, variant, reason) == 0;
}

int hold_iptables_open(const struct link *link, usec_t deadline, struct hold_iptables **ret,
		       char reason[REPORT_TEXT_MAX])
{
	char error[PROGRAM_ERROR_MAX];
	struct hold_iptables *h;
	int r;

	*ret = NULL;
	if (!hold_text_device_ok(link->name)) {
		snprintf(reason, REPORT_TEXT_MAX, "the device's name has no plain spelling");
		return -EOPNOTSUPP;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->ifindex = link->ifindex;
	snprintf(h->device, sizeof(h->device), "%s", link->name);
	r = xtables_choose(&h->variant, error);
	if (r == 0)
		r = xtables_find(AF_INET, h->variant, error);
	h->ipv6 = has_ipv6(h->variant);
	if (r < 0)
		snprintf(reason, REPORT_TEXT_MAX, "%s", error);
	for (unsigned i = 0; i < 2 && r == 0; i++) {
		r = hold_mangle_look(hold_iptables_family_of(i), &h->before[i]);
		if (r == -EAGAIN) { /* whatever may have been there is to stay */
			h->before[i] = (struct hold_mangle){ .exists = true, .base_chains = ~0U };
			r = 0;
		}
		if (r < 0)
			snprintf(reason, REPORT_TEXT_MAX, "%s", strerror(-r));
	}
	if (r == 0)
		r = hold_iptables_install(h, link, deadline, reason);
	if (r < 0 && !h->left)
		free(h);
	else
		*ret = h;
	return r;
}

int hold_iptables_arm(struct hold_iptables *h, usec_t duration)
{
	return hold_ipset_arm(h->sets, (uint32_t)((duration + USEC_PER_SEC - 1) / USEC_PER_SEC));
}

int hold_iptables_disarm(struct hold_iptables *h)
{
	return hold_ipset_disarm(h->sets);
}

int hold_iptables_check(struct hold_iptables *h)
{
	return hold_ipset_check(h->sets, HOLD_JUMPS);
}

/* ---- made by a child for its parent, which is the same program ------------------------ */

void hold_iptables_give(const struct hold_iptables *h, struct hold_iptables_image *ret)
{
	memcpy(ret->device, h->device, sizeof(ret->device));
	memcpy(ret->before, h->before, sizeof(ret->before));
	ret->ifindex = h->ifindex;
	ret->variant = h->variant;
	ret->ipv6 = h->ipv6;
	ret->has_sets = h->sets;
	ret->left = h->left;
}

int hold_iptables_adopt(const struct hold_iptables_image *image, struct hold_iptables **ret)
{
	struct hold_iptables *h = calloc(1, sizeof(*h));
	int r = 0;

	if (!h)
		return -ENOMEM;
	memcpy(h->device, image->device, sizeof(h->device));
	memcpy(h->before, image->before, sizeof(h->before));
	h->ifindex = image->ifindex;
	h->variant = image->variant;
	h->ipv6 = image->ipv6;
	h->left = image->left;
	if (image->has_sets)
		r = hold_ipset_adopt(h->ifindex, h->device, h->ipv6, &h->sets);
	if (r < 0) {
		free(h);
		return r;
	}
	*ret = h;
	return 0;
}
