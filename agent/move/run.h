/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one pipeline every address change goes through: the table of stages in pipeline.c,
 * which docs/design.md quotes. It refuses to log, to print and to decide policy: what it
 * did is in the report. The caller holds no lock and has blocked no signal; both happen
 * around it (base/rundir.h, cli/worker.h). */
#pragma once

#include "base/addr.h"
#include "base/conn.h"
#include "base/kernel.h"
#include "base/report.h"
#include "base/request.h"
#include "base/settings.h"
#include "move/source.h"

struct instance;
struct lvs_map;

struct run_env {
	struct kernel kernel;
	const struct settings *settings;
	uint64_t seed;	     /* random, for hash tables and the report id */
	const char *boot_id; /* of this boot, ties files in the run directory to it */
	/* Who watches the device with this very kernel, and whose knowledge serves
	 * instead of a listing. {0}: nobody. */
	struct source source;
	/* What is known of the settings' instances, in their order. NULL, or NULL
	 * there: what the file in the run directory tells. */
	const struct instance *const *states;
	/* To look for collisions with: where the map is kept, which may be another
	 * for the next run. NULL, or NULL there: do not. */
	struct lvs_map *const *lvs_map;
	/* Tests only, may be NULL: called as each stage begins, with its name.
	 * A non-zero return ends the run there as a kill would: nothing is
	 * undone or written afterwards. */
	int (*at_stage)(void *ud, const char *stage);
	void *at_stage_ud;
};

/* Do what REQ asks (or, with req->plan, find out what it would do) and fill
 * *REPORT, which need not be initialised. The outcome, whatever it is, is
 * report->exit_code. */
void run_move(const struct run_env *env, const struct request *req, struct report *report);

/* Finish what killed runs left in the run directory: complete the address
 * change they were asked for and restore what they would have restored.
 * One report per leftover through SINK (op and addresses of that run);
 * returns how many there were, or a negative errno when the run directory
 * cannot be read. */
int run_recover(const struct run_env *env, void (*sink)(void *ud, const struct report *r),
		void *ud);

/* What recovery has done. Each may be NULL but RUN; FILE is a name in the run directory. */
struct recovery_sink {
	/* R is the rest of a killed run; its FILE is removed. */
	void (*run)(void *ud, const struct report *r, const char *file);
	/* A rule that holds or resets nothing any more was removed. */
	void (*rule)(void *ud, const char *rule);
	/* A file was removed that was never in force, or SET_ASIDE: it cannot be read. */
	void (*file)(void *ud, const char *file, bool set_aside);
	void *ud;
};

/* The same for somebody who wants to know all of it. */
int run_recover_telling(const struct run_env *env, const struct recovery_sink *sink);

/* Which entries of a snapshot the flush could take and we may bring back. */

struct select_rules {
	const struct addrset *leaving; /* addresses no device has after the change */
	const struct addrset *local;   /* addresses of the node after the change */
	uint32_t elapsed;	       /* whole seconds since the entries were read */
};

/* SKIP_NONE when C is a candidate, else the first reason against it.
 *
 * The masquerade device is not visible in ctnetlink, so every entry with a
 * source translation set up to an address of this node counts: a create that
 * turns out needless fails with EEXIST and does no harm (docs/kernel.md 3). The
 * SRC_NAT bit is no test: local traffic whose masquerade changed nothing lacks
 * it and is flushed all the same. */
enum skip_reason select_entry(const struct conn *c, const struct select_rules *rules);
