/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The status as far as it can be seen without the daemon. */
#pragma once

#include "cli/cli.h"
#include "show/status.h"

/* Called with it; valid during the call. */
typedef void (*status_local_user)(void *ud, const struct status *s);

/* Look at the node: the devices of the configuration, of which none is guarded, the addresses, what
 * keepalived last reported, as the run directory and the decoys tell, and the last operations. */
void status_local(const struct cli *cli, unsigned columns, status_local_user fn, void *ud);
