/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVS collisions in a run: reported before the move, and looked for before an entry is put
 * back (docs/lvs.md 6). Nothing here stops a move. */
#pragma once

#include "move/stage.h"

/* Stage: warn of pairs that are in the snapshot. */
void collide_meet(struct run *run);

/* Stage: after addresses were added, warn of pairs there are, and of services on these addresses
 * whose ports connect() may choose. */
void collide_warn(struct run *run);

/* A listing after the move found C, which is entry I of the set, or -1. */
void collide_see(struct run *run, int64_t i, const struct conn *c);

/* Before MISSING entries are created: those whose place at their real server a
 * newcomer has taken become SUPERSEDED, and are reported. */
void collide_restrain(struct run *run);
