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
 *       meta l4proto tcp tcp flags & (fin|syn|rst|ack) == syn tcp sport >= 1024
 *         ip daddr . tcp dport @servers snat to :REST } }
 *
 * and, with clients, the same rules in a chain "clients" of priority 99, for "ip saddr FROM" and
 * with "snat to TO:LOW-HIGH".
 *
 * A direct connection keeps its port if that is among the rest and free. One that is not would get
 * any; and what a client's port was translated to is used again for its other destinations.
 *
 * The source address stays: a translation names ports only. And only what opens a connection is
 * looked at, or a flow that conntrack has just begun to see would change its port. */
#pragma once

#include <stdbool.h>

#include "base/apart.h"
#include "base/report.h"

#define APART_TABLE "vipsafe_apart"

/* Instead of what was before, in one step unless it is very large. If it fails, REASON is one line
 * and nothing is in force. */
int apart_nft_install(const struct apart *a, char reason[REPORT_TEXT_MAX]);

/* How many tables there are, or an error. Does not load nf_tables. */
int apart_nft_count(void);

/* Remove them, or (NEEDED) leave them without addresses. */
int apart_nft_remove(bool needed);
