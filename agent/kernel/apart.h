/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports of their own for connections through LVS services: by nf_tables from Linux 4.18 on, else by
 * ip_tables where the node has its table nat. */
#pragma once

#include "base/kernel.h"
#include "kernel/apart_iptables.h"
#include "kernel/apart_nft.h"

/* Put A in force instead of what was before, by TOOL (HOLD_IPTABLES, or any other word to choose).
 * If it fails, REASON is one line and nothing is in force. */
int apart_install(const struct apart *a, enum hold_choice tool, char reason[REPORT_TEXT_MAX]);

/* Whether the rules of A are there still: who loads a firewall may remove those of others. True if
 * it cannot be seen, or only a program could (THOROUGH: it is asked). */
bool apart_is_there(const struct apart *a, enum hold_choice tool, bool thorough);

enum apart_removed {
	APART_NONE, /* there were none */
	APART_REMOVED,
	/* Open connections are translated; if they are the last that need the kernel's NAT, they
	 * break with the last rule. So the rules stay, and are for nothing new. */
	APART_EMPTIED,
};

/* Remove the rules, which may be a killed program's. EVERYWHERE: also those of ip_tables, which
 * takes a program to look. Does not load nf_tables. */
int apart_remove(const struct kernel *k, bool everywhere, enum apart_removed *ret);
