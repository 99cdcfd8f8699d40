/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What daemon, command line and tests agree on: exit codes, paths, limits. */
#pragma once

#define VIPSAFE_RUN_DIR "/run/vipsafe"
#define VIPSAFE_CONFIG "/etc/vipsafe/vipsafe.conf"

/* Addresses in one request; more is a usage error. */
#define VIPS_MAX 64

enum exit_code {
	EXIT_DONE = 0,		 /* done, or nothing to change */
	EXIT_USAGE = 1,		 /* bad words on the command line */
	EXIT_KERNEL_REFUSED = 2, /* the address change was refused, nothing changed */
	EXIT_PARTIAL = 3,	 /* address done, some connections not restored */
	EXIT_UNPROTECTED = 4,	 /* address done, protection did not run */
	EXIT_UNSAFE = 5,	 /* refused for safety, nothing changed */
	EXIT_DEADLINE = 6,	 /* deadline passed */
	EXIT_WARNINGS = 10,	 /* a check found something to look at */
	EXIT_CRITICAL = 11,	 /* a check found what breaks connections */
	EXIT_UNREACHABLE = 75,	 /* no answer from the daemon, which alone can serve it */
	EXIT_NOT_PERMITTED = 77,
	EXIT_CONFIG = 78,
};
