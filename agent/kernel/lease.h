/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one hold of a table of calls: its own, made in its own time or beside it, or
 * the one that another table has in place already. */
#pragma once

#include "kernel/hold.h"

/* Begin with all of it zero but for LENDER. */
struct lease {
	struct hold *hold; /* owned; NULL: none open */
	int ifindex;
	enum hold_choice used;
	struct hold_opening *opening; /* owned: under way, of IFINDEX; may be NULL */
	struct lease *lender;	      /* outlives us; may be NULL */
	bool borrowed;
};

/* As hold_open() and the like. */
int lease_open(struct lease *l, enum hold_choice choice, const struct link *link, usec_t deadline,
	       enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX]);
int lease_open_begin(struct lease *l, enum hold_choice choice, const struct link *link,
		     usec_t timeout);
int lease_open_end(struct lease *l, enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX]);

/* What to arm; NULL: nothing. */
struct hold *lease_hold(const struct lease *l);

/* Let go, and remove the rules that are ours, also where they are only being made. Returns why
 * some of them stay, or 0. */
int lease_close(struct lease *l, usec_t deadline);
