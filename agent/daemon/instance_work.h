/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The work on one instance: rounds of moves, programs before and after them,
 * and announcements. Private to instances.c. */
#pragma once

#include "daemon/loop.h"
#include "daemon/moves.h"
#include "keepalived/instance_file.h"
#include "keepalived/instance_set.h"
#include "kernel/kernel_real.h"
#include "show/status.h"

/* Shared by the work on all instances. */
struct instance_context {
	struct loop *loop;
	const struct run_env *env;
	struct moves *moves;
	struct kernel_real *kernel; /* owned: addresses and announcements */
	struct instance_set set;    /* owned */
	/* Whose "conntrackd -c" it is until its programs have ended: it is for all instances, since
	 * conntrackd has one cache. NULL: nobody's. */
	const struct instance_work *committer;
};

enum work_phase {
	WORK_IDLE,
	WORK_BEFORE, /* programs that are run before a round */
	WORK_MOVING,
	WORK_AFTER, /* programs after a round; the next round may begin meanwhile */
};

struct instance_work {
	size_t at; /* index in the set */
	char name[INSTANCE_NAME_MAX];
	size_t n_possible; /* addresses, at the last look */
	bool has_decoy;
	struct instance_address decoy;
	bool stale_logged, missing_logged; /* already logged, of the decoy */
	enum work_phase phase;
	enum instance_action action; /* of the round */
	bool waiting;		     /* a move of it is queued */
	bool added;		     /* the round has added something */
	char error[REPORT_TEXT_MAX]; /* of the round, or of the last one; "": none */
	struct child *child;	     /* owned */
	size_t program;		     /* of instance_conntrackd(): the running one, or the next */
	bool tried;		     /* one was run in this round */
	const char *option;	     /* of the running one */
	enum commit_outcome commit;  /* of the round, or of the last one */
	usec_t commit_began, commit_took; /* BEGAN: of the running program */
	usec_t when, refresh;
};

void instance_work_begin(struct instance_context *s, struct instance_work *w, size_t at);
void instance_work_end(struct instance_context *s, struct instance_work *w);

/* Do what is due, and set w->when. Returns whether addresses were moved: then
 * look at the addresses and call again. */
bool instance_work_step(struct instance_context *s, struct instance_work *w);

/* Delete the addresses of the instance that are ours, whatever its state, until
 * DEADLINE. */
void instance_work_release(struct instance_context *s, struct instance_work *w, usec_t deadline);

void instance_work_status(const struct instance_context *s, const struct instance_work *w,
			  struct status_instance *ret);

/* The states of the instances in the run directory
 * (keepalived/instance_file.h), as the daemon stores them. Private to
 * instances.c. */

struct instance_store {
	bool loaded;			/* the last daemon's states have been read */
	struct instance_file_seen seen; /* the file as last written or read here */
	usec_t next, again;		/* of the next attempt after a failure; 0: none due */
	char problem[128];		/* "": none */
};

/* Read the states that an earlier daemon or hook left. Only once. */
void instance_store_load(struct instance_store *t, struct instance_context *s);

/* Take over newer states from the file: hooks that got no answer in time (the
 * daemon was stopped or busy) have acted themselves and stored them, and older
 * states must not undo that. Returns whether there were any. */
bool instance_store_merge(struct instance_store *t, struct instance_context *s);

/* Store the states if they have changed or could not be stored before; after a
 * failure not before the next attempt is due. Calls instance_store_merge()
 * first, and returns the same. */
bool instance_store_write(struct instance_store *t, struct instance_context *s);
