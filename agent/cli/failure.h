/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a command says that it has failed: one line on stderr and, with --json, an object on stdout,
 * so that a program that reads the one always gets something to read. */
#pragma once

#include <stdio.h>

#include "cli/cli.h"

/* Print what is wrong with the command line. Returns EXIT_USAGE. */
int command_usage(const struct options *o, const struct request_error *e);

/* Whether there are no words for a command that takes none; if there are, names one, as
 * command_usage(). */
bool command_is_bare(const struct options *o, int argc, char *argv[]);

/* Say why a command ends without its result. Returns CODE. */
int cli_fail(const struct options *o, int code, const char *fmt, ...) _printf_(3, 4);

/* The same for the part of a command that prints to OUT and ERR. */
int cli_fail_to(const struct options *o, FILE *out, FILE *err, int code, const char *fmt, ...)
	_printf_(5, 6);
