/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guard does to the table, each as a small run of its own over the
 * entries it is given. Private to the guard. */
#pragma once

#include "core/connset.h"
#include "steps/run.h"

/* What is handed to each piece of work. */
struct guard_scope {
	const struct run_env *env;
	struct link link;
	bool holding; /* hold rules are in place on env->kernel */
};

/* One entry after the work on it; PINNED: made by us, with C's id. */
typedef int (*guard_outcome)(void *ud, const struct conn *c, bool pinned);

/* Fetch KEYS anew and pin those that are still candidates, until UNTIL. OUTCOME
 * is called for each key that was found; those not reached in time have
 * PINNED false. Returns 0 or a negative errno. */
int guard_pin(const struct guard_scope *s, const struct conn_key *keys, size_t n, usec_t until,
	      guard_outcome outcome, void *ud);

/* Somebody has deleted an address: put back what of the entries in SET is gone
 * now. SET is consumed. OUTCOME is called for those put back. */
int guard_repair(const struct guard_scope *s, struct connset *set, guard_outcome outcome, void *ud,
		 struct report *ret_report);

/* Address A is no longer of this node: delete what is translated to it, as the
 * kernel does with what it has masqueraded itself. OUTCOME is called for each
 * that is gone now. */
int guard_drop(const struct guard_scope *s, const struct addr *a, guard_outcome outcome, void *ud);
