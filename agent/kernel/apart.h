/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports of their own for connections through LVS services (base/apart.h): tables of nf_tables that
 * are ours, with a NAT chain that is asked after all others. So what the node's own rules
 * translate stays theirs.
 *
 *   table ip vipsafe_apart {
 *     set window1 { type ipv4_addr . inet_service; }  (window1_all: addresses, of all ports;
 *     servers and servers_all: the same)
 *     chain out { type nat hook postrouting priority 32767;
 *       meta l4proto tcp tcp flags & (fin|syn|rst|ack) == syn tcp sport >= 1024
 *         ip daddr . tcp dport @window1 snat to :LOW-HIGH
 *       meta l4proto tcp tcp flags & (fin|syn|rst|ack) == syn tcp sport LOW-HIGH
 *         ip daddr . tcp dport @servers snat to :REST } }
 *
 * The source address stays: a translation names ports only. And only what opens a connection is
 * looked at, or a flow that conntrack has just begun to see would change its port. */
#pragma once

#include "base/apart.h"
#include "base/kernel.h"

#define APART_TABLE "vipsafe_apart"

/* Put A in force instead of what was before, in one step unless it is very large. If it fails,
 * REASON is one line and nothing is in force. -EOPNOTSUPP: not on this kernel. */
int apart_install(const struct apart *a, char reason[REPORT_TEXT_MAX]);

enum apart_removed {
	APART_NONE, /* there were none */
	APART_REMOVED,
	/* Open connections are translated; if they are the last that need the kernel's NAT, they
	 * break with the last rule. So the tables stay, without addresses: nothing new is
	 * translated. */
	APART_EMPTIED,
};

/* Remove the tables, which may be a killed program's. Does not load nf_tables. */
int apart_remove(const struct kernel *k, enum apart_removed *ret);
