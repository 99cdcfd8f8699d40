/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second burst of announcements after an add, when the caller has long
 * gone: switches that missed the first one learn the new place as well. */
#pragma once

#include <vipsafe/kernel.h>

#include "core/report.h"
#include "core/settings.h"

/* Wait settings.again_after and announce those addresses that REPORT says were
 * added and that are still there and usable. Failures are nobody's business:
 * the first burst was the pipeline's, and it told. */
void announce_again(const struct kernel *k, const struct announce_settings *settings,
		    const struct report *report);
