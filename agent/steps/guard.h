/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard of one device: makes address deletes by anybody harmless. It keeps
 * entries pinned (or, on demand, knows them well enough to restore them), takes
 * over the kernel's duty to remove what it has pinned when its address really
 * goes, and never fights another actor. It has no thread, no loop and no clock:
 * the caller polls its descriptors and calls it. */
#pragma once

#include <vipsafe/kernel.h>

#include "core/settings.h"
#include "steps/run.h"

enum guard_state {
	GUARD_ABSENT,  /* no such device; it may come */
	GUARD_SYNCING, /* reading the table */
	GUARD_LIVE,
	GUARD_STALE,	/* events were lost: no repair until it has been read again */
	GUARD_DEGRADED, /* conntrack or netlink refuse: nothing is guarded */
};

struct guard_status {
	char device[DEVICE_NAME_MAX];
	enum guard_state state;
	enum pin_mode mode;
	enum hold_choice hold;
	bool quarantined;		  /* flushed too often: repairs are suspended */
	uint64_t pinned;		  /* known to be pinned now */
	uint64_t young;			  /* known and not pinned (on demand: all known) */
	uint64_t pins, pin_failures;	  /* since the start */
	uint64_t repairs, restored, lost; /* after foreign deletes */
	uint64_t removed;		  /* since their address was lost */
	uint64_t overruns, relists;
	char reason[REPORT_TEXT_MAX]; /* why degraded; "" otherwise */
};

struct guard;

/* A guard of the device D->name. ENV->kernel must be its own: the guard watches
 * through it and keeps a hold open. Nothing is asked of the kernel yet. */
int guard_new(const struct run_env *env, const struct device_settings *d, struct guard **ret);

/* Close the hold. Entries stay as they are, pinned. */
struct guard *guard_free(struct guard *g);

/* Something may be readable on one of the kernel's descriptors. Never blocks
 * for longer than a repair takes. */
void guard_ready(struct guard *g);

/* Do what is due. Returns when to call again at the latest (monotonic). */
usec_t guard_tick(struct guard *g);

void guard_get_status(const struct guard *g, struct guard_status *ret);
const char *guard_state_name(enum guard_state s);
