/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An event that contradicts the decoy. keepalived adds the decoy before it reports MASTER and
 * removes it before it reports anything else: if no other event follows soon, the decoy is wrong.
 *   there, but not MASTER: a stale decoy. keepalived 1.3.6 to 2.0.12 leave it behind
 *     when they are killed, and report BACKUP when they have been started again.
 *   MASTER, but not there: keepalived is no longer configured to set it, or refuses it. */
#pragma once

#include <stdbool.h>

#include "keepalived/instance_event.h"

/* How long to wait for another event. */
#define DOUBT_WAIT (1 * USEC_PER_SEC)
/* A caller that comes this much too late was itself stopped: events may still be unread, so it
 * waits this long once more. */
#define DOUBT_LATE (300 * USEC_PER_MSEC)

struct instance_doubt {
	enum instance_state said; /* UNKNOWN: there is no doubt */
	enum instance_source source;
	usec_t stamp; /* of the event */
	usec_t due;   /* when the doubt is proven unless another event comes */
	bool extended;
};

/* Whether the decoy is proven wrong by NOW. If not, *RET_WHEN: when to ask again; USEC_NEVER:
 * there is no doubt. */
bool doubt_is_proven(struct instance_doubt *d, usec_t now, usec_t *ret_when);

/* The state of one keepalived instance, derived from events that may come twice, late, out of
 * order or not at all, and when something is to be done about it.
 *
 * If the sources disagree, the first of these counts:
 *   decoy   an address that keepalived adds when it becomes MASTER, before it reports
 *           so, and removes before it reports another state. Once it has been seen,
 *           the instance is MASTER exactly while it is there, and events only tell
 *           which other state the instance is in. If it is proven wrong
 *           (keepalived/instance.h) it is ignored.
 *   FIFO    a line; lines come in order.
 *   hook    a script: the newest stamp counts. A script for a state that a line has
 *           already reported may start up to INSTANCE_HOOK_LATE after the line. */

#define INSTANCE_HOOK_LATE (1 * USEC_PER_SEC)
/* Precision of a script's start time. */
#define INSTANCE_HOOK_TICK (10 * USEC_PER_MSEC)
/* If the policies for BACKUP, FAULT and STOP differ: how long to wait for the event that tells
 * which of them the instance has entered. */
#define INSTANCE_WORD_WAIT (300 * USEC_PER_MSEC)
/* Pause between operations: it doubles with each one that follows soon, up to the maximum. */
#define INSTANCE_GAP (100 * USEC_PER_MSEC)
#define INSTANCE_GAP_MAX (800 * USEC_PER_MSEC)
/* After that long without an operation the pause is INSTANCE_GAP again. */
#define INSTANCE_QUIET (2 * USEC_PER_SEC)
#define INSTANCE_RETRY_MAX (60 * USEC_PER_SEC)
/* Longest pause when somebody deletes an address again and again. */
#define INSTANCE_FIGHT_MAX (60 * USEC_PER_SEC)

/* What to do when a state is entered. */
struct instance_policy {
	bool is_ours; /* the addresses are ours to add and to delete */
	bool add;     /* when MASTER */
	bool del_backup, del_fault, del_stop;
};

struct instance {
	enum instance_state state;
	enum instance_source source; /* of the state */
	usec_t stamp;		     /* of the newest event that counted; 0: none */
	usec_t fifo_stamp;	     /* of the newest FIFO line; 0: none, or lines were lost */
	usec_t since;		     /* when the state was entered */
	bool settled;		     /* the addresses were seen as the state wants them */
	bool active;		     /* has been in a state other than STOP and DELETED */
	bool decoy_seen, decoy_there;
	bool decoy_stale;   /* it is there, but keepalived has forgotten it */
	bool decoy_looked;  /* the kernel was asked for it */
	usec_t decoy_since; /* when it was seen to come or go; 0: never */
	bool left_behind;   /* a stale decoy was found since the last MASTER */
	struct instance_doubt doubt;
	bool guessed; /* the decoy has gone and no event has given the new state yet */

