/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conntrack table, with what the marks of guards in the run directory tell of each entry: for
 * commands that do without the daemon. */
#pragma once

#include "base/kernel.h"
#include "cli/cli.h"
#include "guard/guard.h"

/* One entry. DEVICE: the device of the node whose address it is translated to; NULL: none, and its
 * protection is NONE. A negative return value ends the listing and is passed on. */
typedef int (*local_sink)(void *ud, const struct kernel *k, const struct conn_record *record,
			  const char *device, enum protection p);

/* Hand over each entry; DEVICE: only what is translated to its addresses, "" for all. Returns 0,
 * what SINK did, -EINTR: some may be missing, -ENODEV, or why the table cannot be read. */
int local_table(const struct cli *cli, const char *device, local_sink sink, void *ud);
