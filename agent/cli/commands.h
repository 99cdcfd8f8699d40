/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of vipsafe: the table they are in. */
#pragma once

#include <stdio.h>

#include "cli/cli.h"

/* Ended by one without a name. */
extern const struct command commands[];

/* Print the help on one command, or (NULL) on all, as text or JSON. Returns the exit code. */
int command_help_show(const struct options *o, const struct command *c);

/* The first thing to read: without arguments. */
void command_usage_short(FILE *out);

int command_add(struct cli *cli, int argc, char *argv[]);
int command_connections(struct cli *cli, int argc, char *argv[]);
int command_del(struct cli *cli, int argc, char *argv[]);
int command_doctor(struct cli *cli, int argc, char *argv[]);
int command_explain(struct cli *cli, int argc, char *argv[]);
int command_help_words(struct cli *cli, int argc, char *argv[]);
int command_history(struct cli *cli, int argc, char *argv[]);
int command_isolate(struct cli *cli, int argc, char *argv[]);
int command_import(struct cli *cli, int argc, char *argv[]);
int command_notify(struct cli *cli, int argc, char *argv[]);
int command_lvs(struct cli *cli, int argc, char *argv[]);
int command_metrics(struct cli *cli, int argc, char *argv[]);
int command_plan(struct cli *cli, int argc, char *argv[]);
int command_probe(struct cli *cli, int argc, char *argv[]);
int command_recover(struct cli *cli, int argc, char *argv[]);
int command_reload(struct cli *cli, int argc, char *argv[]);
int command_status(struct cli *cli, int argc, char *argv[]);
int command_version(struct cli *cli, int argc, char *argv[]);
int command_watch(struct cli *cli, int argc, char *argv[]);
