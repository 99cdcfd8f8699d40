/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a hook was called with, on its way. Private to notify*.c. */
#pragma once

#include "cli/cli.h"
#include "show/wire.h"

struct notify {
	struct cli *cli;
	struct wire_request request;
	struct report report;	    /* of the last addresses added here */
	struct kernel_real *kernel; /* open after the work, for what follows */
	struct announce_settings announce;
	bool unfinished; /* an address is amiss: notify_after() tries again */
	FILE *err;
};

/* Do what is to be done here: the daemon is not there. Returns the exit code. */
int notify_local(struct notify *n);

/* What may follow when nobody waits. */
void notify_after(struct notify *n);

/* Give it to the daemon. False: nobody has taken it. */
bool notify_daemon(struct notify *n, usec_t patience, int *ret_code);

/* Say it where somebody will find it: a hook's output goes nowhere. */
void notify_complain(const struct notify *n, const char *fmt, ...) _printf_(2, 3);
