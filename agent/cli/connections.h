/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of connections, for other commands as well. */
#pragma once

#include "cli/cli.h"

/* Print what "vipsafe connections ARGV" prints. OR_LOCAL: of a device that the daemon does not
 * guard print what the table itself shows, instead of refusing. Returns the exit code. */
int connections_list(const struct cli *cli, bool or_local, int argc, char *argv[]);
