/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries of a snapshot the flush could take and we may bring back. */
#pragma once

#include "base/addrset.h"
#include "base/conn.h"
#include "base/report.h"

struct select_rules {
	const struct addrset *leaving; /* addresses no device has after the change */
	const struct addrset *local;   /* addresses of the node after the change */
	uint32_t elapsed;	       /* whole seconds since the entries were read */
};

/* SKIP_NONE when C is a candidate, else the first reason against it.
 *
 * The masquerade device is not visible in ctnetlink, so every entry with a
 * source translation set up to an address of this node counts: a create that
 * turns out needless fails with EEXIST and does no harm (docs/kernel.md 3). The
 * SRC_NAT bit is no test: local traffic whose masquerade changed nothing lacks
 * it and is flushed all the same. */
enum skip_reason select_entry(const struct conn *c, const struct select_rules *rules);
