/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold: while entries are missing for a moment, TCP that would get a fresh
 * mapping is dropped on one device, and its sender retransmits. Static rules of
 * our own match a set; arming adds one element that expires by itself, so that
 * a killed agent blocks nothing for longer than it asked for. Only TCP that is
 * NEW without being a pure SYN, or INVALID, is dropped: new connections pass.
 *
 * It never touches a rule, set or table it has not made itself (they are found
 * by name), never changes another's table, and never stacks a second one. */
#pragma once

#include "base/kernel.h"

struct hold;

/* Every DEADLINE is an instant of CLOCK_MONOTONIC, up to which programs (iptables and
 * the like) may run; nf_tables and ip_set are asked without one. */

/* The backends that are tried for CHOICE, in this order: what the node's own rules use first,
 * or nft, if that is asked for; iptables alone, if that is. Returns how many. What each needs of
 * the kernel: docs/kernel.md 11. Only looks. */
#define HOLD_BACKENDS 2
size_t hold_order(enum hold_choice choice, enum hold_choice ret[HOLD_BACKENDS]);

/* Add to REASON, which may be "", why BACKEND was not used. */
void hold_add_reason(char reason[REPORT_TEXT_MAX], enum hold_choice backend, const char *why);

/* As in base/kernel.h; CHOICE is not OFF. */
enum hold_choice hold_look(enum hold_choice choice, char reason[REPORT_TEXT_MAX]);

/* The same in a child, so that a program that hangs does not keep the caller. END returns
 * -EAGAIN while it is under way, then what hold_open() would. */
struct hold_opening;

/* Of all three: without a hold (NULL) there is nothing to arm or to look at (-ENODEV), and
 * nothing to let go. */

/* Arm for DURATION from now, also when it is armed; cheap, and never rewrites a rule table.
 * iptables rounds up to whole seconds: that is how long it stays armed when we are
 * killed. */
int hold_arm(struct hold *h, usec_t duration);

/* Disarm at once: the element is removed, not left to expire. The rules stay. */
int hold_disarm(struct hold *h);

/* Are the rules still there? Arms nothing, runs no program. -ENOENT. */
int hold_check(struct hold *h);

/* Remove what killed runs left. Returns how many were removed, or a negative errno. */
int hold_clean(const struct rule_cleaning *c, usec_t deadline);

/* The one hold of a table of calls: its own, made in its own time or beside it, or
 * the one that another table has in place already. */
/* Begin with all of it zero but for LENDER. */
struct lease {
	struct hold *hold; /* owned; NULL: none open */
	int ifindex;
	enum hold_choice asked, used;
	struct hold_opening *opening; /* owned: under way, of IFINDEX; may be NULL */
	struct lease *lender;	      /* outlives us; may be NULL */
	bool borrowed;
	struct nftsock *spent; /* owned: of the hold that was closed last; may be NULL */
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

/* The same, and free what it has kept so that nobody had to wait for it. */
void lease_done(struct lease *l, usec_t deadline);
