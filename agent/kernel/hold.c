/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/background.h"
#include "base/os.h"
#include "kernel/hold_iptables.h"
#include "kernel/hold_nft.h"
#include "kernel/hold_text.h"
#include "kernel/nft.h"
#include "kernel/link.h"
#include "kernel/xtables.h"

/* Longer than any hold; ip_set refuses timeouts of more than some weeks. */
#define DURATION_MAX (3600 * USEC_PER_SEC)

/* The child ends by itself when its programs have run out of time. */
#define BEGIN_GRACE USEC_PER_SEC

struct hold {
	int ifindex;
	/* one of the two; none if it could not be opened */
	struct hold_nft *nft;
	struct hold_iptables *iptables;
	struct hold_iptables *left; /* of an open that failed, to be removed; may be NULL */
	bool unknown;		    /* the child that was to open it died */
};

static int open_nft(const struct link *link, struct hold *h, char reason[REPORT_TEXT_MAX])
{
	int r;

	if (nft_sees_all()) {
		snprintf(reason, REPORT_TEXT_MAX, SEES_ALL_WHY);
		return -EOPNOTSUPP;
	}
	r = hold_nft_open(link->ifindex, &h->nft);
	if (r == -EOPNOTSUPP)
		snprintf(reason, REPORT_TEXT_MAX, "not in this kernel");
	else if (r < 0)
		snprintf(reason, REPORT_TEXT_MAX, "%s", strerror(-r));
	return r;
}

/* Remove what a killed run left for the device in the other backend, then open. If that
 * cannot be removed, its element has at least expired. */
static int open_one(enum hold_choice choice, const struct link *link, usec_t deadline,
		    struct hold *h, char reason[REPORT_TEXT_MAX])
{
	struct hold_iptables *opened;
	int ifindex = link->ifindex, r;

	(void)hold_iptables_clean(wanted_one, &ifindex, deadline);
	if (choice == HOLD_NFT)
		return open_nft(link, h, reason);
	(void)hold_nft_clean(wanted_one, &ifindex);
	r = hold_iptables_open(link, deadline, &opened, reason);
	*(r < 0 ? &h->left : &h->iptables) = opened;
	return r;
}

size_t hold_order(enum hold_choice choice, enum hold_choice ret[HOLD_BACKENDS])
{
	bool iptables_first = xtables_in_use() || nft_sees_all();

	switch (choice) {
	case HOLD_OFF:
		return 0;
	case HOLD_IPTABLES:
		ret[0] = HOLD_IPTABLES;
		return 1;
	case HOLD_NFT:
	case HOLD_AUTO:
		break;
	}
	ret[0] = choice == HOLD_AUTO && iptables_first ? HOLD_IPTABLES : HOLD_NFT;
	ret[1] = ret[0] == HOLD_NFT ? HOLD_IPTABLES : HOLD_NFT;
	return HOLD_BACKENDS;
}

void hold_add_reason(char reason[REPORT_TEXT_MAX], enum hold_choice backend, const char *why)
{
	size_t len = strlen(reason);

	snprintf(reason + len, REPORT_TEXT_MAX - len, "%s%s: %.140s", len ? "; " : "",
		 hold_choice_name(backend), why);
}

#define NOT_IN_USE "not in use here"

/* Asking would load nf_tables for good on a node that does without. */
static bool is_unused(enum hold_choice backend, size_t rank)
{
	return rank && backend == HOLD_NFT && !nftsock_possible();
}

static int open_any(enum hold_choice choice, const struct link *link, usec_t deadline,
		    struct hold *h, enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX])
{
	enum hold_choice order[HOLD_BACKENDS];
	size_t i, n = hold_order(choice, order);

	for (i = 0; i < n; i++) {
		char why[REPORT_TEXT_MAX] = "";
		int r = -EOPNOTSUPP;

		if (is_unused(order[i], i))
			snprintf(why, sizeof(why), NOT_IN_USE);
		else
			r = open_one(order[i], link, deadline, h, why);
		if (r == 0) {
			*ret_used = order[i];
			return 0;
		}
		hold_add_reason(reason, order[i], why[0] ? why : strerror(-r));
	}
	/* every error means: go on without a hold, for REASON */
	return n ? -EOPNOTSUPP : -EINVAL;
}

/* Whether CHOICE has what it needs, without touching it. */
static bool hold_is_possible(enum hold_choice choice, char reason[PROGRAM_ERROR_MAX])
{
	const char *variant;

	if (choice == HOLD_IPTABLES)
		return xtables_choose(&variant, reason) == 0 &&
		       xtables_find(AF_INET, variant, reason) == 0;
	if (nft_sees_all())
		snprintf(reason, PROGRAM_ERROR_MAX, SEES_ALL_WHY);
	return !nft_sees_all();
}

