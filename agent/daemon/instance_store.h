/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of the instances in the run directory
 * (keepalived/instance_file.h), as the daemon stores them. Private to
 * instances.c. */
#pragma once

#include "daemon/instance_work.h"
#include "keepalived/instance_file.h"

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
