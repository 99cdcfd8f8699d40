/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sockets of this node say of a pair that the map makes likely. */
#pragma once

#include "lvs/collide.h"
#include "lvs/evidence.h"

/* False: C is none, since the server has had both connections at one time. Otherwise it is manifest
 * if E shows it, and as it was if E does not. */
bool lvs_verdict(struct collision *c, const struct lvs_evidence *e);