enum hold_choice hold_look(enum hold_choice choice, char reason[REPORT_TEXT_MAX])
{
	enum hold_choice order[HOLD_BACKENDS];
	size_t i, n = hold_order(choice, order);

	reason[0] = '\0';
	for (i = 0; i < n; i++) {
		char why[PROGRAM_ERROR_MAX] = NOT_IN_USE;

		if (!is_unused(order[i], i) && hold_is_possible(order[i], why))
			return order[i];
		hold_add_reason(reason, order[i], why);
	}
	return HOLD_OFF;
}

/* Install the rules for LINK, unarmed, with the backends of hold_order(). What a killed run
 * left for LINK is replaced. *RET_USED says which backend it became (never AUTO or OFF), and
 * REASON why it is not the first one, or "". -EOPNOTSUPP: no backend works; REASON is one line
 * why. *RET is then what hold_close() has still to remove, since the deadline has passed, or
 * NULL. */
static int hold_open(enum hold_choice choice, const struct link *link, usec_t deadline,
		     struct hold **ret, enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX])
{
	struct hold *h;
	int r;

	*ret = NULL;
	reason[0] = '\0';
	if (link->ifindex <= 0)
		return -EINVAL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->ifindex = link->ifindex;
	r = open_any(choice, link, deadline, h, ret_used, reason);
	if (r == 0 || h->left)
		*ret = h;
	else
		free(h);
	return r;
}

int hold_arm(struct hold *h, usec_t duration)
{
	duration = MIN(duration, DURATION_MAX);
	return !h	     ? -ENODEV
	       : h->nft	     ? hold_nft_arm(h->nft, duration)
	       : h->iptables ? hold_iptables_arm(h->iptables, duration)
			     : -ENODEV;
}

int hold_disarm(struct hold *h)
{
	return !h	     ? 0
	       : h->nft	     ? hold_nft_disarm(h->nft)
	       : h->iptables ? hold_iptables_disarm(h->iptables)
			     : 0;
}

int hold_check(struct hold *h)
{
	return !h	     ? -ENODEV
	       : h->nft	     ? hold_nft_check(h->nft)
	       : h->iptables ? hold_iptables_check(h->iptables)
			     : -ENOENT;
}

/* Remove the rules of one device. Returns as hold_close(). */
static int hold_clean_one(int ifindex, usec_t deadline)
{
	int nft = hold_nft_clean(wanted_one, &ifindex);
	int iptables = hold_iptables_clean(wanted_one, &ifindex, deadline);

	return MIN(MIN(nft, iptables), 0);
}

/* Disarm and remove the rules, those of an open that failed too; H may be NULL. Returns 0, or
 * the error because of which some of them stay. *SPENT: hold_nft_close(). */
static int hold_close(struct hold *h, usec_t deadline, struct nftsock **spent)
{
	int nft, iptables, left;

	if (!h)
		return 0;
	nftsock_free(*spent);
	nft = hold_nft_close(h->nft, spent);
	iptables = hold_iptables_close(h->iptables, deadline);
	left = h->unknown ? hold_clean_one(h->ifindex, deadline)
			  : hold_iptables_close(h->left, deadline);
	free(h);
	return nft < 0 ? nft : iptables < 0 ? iptables : left;
}

/* Free H, which may be NULL, but leave the rules: they are another hold's by now. */
static void hold_forget(struct hold *h)
{
	if (!h)
		return;
	hold_nft_forget(h->nft);
	hold_iptables_forget(h->iptables);
	hold_iptables_forget(h->left);
	free(h);
}

/* ---- opened by a child -------------------------------------------------------- */

struct hold_opening {
	struct background *work;
	enum hold_choice choice;
	struct link link;
	usec_t deadline;
};

/* What the child answers. */
struct opened {
	int r;
	enum hold_choice used;
	bool has_left;
	struct hold_iptables_image iptables, left;
	char reason[REPORT_TEXT_MAX];
};

static void open_in_child(void *ud, void *answer)
{
	const struct hold_opening *o = ud;
	struct opened *a = answer;
	struct hold *h;

	a->r = hold_open(o->choice, &o->link, o->deadline, &h, &a->used, a->reason);
	if (h && h->iptables)
		hold_iptables_give(h->iptables, &a->iptables);
	a->has_left = h && h->left;
	if (a->has_left)
		hold_iptables_give(h->left, &a->left);
	/* memory and sockets end with the child; the rules stay */
}

static int hold_open_begin(enum hold_choice choice, const struct link *link, usec_t timeout,
			   struct hold_opening **ret)
{
	struct hold_opening *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	*o = (struct hold_opening){ .choice = choice, .link = *link };
	o->deadline = os_deadline(timeout);
	r = background_new(open_in_child, o, sizeof(struct opened), timeout + BEGIN_GRACE,
			   &o->work);
	if (r < 0) {
		free(o);
		return r;
	}
	*ret = o;
	return 0;
}

