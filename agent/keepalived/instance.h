/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keepalived wants of one instance, put together from what is told twice,
 * late, out of order or not at all, and when something is to be done about it.
 *
 * Which word counts, the strongest first:
 *   decoy   an address keepalived adds when it becomes MASTER and removes before
 *           it says anything else. Once it was seen, MASTER is where it is, and
 *           other words only tell which of the other states it is; unless it is
 *           proven wrong (keepalived/instance_doubt.h): then it counts for nothing.
 *   FIFO    a line: in order among themselves.
 *   hook    a script: the newest stamp wins. A script of what a line has told
 *           already may begin up to INSTANCE_HOOK_LATE after the line. */
#pragma once

#include <stdbool.h>

#include "keepalived/instance_doubt.h"
#include "keepalived/instance_event.h"

#define INSTANCE_HOOK_LATE (1 * USEC_PER_SEC)
/* What the time at which a script was started is known to. */
#define INSTANCE_HOOK_TICK (10 * USEC_PER_MSEC)
/* Where the policies differ, how long the word is waited for that tells why an
 * instance is MASTER no more. */
#define INSTANCE_WORD_WAIT (300 * USEC_PER_MSEC)
/* Between operations: the second follows the first by this, each one soon
 * after by twice as much, up to the maximum. */
#define INSTANCE_GAP (100 * USEC_PER_MSEC)
#define INSTANCE_GAP_MAX (800 * USEC_PER_MSEC)
#define INSTANCE_QUIET (2 * USEC_PER_SEC) /* without one: the next is a first again */
#define INSTANCE_RETRY_MAX (60 * USEC_PER_SEC)
/* Who takes an address away again and again is not fought. */
#define INSTANCE_FIGHT_MAX (60 * USEC_PER_SEC)

/* What is done when a state is entered. */
struct instance_policy {
	bool is_ours; /* the addresses are ours to add and to delete */
	bool add;     /* when MASTER */
	bool del_backup, del_fault, del_stop;
};

struct instance {
	enum instance_state state;
	enum instance_source source; /* of the state */
	usec_t stamp;		     /* of the newest word that counted; 0: none */
	usec_t fifo_stamp;	     /* of the newest line; 0: none, or lines were lost */
	usec_t since;		     /* in this state */
	bool settled;		     /* what the state wants has been seen done */
	bool active;		     /* was in another state than STOP before it */
	bool decoy_seen, decoy_there;
	bool decoy_stale;   /* it is there, but not as keepalived's */
	bool decoy_looked;  /* it has been looked for */
	usec_t decoy_since; /* seen to come or go; 0: it was there before */
	bool left_behind;   /* since it was MASTER a stale one was found */
	struct instance_doubt doubt;
	bool guessed; /* the decoy has gone and nobody has said why yet */

	usec_t began; /* the last operation; 0: none yet */
	unsigned streak, tries, fights;
	usec_t fought;
	struct instance_counters {
		uint64_t changes, duplicates, late, silent; /* of events */
		uint64_t operations;
		uint64_t failures; /* operations that left an address where it was */
		uint64_t stale;	   /* decoys */
		uint64_t foreign;  /* addresses gone that we did not delete */
	} counters;
};

enum instance_effect {
	EFFECT_CHANGE,
	EFFECT_DUPLICATE,
	EFFECT_LATE,
	EFFECT_NOTHING, /* it tells of no state */
};

/* Take note of what was said; EVENT is of this instance or of its group. */
enum instance_effect instance_receive(struct instance *i, const struct instance_event *event,
				      usec_t now);

/* What another process has heard meanwhile, as it wrote it down in OTHER: its newest word
 * counts if it is newer than our own. Returns whether it is another state. */
bool instance_take_newer(struct instance *i, const struct instance *other);

/* Lines of the FIFO may have been lost, the newest ones: until the next one
 * scripts count as if there had been none. */
void instance_fifo_lost(struct instance *i);

/* Whether the decoy is there, as the kernel says now. */
void instance_see_decoy(struct instance *i, bool there, usec_t now);

/* The decoy has gone, or CAME, or may have; whether it is there is seen later.
 * Scripts that were started before speak of what was. */
void instance_decoy_moved(struct instance *i, bool came, usec_t now);

/* It has none any more, or another one; or a stale one was removed: the next
 * one counts when it has been seen. */
void instance_forget_decoy(struct instance *i);

/* How long the decoy may be missing after keepalived said MASTER: it is there
 * before that, but a reload may be under way. */
#define INSTANCE_DECOY_WAIT (2 * USEC_PER_SEC)

/* Whether keepalived is MASTER by its words, and its decoy, if it HAS one, is not
 * there: it is not configured, or keepalived has refused it. *RET_WHEN: when to
 * ask again, or USEC_NEVER. */
bool instance_decoy_is_missing(const struct instance *i, bool has, usec_t now, usec_t *ret_when);

/* How many of the instance's addresses are there. */
enum instance_presence {
	PRESENT_NONE,
	PRESENT_SOME,
	PRESENT_ALL,
};

enum instance_action {
	ACTION_NONE,
	ACTION_ADD, /* what is not there */
	ACTION_DEL, /* what is there */
};

/* What is to be done NOW with addresses of which PRESENT are there. *RET_WHEN:
 * when to ask again although nothing new is heard or seen; USEC_NEVER. */
enum instance_action instance_next(struct instance *i, const struct instance_policy *policy,
				   enum instance_presence present, usec_t now, usec_t *ret_when);

/* What the state wants, whenever it can be done; ACTION_NONE: nothing. */
enum instance_action instance_wants(const struct instance *i, const struct instance_policy *policy);

/* An operation begins. */
void instance_begin(struct instance *i, usec_t now);

/* It has ended, and at least one address is not where it should be. Returns
 * whether that is news after so many tries: told each time that they double. */
bool instance_failed(struct instance *i);

/* What made an operation fail may be over: try again soon. */
void instance_hurry(struct instance *i);

/* The addresses, or somebody else's work on them, are to be looked at as if
 * the state had just been entered. */
void instance_unsettle(struct instance *i);

#define INSTANCE_TEXT_MAX (4 * INSTANCE_NAME_MAX + 256)

/* What has to outlive the process, as one line without newline. Returns BUF. */
const char *instance_format(const struct instance *i, const char *name,
			    char buf[INSTANCE_TEXT_MAX]);

/* Read it back if it is the line of NAME; times after NOW are not believed.
 * -ENOENT: it is another's; -EINVAL: it is none. */
int instance_parse(struct instance *ret, const char *line, const char *name, usec_t now);
