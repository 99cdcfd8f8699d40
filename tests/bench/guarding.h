/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guard of the bench's device, in this process, with all entries pinned. */
#pragma once

#include "bench.h"
#include "guard/ends.h"
#include "guard/guard.h"

struct kernel_real;

struct guarding {
	struct bench *bench;
	struct kernel_real *real;
	struct guard *guard;
	struct ends *ends;
	struct run_env env;
	char run_dir[64]; /* of its own */
	int others;	  /* to the process of guarding_others() … */
	pid_t pid;	  /* … which is this one; 0: none */
};

/* Start it and wait until it has pinned everything. To be released by
 * guarding_end() whatever is returned. */
int guarding_begin(struct guarding *g, struct bench *b);
void guarding_end(struct guarding *g);

/* Do what is due until nothing is. Returns when there is something again. */
usec_t guarding_rest(struct guarding *g);

/* Take the events there are, as the daemon does. */
void guarding_listen(struct guarding *g);

/* The last N of the bench's entries are born, or die, by somebody else, a child: what we do
 * ourselves is kept from the guard by the kernel. */
int guarding_others(const struct guarding *g, bool births, size_t n);