/* Take over what the child has made, into *H. */
static int adopt(struct hold *h, const struct opened *a)
{
	int r = a->has_left ? hold_iptables_adopt(&a->left, &h->left) : 0;

	if (r == 0 && a->r == 0)
		r = a->used == HOLD_NFT ? hold_nft_adopt(h->ifindex, &h->nft)
					: hold_iptables_adopt(&a->iptables, &h->iptables);
	return r;
}

static int hold_open_end(struct hold_opening *o, struct hold **ret, enum hold_choice *ret_used,
			 char reason[REPORT_TEXT_MAX])
{
	struct opened a;
	int r = background_answer(o->work, &a);
	struct hold *h;

	*ret = NULL;
	if (r == -EAGAIN)
		return r;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->ifindex = o->link.ifindex;
	h->unknown = r < 0;
	if (r == 0)
		r = adopt(h, &a);
	if (r < 0) {
		snprintf(reason, REPORT_TEXT_MAX, "%s", strerror(-r));
	} else {
		r = a.r;
		a.reason[sizeof(a.reason) - 1] = '\0';
		memcpy(reason, a.reason, sizeof(a.reason));
	}
	*ret_used = r < 0 ? HOLD_OFF : a.used;
	*ret = h;
	return r;
}

static struct hold_opening *hold_opening_free(struct hold_opening *o)
{
	if (!o)
		return NULL;
	if (o->work)
		background_free(o->work);
	free(o);
	return NULL;
}

int hold_clean(const struct rule_cleaning *c, usec_t deadline)
{
	struct wanted_busy w = { .c = c };
	int tables, chains;

	tables = wanted_tell(&w, hold_nft_clean(wanted_idle, &w), "table inet " HOLD_TABLE_PREFIX);
	chains = wanted_tell(&w, hold_iptables_clean(wanted_idle, &w, deadline),
			     "chain " HOLD_CHAIN_PREFIX);

	if (tables < 0 || chains < 0)
		return tables < 0 ? tables : chains;
	return tables + chains;
}

int lease_close(struct lease *l, usec_t deadline)
{
	int r = l->borrowed && l->lender->hold ? hold_disarm(l->lender->hold) : 0;
	int closed, killed = 0;

	if (l->opening) { /* it may have come as far as it would */
		l->opening = hold_opening_free(l->opening);
		killed = hold_clean_one(l->ifindex, deadline);
	}
	l->borrowed = false;
	closed = hold_close(l->hold, deadline, &l->spent);
	l->hold = NULL;
	return closed < 0 ? closed : killed < 0 ? killed : r;
}

void lease_done(struct lease *l, usec_t deadline)
{
	(void)lease_close(l, deadline);
	l->spent = nftsock_free(l->spent);
}

static bool can_borrow(const struct lease *of, enum hold_choice choice, int ifindex)
{
	return of && of->hold && of->used != HOLD_OFF && of->ifindex == ifindex &&
	       (choice == HOLD_AUTO || choice == of->used || choice == of->asked);
}

int lease_open(struct lease *l, enum hold_choice choice, const struct link *link, usec_t deadline,
	       enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX])
{
	int r;

	(void)lease_close(l, deadline);
	if (can_borrow(l->lender, choice, link->ifindex)) {
		l->borrowed = true;
		*ret_used = l->lender->used;
		reason[0] = '\0';
		return 0;
	}
	r = hold_open(choice, link, deadline, &l->hold, ret_used, reason);
	l->ifindex = link->ifindex;
	l->asked = choice;
	l->used = r == 0 ? *ret_used : HOLD_OFF;
	return r;
}

int lease_open_begin(struct lease *l, enum hold_choice choice, const struct link *link,
		     usec_t timeout)
{
	/* what is replaced needs not be removed */
	l->opening = hold_opening_free(l->opening);
	l->ifindex = link->ifindex;
	l->asked = choice;
	return hold_open_begin(choice, link, timeout, &l->opening);
}

int lease_open_end(struct lease *l, enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX])
{
	struct hold *h = NULL;
	int r = l->opening ? hold_open_end(l->opening, &h, ret_used, reason) : -ENODEV;

	if (r == -EAGAIN)
		return r;
	l->opening = hold_opening_free(l->opening);
	if (h) {
		hold_forget(l->hold);
		l->hold = h;
		l->used = r == 0 ? *ret_used : HOLD_OFF;
	}
	return r;
}

struct hold *lease_hold(const struct lease *l)
{
	return l->borrowed ? l->lender->hold : l->hold;
}
