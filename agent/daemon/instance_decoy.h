/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work on the instances' decoys. Private to instances.c. */
#pragma once

#include "daemon/instance_work.h"

/* Make the device for decoys if an instance has its decoy on it. Errors are
 * logged. */
void decoys_begin(const struct instance_context *s);

/* The kernel reported A as added or (GONE) deleted. */
void decoys_note(const struct instance_context *s, const struct ifaddr *a, bool gone);

/* Whether a decoy counts as stale now, unless unread events or FIFO lines say
 * otherwise. */
bool decoys_are_doubted(const struct instance_context *s, usec_t now);

/* Log problems of the decoy of W, remove it if it is stale, and return when to
 * call again. */
usec_t decoy_step(struct instance_context *s, struct instance_work *w, usec_t now);
