/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work that has to finish although its caller is killed: keepalived kills a
 * STOP script's whole process group after a second. It happens in a child in
 * a session of its own that no terminal and no group signal reaches; the
 * parent only waits and passes on what the child has to say. */
#pragma once

#include <stdio.h>

#include <vipsafe/base.h>

struct worker_job {
	/* The work. Prints to OUT and ERR; returns the exit code. */
	int (*run)(void *ud, FILE *out, FILE *err);
	/* What follows when the caller has its answer; may be NULL. A SIGTERM ends
	 * it, unlike the work. */
	void (*after)(void *ud);
	/* The child was killed before it could say anything: say what is to be
	 * said, and return the exit code. NULL: 4. */
	int (*died)(void *ud);
	void *ud;
	/* How long the caller waits for what the work has to say; 0: to its end.
	 * Then it goes on without it. */
	usec_t patience;
	/* What is being done, for a terminal when it takes longer than a second,
	 * and how long it may take; NULL: nothing is shown. */
	const char *what;
	usec_t timeout;
};

/* Returns the exit code of the job. Where no child can be made, the job runs
 * right here (and nothing follows it): the work has priority. */
int worker_run(const struct worker_job *job);
