/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One add or del as a part of a larger command. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "cli/cli.h"

struct move_part {
	int exit_code;
	json_t *result; /* as "vipsafe --json add" prints it; the caller's. NULL: there is none */
};

/* The request that the options of the command line make, without the words. */
struct request move_request(const struct cli *cli, enum op op, bool plan);

/* Do what REQ asks, whose words after the operation are WORDS: by the daemon if there is one,
 * unless LOCAL. Messages that are not in the result go to ERR. Returns what the two functions
 * below need; NULL: out of memory. */
struct move *move_part_run(struct cli *cli, const struct request *req, char *const words[],
			   int n_words, bool local, FILE *err, struct move_part *ret);

/* What follows after the caller has its answer. */
void move_part_after(struct move *m);
struct move *move_part_free(struct move *m);
