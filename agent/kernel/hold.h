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

#include <vipsafe/kernel.h>

struct hold;

/* Install the rules for LINK, unarmed, with the backend CHOICE; AUTO takes what
 * the node's own rules use. What a killed run left for LINK is replaced.
 * *RET_USED says which backend it became (never AUTO or OFF).
 * -EOPNOTSUPP: no backend works; REASON is one line why. */
int hold_open(enum hold_choice choice, const struct link *link, struct hold **ret,
	      enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX]);

/* (Re-)arm for DURATION from now; cheap, and never rewrites a rule table.
 * A coarser backend rounds up, to whole seconds at worst. */
int hold_arm(struct hold *h, usec_t duration);

/* Disarm and remove the rules; NULL is fine. Returns NULL. */
struct hold *hold_close(struct hold *h);

/* Remove what killed runs left for devices other than those for which BUSY
 * returns true. Returns how many were removed, or a negative errno. */
int hold_clean(bool (*busy)(void *ud, int ifindex), void *ud);