	usec_t began; /* start of the last operation; 0: none yet */
	unsigned streak, tries, fights;
	usec_t fought;
	struct instance_counters {
		uint64_t changes, duplicates, late, silent; /* events by effect */
		uint64_t operations;
		uint64_t failures; /* operations that left an address where it was */
		uint64_t stale;	   /* decoys found stale */
		uint64_t foreign;  /* addresses that somebody else deleted */
	} counters;
};

enum instance_effect {
	EFFECT_CHANGE,
	EFFECT_DUPLICATE,
	EFFECT_LATE,
	EFFECT_NOTHING, /* the event carries no state */
};

/* Handle an event of this instance or of its group. */
enum instance_effect instance_receive(struct instance *i, const struct instance_event *event,
				      usec_t now);

/* Merge OTHER, the state as another process has recorded it: it counts if its newest event is
 * newer than ours. Returns whether the state changed. */
bool instance_take_newer(struct instance *i, const struct instance *other);

/* Lines of the FIFO, the newest ones, may have been lost: until the next line, scripts count as
 * if there had been no lines. */
void instance_fifo_lost(struct instance *i);

/* Report whether the decoy is there, as just read from the kernel. */
void instance_see_decoy(struct instance *i, bool there, usec_t now);

/* The decoy has gone, or come (CAME), or may have; instance_see_decoy() follows later. Scripts
 * started before NOW report an older state. */
void instance_decoy_moved(struct instance *i, bool came, usec_t now);

/* Forget the decoy: it is no longer configured, was changed, or a stale one was removed. The next
 * one counts once it has been seen. */
void instance_forget_decoy(struct instance *i);

/* How long the decoy may be missing after keepalived reported MASTER. It is normally there before
 * that, but a reload may be in progress. */
#define INSTANCE_DECOY_WAIT (2 * USEC_PER_SEC)

/* Whether keepalived reports MASTER and the decoy, if the instance HAS one, is missing:
 * keepalived.conf does not have it, or keepalived refused it. *RET_WHEN: when to ask again, or
 * USEC_NEVER. */
bool instance_decoy_is_missing(const struct instance *i, bool has, usec_t now, usec_t *ret_when);

/* How many of the instance's addresses are there. */
enum instance_presence {
	PRESENT_NONE,
	PRESENT_SOME,
	PRESENT_ALL,
};

enum instance_action {
	ACTION_NONE,
	ACTION_ADD, /* those that are missing */
	ACTION_DEL, /* those that are there */
};

/* What to do NOW if PRESENT of the addresses are there. *RET_WHEN: when to ask again even if
 * nothing happens; USEC_NEVER: not at all. */
enum instance_action instance_next(struct instance *i, const struct instance_policy *policy,
				   enum instance_presence present, usec_t now, usec_t *ret_when);

/* What the state asks for, whenever it can be done; ACTION_NONE: nothing. */
enum instance_action instance_wants(const struct instance *i, const struct instance_policy *policy);

/* An operation begins. */
void instance_begin(struct instance *i, usec_t now);

/* The operation has ended, and at least one address is not as it should be. Returns whether to
 * report it: the 1st, 2nd, 4th, 8th … failed attempt. */
bool instance_failed(struct instance *i);

/* The cause of a failure may be gone: try again soon. */
void instance_hurry(struct instance *i);

/* Check the addresses again as if the state had just been entered. */
void instance_unsettle(struct instance *i);

#define INSTANCE_TEXT_MAX (4 * INSTANCE_NAME_MAX + 256)

/* Format what has to outlive the process as one line without newline. Returns BUF. */
const char *instance_format(const struct instance *i, const char *name,
			    char buf[INSTANCE_TEXT_MAX]);

/* Parse such a line if it is the one of NAME; times after NOW are cut to NOW. Returns 0; -ENOENT:
 * it is the line of another instance; -EINVAL: malformed. */
int instance_parse(struct instance *ret, const char *line, const char *name, usec_t now);
