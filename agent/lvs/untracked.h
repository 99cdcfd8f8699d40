/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This node's own sockets that connection tracking does not see (raw rules, or nothing on the node
 * asks for it): their beginnings and ends are found by listing all sockets again and again, and by
 * what the kernel tells of each that ends. */
#pragma once

#include "base/kernel.h"
#include "lvs/collide.h"

struct lvs_untracked;

struct lvs_untracked *lvs_untracked_new(void); /* NULL: out of memory */
struct lvs_untracked *lvs_untracked_free(struct lvs_untracked *u);
DEFINE_CLEANUP(struct lvs_untracked, lvs_untracked_free)

/* Forget all sockets, for the table of another map. */
void lvs_untracked_forget(struct lvs_untracked *u);

/* Look at the sockets: those that are new since the last look are handed to SINK (NULL: to nobody)
 * and then added to FLOWS, a table of MAP; those that have ended do so there, and are held for
 * HOLD. SINK is handed sockets that have ended already as well. What they are by then is the
 * caller's to compare. 0, -ENOMEM, what SINK returned, or why sockets cannot be listed. */
int lvs_untracked_look(struct lvs_untracked *u, const struct kernel *k, const struct lvs_map *map,
		       struct collide *flows, usec_t hold, flow_sink sink, void *ud);
