/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else is told what a run did here, without the daemon: the log and the
 * history. */
#pragma once

#include "cli/commands.h"

/* Nothing for a plan. That the log has no room is said to ERR; other failures are
 * nobody's business any more. */
void cli_publish(const struct cli *cli, const struct report *r, FILE *err);

/* "vipsafe: " and one line, in which what came from outside is escaped. */
void cli_complain(FILE *err, const char *fmt, ...) _printf_(2, 3);
