/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries a flush of the run's device can take. Private to move. */
#pragma once

#include "base/kernel.h"
#include "base/report.h"
#include "base/settings.h"
#include "move/stage.h"

struct reach {
	struct addrset on_device; /* addresses the device keeps */
	bool own4, own6;	  /* one of them, of that family, is a usual source */
};

/* By the addresses as run->before has them. 0 or -ENOMEM. */
int reach_read(const struct run *run, struct reach *ret);
void reach_done(struct reach *r);

/* Whether C is masqueraded to an address of the device. A device without one of
 * global scope borrows another's, so then every entry may be meant
 * (inet_select_addr(), ipv6_dev_get_saddr()). */
bool reach_has(const struct reach *r, const struct conn *c);

/* The second burst of announcements, some seconds after an add, for switches that missed
 * the first one. The caller decides how to wait for it. */
/* How long a client of a forwarded flow has to send its next packet and be
 * told. A rule that outlives that would only hit a new connection. */
#define RESET_FOR (5 * USEC_PER_SEC)

/* After it, rounded up to seconds as xt_time does, the rules are removed; so long that may
 * take. */
#define RESET_CLEAN_AFTER (RESET_FOR + USEC_PER_SEC + 100 * USEC_PER_MSEC)
#define RESET_CLEAN_TIMEOUT (5 * USEC_PER_SEC)

/* Wait for the end of the resets that REPORT tells of, if any, and remove their rules. */
void again_clean_resets(const struct kernel *k, const struct report *report);

/* Whether there is anything to announce again after the run of REPORT. */
bool again_wanted(const struct announce_settings *settings, const struct report *report);

/* One round: announce those addresses that REPORT says were added and that are
 * still there and usable. Errors are ignored: those of the first burst are in the report. */
void again_round(const struct kernel *k, const struct report *report);

/* All rounds, waiting in between. Ends early when none of the addresses is there any more. */
void again_all(const struct kernel *k, const struct announce_settings *settings,
	       const struct report *report);
