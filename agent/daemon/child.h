/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An external program, run beside the loop and killed after a timeout. */
#pragma once

#include "daemon/loop.h"

struct child;

/* Run ARGV (argv[0] is the file) for TIMEOUT at most. FN is called once when it
 * has ended, never from within child_new(): R is 0, -EIO when it failed, or
 * -ETIMEDOUT. FN may free the child. */
int child_new(struct loop *l, char *const argv[], usec_t timeout, void (*fn)(void *ud, int r),
	      void *ud, struct child **ret);

/* Kill the child if it still runs; FN is not called then. */
struct child *child_free(struct child *c);

/* Do what is due. Returns when to call again. */
usec_t child_tick(struct child *c);
