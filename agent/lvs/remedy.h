/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What helps against a collision, as commands. Each is "" where there is none. */
#pragma once

#include "base/finding.h"
#include "base/ports.h"
#include "lvs/collide.h"

/* Close the socket HUNG of this node, which does no harm to its peer. */
void lvs_remedy_free(const struct flow *hung, char ret[FINDING_FIX_MAX]);

/* Let connections as the two of C never have one port again. PORTS: those of this node; NULL:
 * nothing is to be said of it. */
void lvs_remedy_prevent(const struct ports *ports, const struct collision *c,
			char ret[FINDING_FIX_MAX]);

/* Keep connect() from choosing PORT. */
void lvs_remedy_reserve(uint16_t port, char ret[FINDING_FIX_MAX]);
