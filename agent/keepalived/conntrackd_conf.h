/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a conntrackd.conf decides whether connections live on after a failover
 * (conntrackd.conf(5); tokens as in read_config_lex.l of conntrack-tools 1.4.7). */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* Addresses of a filter that are kept; more are counted. */
#define CONNTRACKD_ADDRESSES_MAX 256

/* Where conntrackd looks for its file, and the defaults of its options (conntrackd.h). */
#define CONNTRACKD_CONF "/etc/conntrackd/conntrackd.conf"
#define CONNTRACKD_LOCK "/var/lock/conntrackd.lock"

enum conntrackd_mode {
	CONNTRACKD_FTFW, /* also if the file names none */
	CONNTRACKD_NOTRACK,
	CONNTRACKD_ALARM,
};

enum conntrackd_policy {
	CONNTRACKD_ALL,	   /* there is no such clause */
	CONNTRACKD_ACCEPT, /* only what is listed */
	CONNTRACKD_IGNORE, /* all but what is listed */
};

/* The filter that decides what is replicated. */
struct conntrackd_filter {
	enum conntrackd_policy address, protocol, state;
	struct prefix addresses[CONNTRACKD_ADDRESSES_MAX];
	size_t n_addresses;
	size_t dropped; /* addresses that did not fit, or were not understood */
	bool tcp, udp;	/* are listed */
	bool established;
};

struct conntrackd_conf {
	bool has_sync, has_stats; /* the sections: it replicates, it counts */
	enum conntrackd_mode mode;
	bool no_external_cache, no_internal_cache, startup_resync;
	uint32_t commit_timeout; /* seconds, 0: not set */
	unsigned links;		 /* dedicated ones */
	char lock[PATH_MAX];
	char socket[PATH_MAX]; /* "": not set, and conntrackd does not start */
	struct conntrackd_filter filter;
};

/* Read TEXT, the content of a file. Returns 0; -EINVAL: its braces do not match, or it is nested
 * too deeply; RET then holds what was read before. */
int conntrackd_conf_read(const char *text, struct conntrackd_conf *ret);

/* Whether what the original direction comes from (SOURCE) and what the reply comes from (REPLIES)
 * lets the filter's Address clause replicate a connection. conntrackd looks at no other address
 * (docs/conntrackd.md 7): what a connection is translated to does not matter. */
bool conntrackd_conf_passes(const struct conntrackd_conf *c, const struct addr *source,
			    const struct addr *replies);

/* Whether the Address clause accepts only the listed ADDRESSES themselves, or fewer: nothing that
 * is translated to them is then replicated. */
bool conntrackd_conf_only(const struct conntrackd_conf *c, const struct addrset *addresses);
