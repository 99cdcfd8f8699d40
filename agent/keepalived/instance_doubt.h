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

/* Event E came, and contradicts the decoy. */
void doubt_raise(struct instance_doubt *d, const struct instance_event *e, usec_t now);

/* Event E came, and agrees with the decoy: it ends a doubt that is not newer. */
void doubt_settle(struct instance_doubt *d, const struct instance_event *e);

/* Whether the decoy is proven wrong by NOW. If not, *RET_WHEN: when to ask again; USEC_NEVER:
 * there is no doubt. */
bool doubt_is_proven(struct instance_doubt *d, usec_t now, usec_t *ret_when);
