/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pin stage, run for real or only to learn what it would send. */
#pragma once

#include "snapshot.h"
#include "tape.h"

/* WORK with sockets of its own, so that nobody listens to events any more
 * afterwards. */
int pinning_apart(struct bench *b, int (*work)(struct bench *b));

/* Begin a run that has its snapshot and pins next, with all the time it wants.
 * To be released by run_end() whatever is returned. */
int pinning_begin(struct bench *b, struct run *run, struct report *report);

/* Have the stage send to T instead of to the kernel, and believe that all went
 * well. RUN is as before afterwards. */
int pinning_rehearse(struct run *run, struct tape *t);

/* Run the stage. -EBADMSG when it left an entry unpinned. */
int pinning_perform(struct run *run);
