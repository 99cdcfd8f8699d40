/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output of the commands, as text or JSON. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/report.h"
#include "cli/cli.h"

void render_report(const struct report *r, const struct options *o, FILE *out, FILE *err);

/* Print VALUE as one line; the reference is taken over. VALUE NULL: out of memory. An object gets
 * an "id", the "time" and the "version" of the program, unless it has its own. */
void render_json(json_t *value, FILE *out, FILE *err);

/* The same for a line of JSON that the daemon has sent; NULL: it has sent none. */
void render_line(const char *line, FILE *out, FILE *err);

/* Reports to others what a run without the daemon did: the log and the history. */
/* Does nothing for a dry run. If the log has no room, ERR says so; other errors of log and
 * history are ignored. */
void cli_publish(const struct cli *cli, const struct report *r, FILE *err);

/* Print "vipsafe: " and one line to ERR; characters that are not printable are escaped. */
void cli_complain(FILE *err, const char *fmt, ...) _printf_(2, 3);

/* The terminal of an output. */
/* The number of columns of F's terminal; 0: F is not a terminal or its width is not known: do not
 * limit lines. */
unsigned terminal_columns(FILE *f);
