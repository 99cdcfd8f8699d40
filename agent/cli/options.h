/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that begin with a dash. They may stand anywhere among the words; "--"
 * ends them. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/request.h"

/* Which commands an option goes with. */
enum option_scope {
	SCOPE_ANY = 0,
	SCOPE_MOVE = 1 << 0, /* commands that change addresses, or plan it */
	SCOPE_RECOVER = 1 << 1,
	SCOPE_LVS = 1 << 2,
	SCOPE_DOCTOR = 1 << 3,
};

struct options {
	bool json, verbose, local, stale, watch, help, version;
	const char *config; /* NULL: not given */
	const char *socket;
	const char *keepalived; /* the file to check */
	usec_t timeout;		/* 0: not given */
	struct request move;	/* options of a move: see request_option() */
	unsigned scopes;	/* union of the scopes of the options given */
	const char *scoped;	/* one of them, for the error text */
};

/* Split ARGV (without the program's name) into options and WORDS, which has
 * room for ARGC. Returns 0 or -EINVAL with *RET_ERROR naming the argument. */
int options_parse(int argc, char *argv[], struct options *ret, char *words[], int *ret_n_words,
		  struct request_error *ret_error);

/* The options that go with a command of SCOPES, one per line, for --help. */
void options_help(unsigned scopes, FILE *out);

/* The name of the value of the option ARG (as on the command line). NULL: it
 * takes none, ARG has it already ("--x=y"), or there is no such option. */
const char *option_value_name(const char *arg);

/* Print to OUT the long names of the options that begin with PREFIX and go with
 * a command of SCOPES, one per line. */
void options_offer(const char *prefix, unsigned scopes, FILE *out);
