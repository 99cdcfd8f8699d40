/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe lvs: what its parts share. */
#pragma once

#include "cli/cli.h"
#include "lvs/evidence.h"
#include "lvs/map.h"
#include "lvs/remedy.h"
#include "lvs/scan.h"

/* Print M with the origin of each service. Returns the exit code. */
int lvs_map_show(const struct cli *cli, const struct lvs_map *m);

/* Take over a service from the words of the command line. 0, -ENOMEM or -EINVAL with E filled. */
#define LVS_HOW_TO_DESCRIBE "vipsafe lvs check vip A:P real B:P[,B:P] [method M] [toa T]"
int lvs_given(struct cli *cli, int argc, char *argv[], struct request_error *e);

struct lvs_crossed {
	struct lvs_crossing crossing;
	bool explained; /* by a service of the map */
};

/* Sections that describe the services of those that are not explained; to be freed. NULL: there
 * are none. */
char *lvs_keep(const struct lvs_crossed *list, size_t n);

/* Learn for RET what a remedy depends on: the connections of SCAN, and those to the servers of
 * LIST, N crossings. SCAN must outlive it. 0 or -ENOMEM. */
struct lvs_cli_node {
	struct lvs_node node;
	struct lvs_live *live; /* owned */
	const struct cli *cli;
	const struct kernel *k;
	int nft; /* whether rules are nft's; -1: not asked yet */
};

int lvs_node_take(struct lvs_cli_node *ret, const struct cli *cli, const struct kernel *k,
		  const struct lvs_scan *scan, const struct lvs_crossed *list, size_t n);
void lvs_node_done(struct lvs_cli_node *n);
