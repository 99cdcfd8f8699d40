/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains of ours in a table of iptables, one per device: found in what iptables-save prints,
 * with the jumps that enter them, and the script that removes both; pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vipsafe/base.h>

#define CHAINS_SCRIPT_MAX 4096 /* jumps of about ten devices; more are the next script's */

/* A chain is called PREFIX followed by the device's index; each jump to it ends with
 * MARK, which is a comment, and its target. */
struct chains_kind {
	const char *table, *prefix, *mark;
};

/* The undoing of all that is ours, collected line by line. Begin with all of
 * it zero but for KIND and WANTED. */
struct chains_undo {
	const struct chains_kind *kind;
	bool (*wanted)(void *ud, int ifindex);
	void *ud;
	char jumps[CHAINS_SCRIPT_MAX], chains[CHAINS_SCRIPT_MAX];
	int n;			      /* chains found */
	bool left_jumps, left_chains; /* some did not fit */
};

/* UD: the struct chains_undo. */
void chains_undo_line(void *ud, const char *line);

/* "" when there is nothing to undo. One more script is needed for what did not fit: while
 * jumps are left this one removes no chain, since iptables would refuse all of it. */
void chains_undo_script(const struct chains_undo *u, char ret[2 * CHAINS_SCRIPT_MAX + 16]);
