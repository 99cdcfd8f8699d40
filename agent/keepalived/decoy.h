/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decoys: rules for those of all instances and the device for them, and which ones a keepalived
 * that was killed has left behind. */
#pragma once

#include "base/kernel.h"
#include "keepalived/instance_settings.h"

/* Rules for the decoys of all instances, and the device for them. */

/* The dummy device for decoys: keepalived before 1.3.6 refuses addresses on lo. It is created if
 * a decoy is to be on it. */
#define DECOY_DEVICE "vipsafe-decoy"

/* Check that the decoys can show the state of their instances and do no harm: each instance has
 * its own, none is on a guarded device, none is an address of an instance. Their devices must be
 * known already. Returns 0, or -EINVAL with *RET_ERROR filled. */
int decoys_check(const struct settings *s, struct request_error *ret_error);

/* Whether DECOY_DEVICE has to exist. */
bool decoys_need_device(const struct settings *s);

/* Removes a decoy that keepalived left behind, after this has been proven
 * (keepalived/instance.h). */
/* Remove DECOY. keepalived set it for vipsafe only, and no longer knows of it. If keepalived
 * becomes MASTER at this moment the decoy is missing, but keepalived then reports MASTER as well.
 * Removed is only an address as in vipsafe.conf, permanent, on lo or DECOY_DEVICE, and with the
 * full prefix length, so that no other address goes with it. Returns 0; -ENOENT: it is not there;
 * -EPERM: it is not certain to be the decoy. */
int stale_decoy_remove(const struct kernel *k, const struct instance_address *decoy);
