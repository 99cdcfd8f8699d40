/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A decoy that keepalived left behind, and that is proven to be
 * (keepalived/instance_doubt.h). */
#pragma once

#include "base/kernel.h"

#include "keepalived/instance_settings.h"

/* Take DECOY away. keepalived has set it, for nobody but us, and does not know of
 * it any more; one that is taken away while keepalived becomes MASTER is missed by
 * nobody: keepalived then says MASTER, too. Only what is as vipsafe.conf says, on
 * lo or DECOY_DEVICE, for ever, and takes no other address along.
 * -ENOENT: it is not there; -EPERM: it is not sure to be the decoy. */
int stale_decoy_remove(const struct kernel *k, const struct instance_address *decoy);
