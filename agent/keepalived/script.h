/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a script calls that breaks connections: flushes of the connection table,
 * of addresses, links that are taken down. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/finding.h"

enum script_deed {
	SCRIPT_FLUSHES_NOW,   /* "conntrack -F", "conntrackd -F" */
	SCRIPT_FLUSHES_LATER, /* "conntrackd -t": a minute later */
	SCRIPT_DELETES,	      /* "conntrack -D …": connections that match */
	SCRIPT_FLUSHES_ADDRESSES,
	SCRIPT_TAKES_ADDRESS, /* "ip addr del", "ifconfig eth0:1 down" */
	SCRIPT_TAKES_LINK_DOWN,
	SCRIPT_CONFIGURES_ANEW, /* "netplan apply": addresses and links go and come back */
	SCRIPT_READS_COMMANDS,	/* "ip -batch": those are not part of the script */
};

struct script_act {
	enum script_deed deed;
	unsigned line;
	const char *text; /* the call as it is written */
	size_t len;
	bool is_own; /* TEXT is part of the script itself, not of a text within it */
};

struct script_reader {
	void (*act)(void *ud, const struct script_act *a);
	/* Words that are absolute paths: of what it may call. May be NULL. */
	void (*path)(void *ud, const char *path);
	void *ud;
};

/* Whether TEXT, a file's first bytes, begins a script of a shell. */
bool script_is_shell(const char *text);

/* Read SCRIPT. 0, or why the rest of it was not read: -ENOMEM, -E2BIG. */
int script_read(const char *script, const struct script_reader *r);

/* Say what ACT does, which SCRIPT has, the content of the file PATH. BEFORE
 * begins the text: "keepalived.conf:7: ", or "". */
void script_message(const char *before, const char *path, const char *script,
		    const struct script_act *act, struct findings *ret);
