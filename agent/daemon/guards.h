/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guards of the configured devices on the loop, each with a kernel of its
 * own. */
#pragma once

#include "daemon/loop.h"
#include "daemon/log.h"
#include "show/status.h"
#include "kernel/kernel_real.h"
#include "guard/ends.h"
#include "guard/guard.h"

struct device_guard;

struct guards {
	struct loop *loop;
	const struct run_env *env; /* for its settings; its kernel is not used */
	struct publisher *publisher;
	struct service *service;    /* told their state */
	struct ends *ends;	    /* where they remember how connections end; outlives them */
	struct device_guard **list; /* owned, with its elements */
	size_t n;
	int why_left_out; /* of the last device without a guard; negative errno */
};

/* How long a guard that is to end may continue its work. */
#define GUARDS_FINISH_MAX (2 * USEC_PER_SEC)

/* Guard the devices of ENV->settings from now on. Guards of devices that stay
 * continue with what they know (REHOLD: with a new hold); others end when their
 * work is done. Errors are logged, and such devices have no guard. */
void guards_apply(struct guards *w, bool rehold);

/* The daemon is about to end: read pending events. Returns whether no work is
 * left. */
bool guards_finish(struct guards *w);
bool guards_are_idle(const struct guards *w);
void guards_done(struct guards *w);

/* Do what is due. Returns when to call again. */
usec_t guards_tick(struct guards *w);

/* What the guard of the device IFINDEX knows, and its kernel, for a run of REQ.
 * Without .ops if there is no guard, or it does not know enough now. */
struct source guards_source(const struct guards *w, int ifindex, const struct request *req,
			    struct kernel *ret_kernel);

/* A kernel for work on the device IFINDEX beside its guard, or NULL if it has
 * no guard. The caller frees it before the guard. */
struct kernel_real *guards_kernel(const struct guards *w, int ifindex);

/* guard_await() for A on DEVICE, by the name that is configured; NULL: for all. */
void guards_await(const struct guards *w, const char *device, const struct addr *a);

/* A was given up on purpose: no guard lets its connections linger. KEEP: they stay for good. */
void guards_give_up(const struct guards *w, const struct addr *a, bool keep);

/* Whether DEVICE, by any name that is configured, or ("") any device has a guard. */
bool guards_protect(const struct guards *w, const char *device);

/* How C is protected by the guard of DEVICE, or ("") by that which knows it. *RET_DEVICE is the
 * device, valid until the next tick. */
enum protection guards_protection(const struct guards *w, const char *device, const struct conn *c,
				  const char **ret_device);

/* A new list of *RET_N states, freed by the caller, or NULL. It also has the
 * devices that should be guarded and are not. */
struct status_device *guards_status(const struct guards *w, size_t *ret_n);

/* "br-mgmt live, eth1 absent". Returns BUF. */
const char *guards_summary(const struct guards *w, char *buf, size_t size);
