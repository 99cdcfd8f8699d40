/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of one "vipsafe notify". Private to notify*.c. */
#pragma once

#include "cli/cli.h"
#include "show/wire.h"

struct notify {
	struct cli *cli;
	struct wire_request request;
	struct report report;	    /* of the last addresses moved here */
	struct kernel_real *kernel; /* open after the work, for notify_after() */
	struct announce_settings announce;
	bool refused;	 /* by the daemon, which was said */
	bool unfinished; /* an address is not as wanted: notify_after() tries again */
	FILE *err;
};

/* Do the work in this process, without the daemon. Returns the exit code. */
int notify_local(struct notify *n);

/* What follows after the caller has its answer. */
void notify_after(struct notify *n);

/* Send it to the daemon and wait for up to PATIENCE. True: nothing is left to
 * do here, and *RET_CODE is set. */
bool notify_daemon(struct notify *n, usec_t patience, int *ret_code);

/* Print and log a message: keepalived discards a hook's output. */
void notify_complain(const struct notify *n, const char *fmt, ...) _printf_(2, 3);
