/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands in a script that break connections: they flush the connection table or addresses, or
 * take links down. */
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
	SCRIPT_READS_COMMANDS,	/* "ip -batch": the commands are not in the script */
};

struct script_act {
	enum script_deed deed;
	unsigned line;
	const char *text; /* the call as written */
	size_t len;
	bool is_own; /* TEXT is part of the script itself, not of a script in an argument */
};

/* A call that asks a running conntrackd for something: "conntrackd -f external". */
struct script_order {
	char option;	   /* the letter after the dash; conntrackd looks at no other */
	const char *value; /* the word after it, "": none */
	unsigned line;
};

struct script_reader {
	void (*act)(void *ud, const struct script_act *a);
	/* Called for conntrackd's orders, also for those that are an act. May be NULL. */
	void (*order)(void *ud, const struct script_order *o);
	/* Called for words that are absolute paths: scripts it may call. May be NULL. */
	void (*path)(void *ud, const char *path);
	void *ud;
};

/* Whether TEXT, the first bytes of a file, begins a shell script. */
bool script_is_shell(const char *text);

/* Read SCRIPT. Returns 0, or why the rest of it was not read: -ENOMEM, -E2BIG. */
int script_read(const char *script, const struct script_reader *r);

/* Append a finding about ACT in SCRIPT, the content of the file PATH. BEFORE is put before the
 * message: "keepalived.conf:7: ", or "". */
void script_message(const char *before, const char *path, const char *script,
		    const struct script_act *act, struct findings *ret);
