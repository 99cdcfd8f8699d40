/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A word of keepalived's that its decoy contradicts. keepalived adds the decoy
 * before it says MASTER and removes it before it says anything else: if it says
 * nothing else soon, it is the decoy that is wrong.
 *   there, but not MASTER: a stale one. keepalived 1.3.6 to 2.0.12 leave it behind
 *     when they are killed, and say BACKUP when they have been started again.
 *   MASTER, but not there: keepalived is not configured to set it any more, or
 *     refuses it. */
#pragma once

#include <stdbool.h>

#include "keepalived/instance_event.h"

/* How long another word is waited for. */
#define DOUBT_WAIT (1 * USEC_PER_SEC)
/* Who asks so late was stopped himself: words may still lie unread. */
#define DOUBT_LATE (300 * USEC_PER_MSEC)

struct instance_doubt {
	enum instance_state said; /* UNKNOWN: there is no doubt */
	enum instance_source source;
	usec_t stamp; /* of the word */
	usec_t due;   /* when it is proven unless something else is said */
	bool extended;
};

/* The word E came, which the decoy contradicts. */
void doubt_raise(struct instance_doubt *d, const struct instance_event *e, usec_t now);

/* The word E came, which agrees with the decoy: it ends a doubt that is not newer. */
void doubt_settle(struct instance_doubt *d, const struct instance_event *e);

/* Whether the decoy is proven wrong by NOW. If not, *RET_WHEN: when to ask
 * again; USEC_NEVER: there is no doubt. */
bool doubt_is_proven(struct instance_doubt *d, usec_t now, usec_t *ret_when);
