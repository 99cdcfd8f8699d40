/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guards of the configured devices, each with its own kernel, on the loop. */
#pragma once

#include "daemon/loop.h"
#include "daemon/publish.h"
#include "show/status.h"
#include "kernel/kernel_real.h"
#include "guard/guard.h"

struct device_guard;

struct guards {
	struct loop *loop;
	const struct run_env *env; /* its kernel is not used */
	struct publisher *publisher;
	struct service *service;    /* told how they are */
	struct device_guard **list; /* owned, and what is in it */
	size_t n;
	int why_left_out; /* the last device that is not in the list; negative errno */
};

/* How long a guard that is to end may go on with what it has begun. */
#define GUARDS_FINISH_MAX (2 * USEC_PER_SEC)

/* Guard what ENV->settings says from now on: guards of devices that stay go on
 * with what they know and do (REHOLD: with another hold); others end when what
 * they have begun is done. Those that could not be made are left out and have
 * been logged. */
void guards_apply(struct guards *w, bool rehold);

/* They are to end soon: read what events there are. Whether nothing is left to do. */
bool guards_finish(struct guards *w);
bool guards_are_idle(const struct guards *w);
void guards_done(struct guards *w);

/* Do what is due. Returns when to call again. */
usec_t guards_tick(struct guards *w);

/* What the guard of the device IFINDEX knows, and its kernel, for a run of REQ; without
 * .ops when there is none, or it does not know enough just now. */
struct source guards_source(const struct guards *w, int ifindex, const struct request *req,
			    struct kernel *ret_kernel);

/* A kernel for work on the device IFINDEX beside its guard, or NULL when it has
 * none. To be freed before the guard. */
struct kernel_real *guards_kernel(const struct guards *w, int ifindex);

/* A new list of how they are, *RET_N of them, to be freed, or NULL. What should be
 * guarded and is not is in it. */
struct status_device *guards_status(const struct guards *w, size_t *ret_n);

/* "br-mgmt live, eth1 absent". Returns BUF. */
const char *guards_summary(const struct guards *w, char *buf, size_t size);
