/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules for the decoys of all instances, and the device for them. */
#pragma once

#include "keepalived/instance_settings.h"

/* The dummy device for decoys: keepalived before 1.3.6 refuses addresses on lo. It is created if
 * a decoy is to be on it. */
#define DECOY_DEVICE "vipsafe-decoy"

/* Check that the decoys can show the state of their instances and do no harm: each instance has
 * its own, none is on a guarded device, none is an address of an instance. Their devices must be
 * known already. Returns 0, or -EINVAL with *RET_ERROR filled. */
int decoys_check(const struct settings *s, struct request_error *ret_error);

/* Whether DECOY_DEVICE has to exist. */
bool decoys_need_device(const struct settings *s);
