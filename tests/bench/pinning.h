/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pin stage, run for real or only to learn what it would send. */
#pragma once

#include "snapshot.h"
#include "tape.h"

struct kernel_real;

struct pinning {
	struct bench *bench;
	struct kernel_real *real; /* sockets of its own: nobody else listens to events */
	struct kernel before;
	struct report report;
	struct run run;
};

/* Begin a run that has its snapshot and pins next, with all the time it wants;
 * LISTEN to events, as a real run does. To be released by pinning_end()
 * whatever is returned. */
int pinning_begin(struct pinning *p, struct bench *b, bool listen);
void pinning_end(struct pinning *p);

/* Have the stage send to T instead of to the kernel, and believe that all went
 * well. The run is as before afterwards. */
int pinning_rehearse(struct pinning *p, struct tape *t);

/* Run the stage. -EBADMSG when it left an entry unpinned. */
int pinning_perform(struct pinning *p);
