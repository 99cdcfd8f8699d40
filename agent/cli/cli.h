/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every command has: the options of the command line, the settings, and how a run and a
 * usage error are made of them. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/os.h"
#include "base/kernel.h"
#include "base/request.h"
#include "base/settings.h"
#include "kernel/kernel_real.h"
#include "move/run.h"

/* Options that begin with a dash. They may stand anywhere among the words; "--"
 * ends them. */

/* Which commands an option goes with. */
enum option_scope {
	SCOPE_ANY = 0,
	SCOPE_MOVE = 1 << 0, /* commands that change addresses, or plan it */
	SCOPE_RECOVER = 1 << 1,
	SCOPE_LVS = 1 << 2,
	SCOPE_DOCTOR = 1 << 3,
	SCOPE_LOCAL = 1 << 4, /* commands that can do without the daemon */
	SCOPE_JSON = 1 << 5,  /* commands whose result can be JSON */
	SCOPE_ISOLATE = 1 << 6,
	SCOPE_HISTORY = 1 << 7,
	SCOPE_STATUS = 1 << 8,
	SCOPE_IMPORT = 1 << 9,
};

struct options {
	bool json, verbose, local, stale, check, watch, help, version, plan, undo, prepare, patch;
	const char *config; /* NULL: not given */
	const char *socket;
	const char *netns;
	const char *keepalived;	   /* the file to check */
	const char *output;	   /* the file to make */
	const char *since, *until; /* as given; NULL: not */
	usec_t timeout;		   /* 0: not given */
	struct request move;	   /* options of a move: see request_option() */
	unsigned given;		   /* bits: see options_misplaced() */
};

/* Split ARGV (without the program's name) into options and WORDS, which has
 * room for ARGC. Returns 0 or -EINVAL with *RET_ERROR naming the argument, and of *RET only
 * whether JSON was asked for. */
int options_parse(int argc, char *argv[], struct options *ret, char *words[], int *ret_n_words,
		  struct request_error *ret_error);

/* The name of an option of O that does not go with a command of SCOPES; NULL: all do. */
const char *options_misplaced(const struct options *o, unsigned scopes);

/* The options that go with a command of SCOPES, one per line, for --help. */
void options_help(unsigned scopes, FILE *out);

/* The value of --netns, in help and completion. */
#define NETNS_VALUE "NAME|PATH"

/* The name of the value of the option ARG (as on the command line). NULL: it
 * takes none, ARG has it already ("--x=y"), or there is no such option. */
const char *option_value_name(const char *arg);

/* Print to OUT the long names of the options that begin with PREFIX and go with
 * a command of SCOPES, one per line. */
void options_offer(const char *prefix, unsigned scopes, FILE *out);

/* What every command gets, and what a command is. */

struct cli;

struct command {
	const char *name;
	/* Returns the exit code. ARGV: the words after the command's name. */
	int (*run)(struct cli *cli, int argc, char *argv[]);
	unsigned scopes; /* of the options that it accepts, besides those for all commands */
	bool changes;	 /* its exit code reports what happened to an address */
	const char *arguments;
	const char *help;    /* one line */
	const char *details; /* lines for "COMMAND --help"; may be NULL */
	bool without_config; /* it runs although the configuration cannot be read */
	const char *alias;   /* another name, not listed; may be NULL */
	bool needs_no_netns; /* it asks the daemon, or reads files: nothing of a network namespace
			      */
};

/* What every command gets. */
struct cli {
	struct options options;
	struct settings settings;
	uint64_t seed;
	char boot_id[BOOT_ID_MAX];
	struct lvs_map *lvs_map;	/* owned; NULL: not loaded yet */
	const struct command *commands; /* all there are, ended by one without a name */
	bool outside; /* the network namespace was not entered, which is not permitted */
};

/* The one of COMMANDS that WORD names or uniquely abbreviates. Returns 0 or -EINVAL with *RET_ERROR
 * naming the word. */
int command_find(const struct command *commands, const char *word, const struct command **ret,
		 struct request_error *ret_error);

/* The environment of a run on KERNEL. */
struct run_env cli_run_env(const struct cli *cli, struct kernel kernel);

/* The same for a run that moves an address: with the map of LVS services. */
struct run_env cli_move_env(struct cli *cli, struct kernel kernel);

DEFINE_CLEANUP(struct kernel_real, kernel_real_free)
