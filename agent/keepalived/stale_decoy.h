/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removes a decoy that keepalived left behind, after this has been proven
 * (keepalived/instance_doubt.h). */
#pragma once

#include "base/kernel.h"

#include "keepalived/instance_settings.h"

/* Remove DECOY. keepalived set it for vipsafe only, and no longer knows of it. If keepalived
 * becomes MASTER at this moment the decoy is missing, but keepalived then reports MASTER as well.
 * Removed is only an address as in vipsafe.conf, permanent, on lo or DECOY_DEVICE, and with the
 * full prefix length, so that no other address goes with it. Returns 0; -ENOENT: it is not there;
 * -EPERM: it is not certain to be the decoy. */
int stale_decoy_remove(const struct kernel *k, const struct instance_address *decoy);
