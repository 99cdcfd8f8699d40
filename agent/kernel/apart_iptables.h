/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports of their own for connections through LVS services (kernel/apart.h), in ip_tables' table nat
 * where the node has it: for kernels on which a NAT chain of nf_tables would be in the others' way.
 * A chain for the node's own sockets, at the end of POSTROUTING, and one for clients that are
 * described, at its beginning. Other clients are left alone: a rule that somebody appends later
 * would come too late for them. */
#pragma once

#include <stdbool.h>

#include "base/apart.h"
#include "base/report.h"

#define APART_CHAIN_PREFIX "VIPSAFE-APART-"

/* Instead of what was before, each family in one step. -EOPNOTSUPP: there is no such table, or no
 * program. Any failure comes with a line in REASON. */
int apart_iptables_install(const struct apart *a, char reason[REPORT_TEXT_MAX]);

/* Whether there are such chains. Starts no program where there is no table nat. */
bool apart_iptables_is_there(void);

/* Remove the chains, or (NEEDED) only what leads to them: their rules keep the kernel tracking.
 * Returns 0, the number of chains, or an error. */
int apart_iptables_remove(bool needed);
