/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/lease.h"

#include <errno.h>

int lease_close(struct lease *l, usec_t deadline)
{
	int r = l->borrowed && l->lender->hold ? hold_disarm(l->lender->hold) : 0;
	int closed, killed = 0;

	if (l->opening) { /* it may have come as far as it would */
		l->opening = hold_opening_free(l->opening);
		killed = hold_clean_one(l->ifindex, deadline);
	}
	l->borrowed = false;
	closed = hold_close(l->hold, deadline);
	l->hold = NULL;
	return closed < 0 ? closed : killed < 0 ? killed : r;
}

static bool can_borrow(const struct lease *of, enum hold_choice choice, int ifindex)
{
	return of && of->hold && of->used != HOLD_OFF && of->ifindex == ifindex &&
	       (choice == HOLD_AUTO || choice == of->used);
}

int lease_open(struct lease *l, enum hold_choice choice, const struct link *link, usec_t deadline,
	       enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX])
{
	int r;

	(void)lease_close(l, deadline);
	if (can_borrow(l->lender, choice, link->ifindex)) {
		l->borrowed = true;
		*ret_used = l->lender->used;
		return 0;
	}
	r = hold_open(choice, link, deadline, &l->hold, ret_used, reason);
	l->ifindex = link->ifindex;
	l->used = r == 0 ? *ret_used : HOLD_OFF;
	return r;
}

int lease_open_begin(struct lease *l, enum hold_choice choice, const struct link *link,
		     usec_t timeout)
{
	/* what is replaced needs not be removed */
	l->opening = hold_opening_free(l->opening);
	l->ifindex = link->ifindex;
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
