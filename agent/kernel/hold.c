/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/hold_iptables.h"
#include "kernel/hold_nft.h"
#include "kernel/xtables.h"

/* ipset keeps seconds in 32 bits and refuses more than some weeks; nobody
 * means to hold for longer than this. */
#define DURATION_MAX (3600 * USEC_PER_SEC)

struct hold {
	/* one of the two */
	struct hold_nft *nft;
	struct hold_iptables *iptables;
};

static bool is_same(void *ud, int ifindex)
{
	return ifindex == *(const int *)ud;
}

static int open_nft(const struct link *link, struct hold *h, char reason[REPORT_TEXT_MAX])
{
	int r = hold_nft_open(link->ifindex, &h->nft);

	if (r == -EOPNOTSUPP)
		snprintf(reason, REPORT_TEXT_MAX, "not in this kernel");
	else if (r < 0)
		snprintf(reason, REPORT_TEXT_MAX, "%s", strerror(-r));
	return r;
}

/* What the same device has from a killed run in the other backend goes first:
 * never two of them. What cannot be removed has at least expired by itself. */
static int open_one(enum hold_choice choice, const struct link *link, struct hold *h,
		    char reason[REPORT_TEXT_MAX])
{
	int ifindex = link->ifindex;

	(void)hold_iptables_clean(is_same, &ifindex);
	if (choice == HOLD_NFT)
		return open_nft(link, h, reason);
	(void)hold_nft_clean(is_same, &ifindex);
	return hold_iptables_open(link, &h->iptables, reason);
}

static int open_any(const struct link *link, struct hold *h, enum hold_choice *ret_used,
		    char reason[REPORT_TEXT_MAX])
{
	enum hold_choice first = xtables_in_use() ? HOLD_IPTABLES : HOLD_NFT;
	enum hold_choice second = first == HOLD_NFT ? HOLD_IPTABLES : HOLD_NFT;
	char why[2][REPORT_TEXT_MAX] = { "", "" };

	*ret_used = first;
	if (open_one(first, link, h, why[0]) == 0)
		return 0;
	*ret_used = second;
	if (open_one(second, link, h, why[1]) == 0)
		return 0;
	snprintf(reason, REPORT_TEXT_MAX, "%s: %.140s; %s: %.140s", hold_choice_name(first), why[0],
		 hold_choice_name(second), why[1]);
	return -EOPNOTSUPP;
}

int hold_open(enum hold_choice choice, const struct link *link, struct hold **ret,
	      enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX])
{
	char why[REPORT_TEXT_MAX] = "";
	enum hold_choice used = choice;
	struct hold *h;
	int r = -EINVAL;

	if (link->ifindex <= 0)
		return -EINVAL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	switch (choice) {
	case HOLD_AUTO:
		r = open_any(link, h, &used, why);
		break;
	case HOLD_NFT:
	case HOLD_IPTABLES:
		r = open_one(choice, link, h, why);
		break;
	case HOLD_OFF:
		break;
	}
	if (r < 0) {
		if (choice == HOLD_AUTO)
			snprintf(reason, REPORT_TEXT_MAX, "%s", why);
		else
			snprintf(reason, REPORT_TEXT_MAX, "%s: %.280s", hold_choice_name(choice),
				 why);
		free(h);
		/* Whatever it was: go on without a hold, and say REASON. */
		return r == -EINVAL || r == -ENOMEM ? r : -EOPNOTSUPP;
	}
	*ret_used = used;
	*ret = h;
	return 0;
}

int hold_arm(struct hold *h, usec_t duration)
{
	duration = MIN(duration, DURATION_MAX);
	return h->nft ? hold_nft_arm(h->nft, duration) : hold_iptables_arm(h->iptables, duration);
}

struct hold *hold_close(struct hold *h)
{
	if (!h)
		return NULL;
	hold_nft_close(h->nft);
	hold_iptables_close(h->iptables);
	free(h);
	return NULL;
}

struct not_busy {
	bool (*busy)(void *ud, int ifindex);
	void *ud;
};

static bool is_not_busy(void *ud, int ifindex)
{
	const struct not_busy *n = ud;

	return !n->busy(n->ud, ifindex);
}

int hold_clean(bool (*busy)(void *ud, int ifindex), void *ud)
{
	struct not_busy n = { .busy = busy, .ud = ud };
	int tables = hold_nft_clean(is_not_busy, &n), chains = hold_iptables_clean(is_not_busy, &n);

	if (tables < 0 || chains < 0)
		return tables < 0 ? tables : chains;
	return tables + chains;
}
