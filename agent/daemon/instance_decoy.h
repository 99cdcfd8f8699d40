/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of the decoys. Private to instances.c. */
#pragma once

#include "daemon/instance_work.h"

/* Have the device for decoys, if one is to be on it. */
void decoys_begin(const struct instance_context *s);

/* The kernel has told of A: GONE or come. */
void decoys_note(const struct instance_context *s, const struct ifaddr *a, bool gone);

/* Whether one is proven stale now, unless what lies unread says otherwise. */
bool decoys_are_doubted(const struct instance_context *s, usec_t now);

/* Tell of what does not work with the one of W, remove it when it is stale, and
 * say when to call again. */
usec_t decoy_step(struct instance_context *s, struct instance_work *w, usec_t now);
