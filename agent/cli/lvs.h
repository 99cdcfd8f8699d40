/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe lvs: what its parts share. */
#pragma once

#include "cli/cli.h"
#include "lvs/evidence.h"
#include "lvs/forecast.h"
#include "lvs/map.h"
#include "lvs/remedy.h"
#include "lvs/said.h"
#include "lvs/scan.h"
#include "lvs/untracked.h"

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

/* What is kept from one look of lvs check to the next. */
struct lvs_watch {
	struct lvs_said *said;		 /* owned; NULL: there is one look, which prints all */
	struct lvs_evidence *evidence;	 /* owned, as are the next two */
	struct lvs_untracked *untracked; /* the sockets that are counted by looking at them */
	struct forecast *forecast;
};

/* A look that is kept for the next one: the map, and what was found with it. */
struct lvs_round {
	struct lvs_map *map; /* owned, and so is what SCAN holds */
	struct lvs_scan scan;
};

int lvs_watch_init(struct lvs_watch *w); /* 0 or -ENOMEM; to be given to lvs_watch_done() */
void lvs_watch_done(struct lvs_watch *w);
void lvs_round_done(struct lvs_round *r);

/* Count what was opened since the look BEFORE, and take over what that holds. If the map has
 * changed or BEFORE is NULL, counting begins. 0 or -ENOMEM. */
int lvs_watch_count(struct lvs_watch *w, const struct kernel *k, const struct lvs_settings *s,
		    const struct lvs_round *before, struct lvs_round *now);

/* Look at the sockets until it is time for a look at everything (0), or FD is readable (1). */
int lvs_watch_wait(struct lvs_watch *w, const struct kernel *k, const struct lvs_settings *s,
		   int fd, struct lvs_round *now);
