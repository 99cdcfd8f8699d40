/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether an entry is brought back although its place at the real server may
 * be another's by now (docs/lvs.md 6). */
#pragma once

#include <stdbool.h>

#include "lvs/collide.h"

enum on_certain {
	ON_CERTAIN_SKIP,
	ON_CERTAIN_RESTORE,
};

enum collide_verdict {
	COLLIDE_RESTORE, /* and warn */
	COLLIDE_SKIP,	 /* the RS has reset its session: better it ends at once than hangs */
};

/* Of collision C between an entry to be restored and a newcomer. ENTRY_IS_VIA:
 * it is C's VIA; otherwise its DIRECT. */
enum collide_verdict collide_rule(const struct collision *c, bool entry_is_via,
				  enum on_certain on_certain);
