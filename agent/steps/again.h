/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second burst of announcements after an add, when the caller has long
 * gone: switches that missed the first one learn the new place as well. When,
 * and how to wait for it, is up to whoever calls. */
#pragma once

#include <vipsafe/kernel.h>

#include "core/report.h"
#include "core/settings.h"

/* Whether there is anything to announce again after the run of REPORT. */
bool again_wanted(const struct announce_settings *settings, const struct report *report);

/* One round: announce those addresses that REPORT says were added and that are
 * still there and usable. Failures are nobody's business: the first burst was
 * the pipeline's, and it told. */
void again_round(const struct kernel *k, const struct report *report);

/* All of it, waiting in between. */
void again_all(const struct kernel *k, const struct announce_settings *settings,
	       const struct report *report);
