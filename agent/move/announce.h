/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second burst of announcements, some seconds after an add, for switches that missed
 * the first one, and what else follows a run. The caller decides how to wait for it. */
#pragma once

#include "base/kernel.h"
#include "base/report.h"
#include "base/settings.h"

/* How long a client of a forwarded flow has to send its next packet and be
 * told. A rule that outlives that would only hit a new connection. */
#define RESET_FOR (5 * USEC_PER_SEC)

/* After it, rounded up to seconds as xt_time does, the rules are removed; so long that may
 * take. */
#define RESET_CLEAN_AFTER (RESET_FOR + USEC_PER_SEC + 100 * USEC_PER_MSEC)
#define RESET_CLEAN_TIMEOUT (5 * USEC_PER_SEC)

/* Wait for the end of the resets that were begun just now, and remove their rules. */
void again_clean_resets(const struct kernel *k);

/* Whether there is anything to announce again after the run of REPORT. */
bool again_wanted(const struct announce_settings *settings, const struct report *report);

/* One round: announce those addresses that REPORT says were added and that are
 * still there and usable. Errors are ignored: those of the first burst are in the report. */
void again_round(const struct kernel *k, const struct report *report);

/* All rounds, waiting in between. Ends early when none of the addresses is there any more. */
void again_all(const struct kernel *k, const struct announce_settings *settings,
	       const struct report *report);
