/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decoys of all instances: what they may be, and the device for them. */
#pragma once

#include "keepalived/instance_settings.h"

/* A dummy device of this name is made for decoys that are to be on it:
 * keepalived before 1.3.6 refuses addresses of lo. */
#define DECOY_DEVICE "vipsafe-decoy"

/* Whether the decoys, whose devices are known by now, can tell of their
 * instances and harm nobody: each its own, not on a guarded device, and no
 * address of any instance. Returns 0, or -EINVAL with *RET_ERROR filled. */
int decoys_check(const struct settings *s, struct request_error *ret_error);

/* Whether DECOY_DEVICE has to be there. */
bool decoys_need_device(const struct settings *s);
