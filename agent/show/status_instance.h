/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keepalived's instances as part of a status. */
#pragma once

#include "keepalived/instance_settings.h"

/* What became of "conntrackd -c" when its addresses came last. */
enum commit_outcome {
	COMMIT_NONE,
	COMMIT_DONE,	/* before they came */
	COMMIT_OVERDUE, /* they came meanwhile: it still runs */
	COMMIT_LATE,	/* only after that */
	COMMIT_FAILED,	/* so far */
	COMMIT_SHARED,	/* another instance has run it for all */
};

struct status_instance {
	char name[INSTANCE_NAME_MAX];
	char device[DEVICE_NAME_MAX];
	enum instance_owner owner;
	enum instance_state state;
	enum instance_source source; /* of the state */
	usec_t age;		     /* of the state */
	enum instance_action wanted; /* for the addresses; NONE: leave them */
	bool moving;		     /* that is in progress */
	size_t present, addresses;
	const char *error; /* why the last attempt to put them there failed; "": it did not */
	bool has_decoy, decoy_there;
	bool decoy_stale;		     /* keepalived left it behind when it was killed */
	bool decoy_missing;		     /* although it is MASTER: the decoy does not work */
	const struct instance_address *list; /* its ADDRESSES; NULL: not listed … */
	const bool *there;		     /* … and which of them are */
	struct instance_counters counters;
	enum commit_outcome commit;
	usec_t commit_took;
};

struct instance_set; /* keepalived/instance_set.h */

/* What SET knows of its instance AT; error and moving are left empty. */
void status_instance_of(const struct instance_set *set, size_t at, usec_t now,
			struct status_instance *ret);

/* What is wrong with its decoy: "stale", "missing"; "": nothing. */
const char *status_decoy_problem(const struct status_instance *i);

/* What was received from keepalived in total. */
struct status_notify {
	bool is_used;		   /* there are instances */
	uint64_t hooks, lines;	   /* calls of scripts, lines of the FIFO */
	uint64_t bad, unknown;	   /* not understood; of instances that are not configured */
	uint64_t groups;	   /* of groups that no instance names */
	uint64_t overruns;	   /* times that lines may have been lost */
	const char *fifo_problem;  /* "": none */
	const char *store_problem; /* why the states could not be stored; "": they are */
};
