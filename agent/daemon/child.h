/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program of somebody else's, run beside the loop and killed when it takes
 * too long. */
#pragma once

#include "daemon/loop.h"

struct child;

/* Run ARGV (argv[0] is the file) for TIMEOUT at most. FN is called once when it
 * has ended, never from within: R is 0, -EIO when it failed, or -ETIMEDOUT. It
 * may free the child. */
int child_new(struct loop *l, char *const argv[], usec_t timeout, void (*fn)(void *ud, int r),
	      void *ud, struct child **ret);

/* One that still runs is killed, and FN is not called. */
struct child *child_free(struct child *c);

/* Do what is due. Returns when to call again. */
usec_t child_tick(struct child *c);
