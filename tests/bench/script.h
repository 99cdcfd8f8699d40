/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rounds that a shell script of this folder plays in namespaces of its own:
 *
 *	SCRIPT ENTRIES ROUNDS
 *
 * prints for each way and round a line "WAY KEY=NUMBER ...". */
#pragma once

#include "bench.h"

#define SCRIPT_ROUNDS_MAX 16

/* What is printed of one way, one line per round. */
struct way {
	const char *name;
	const char *label; /* in the table, beside others */
	char lines[SCRIPT_ROUNDS_MAX][1024];
	size_t n;
};

/* Whether the scripts can be found, and the conntrack program that they need. WHAT is then not
 * measured, and that is said. */
bool script_is_here(const struct bench *b, const char *what);

/* Have the script NAME play ROUNDS, and take what it prints of the N WAYS, whose names are set.
 * 0 only if each has that many lines. The script dies with this process. */
int script_run(const struct bench *b, const char *name, unsigned rounds, struct way *ways,
	       size_t n);

/* KEY=NUMBER in LINE. -1: not there. */
double script_value(const char *line, const char *key);

/* A row with KEY of each round, divided by SCALE. PEERS: what has it as well, or NULL. */
void script_add(const struct bench *b, struct score item, const char *key, const struct way *ours,
		const struct way *peers, double scale);

/* Run the program ARGV[0] in a session of its own, and write into FILE how many microseconds
 * it took, from the fork to its end. Returns its exit code. */
int script_time(const char *file, char *argv[]);
