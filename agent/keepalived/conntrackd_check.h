/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether conntrackd, as it is set up and runs on this node, lets connections live on after a
 * failover. */
#pragma once

#include "base/finding.h"
#include "keepalived/conntrackd_conf.h"
#include "keepalived/conntrackd_stats.h"
#include "keepalived/instance_settings.h"
#include "keepalived/version.h"

#define CONNTRACKD_UNKNOWN (-1)

struct conntrackd_check {
	const struct settings *settings;
	bool driven; /* also if no instance says "conntrackd = yes": scripts call it */

	const char *file;		    /* its configuration */
	const struct conntrackd_conf *conf; /* NULL: not read … */
	const char *problem;		    /* … and why */
	struct keepalived_version version;  /* of conntrackd; major 0: not known */

	unsigned running;   /* in this network namespace */
	const char *others; /* the file of a running one if it is not the usual one; "" */
	bool lock_there;
	struct conntrackd_stats stats; /* what it answers to vipsafe's calls */

	/* sysctls, seconds, or CONNTRACKD_UNKNOWN */
	int64_t established; /* net.netfilter.nf_conntrack_tcp_timeout_established */

	/* connections that are translated to addresses of such instances, and those among them that
	 * its filter leaves out */
	unsigned translated, left_out;
	unsigned sctp; /* of the translated ones */
};

/* Append what is wrong to F; nothing if nobody uses conntrackd. Codes:
 *   conntrackd-not-running  conntrackd-silent  conntrackd-twice  conntrackd-lock
 *   conntrackd-other-file  conntrackd-conf  conntrackd-mode  conntrackd-no-cache
 *   conntrackd-filter  conntrackd-commit-timeout  conntrackd-startup-resync
 *   conntrackd-version  conntrackd-empty  conntrackd-sctp  conntrackd-linger  conntrackd-pin
 *   conntrackd-owner  conntrackd-commit-max */
void conntrackd_check(const struct conntrackd_check *what, struct findings *f);

/* Whether an instance of S says "conntrackd = yes". */
bool conntrackd_is_wanted(const struct settings *s);

/* The addresses of these instances. Returns 0 or -ENOMEM. */
int conntrackd_addresses(const struct settings *s, struct addrset *ret);
