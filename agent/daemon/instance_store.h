/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of the instances in the run directory (keepalived/instance_file.h),
 * as the daemon keeps them. Private to instances.c. */
#pragma once

#include "daemon/instance_work.h"
#include "keepalived/instance_file.h"

struct instance_store {
	bool loaded;			/* what the last daemon left has been read */
	struct instance_file_seen seen; /* the file, as we have written or read it */
	usec_t next, again;		/* while the states cannot be kept; 0: they are */
	char problem[128];		/* "": none */
};

/* Whoever was started before us has left what he knew. Once. */
void instance_store_load(struct instance_store *t, struct instance_context *s);

/* Hooks that got no answer, since we stood still, have acted themselves and written
 * down what they were told: that is not to be undone by what we knew before. Returns
 * whether there was any of it. */
bool instance_store_merge(struct instance_store *t, struct instance_context *s);

/* Keep what has changed, or what could not be kept before; after a failure not before
 * it is time. Returns what instance_store_merge() does, which comes first. */
bool instance_store_write(struct instance_store *t, struct instance_context *s);
