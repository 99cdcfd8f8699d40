/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports to others what a run without the daemon did: the log and the history. */
#pragma once

#include "cli/cli.h"

/* Does nothing for a dry run. If the log has no room, ERR says so; other errors of log and
 * history are ignored. */
void cli_publish(const struct cli *cli, const struct report *r, FILE *err);

/* Print "vipsafe: " and one line to ERR; characters that are not printable are escaped. */
void cli_complain(FILE *err, const char *fmt, ...) _printf_(2, 3);
