/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work that must finish even if its caller is killed: keepalived kills a STOP
 * script's whole process group after a second. It is done in a child in a
 * session of its own, which no signal from a terminal or to the group reaches;
 * the parent only waits and passes on the child's output. */
#pragma once

#include <stdio.h>

#include <vipsafe/base.h>

struct worker_job {
	/* The work. Prints to OUT and ERR; returns the exit code. */
	int (*run)(void *ud, FILE *out, FILE *err);
	/* Called in the child after the caller has its answer; may be NULL.
	 * SIGTERM ends it, unlike the work. */
	void (*after)(void *ud);
	/* Called in the parent if the child was killed before it answered:
	 * print a message and return the exit code. NULL: 4. */
	int (*died)(void *ud);
	void *ud;
	/* How long the caller waits for the answer; 0: to its end. After that
	 * the work continues without it. */
	usec_t patience;
	/* Shown on a terminal with the time when the work takes longer than a
	 * second: what is done, and how long it may take. NULL: nothing is
	 * shown. */
	const char *what;
	usec_t timeout;
};

/* Returns the exit code of the job. If no child can be made, the job runs in
 * this process (without AFTER), so that the work is done in any case. */
int worker_run(const struct worker_job *job);
