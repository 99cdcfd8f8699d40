/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains of ours in a table of iptables, one per device: found in what iptables-save prints,
 * with the jumps that enter them, and the script that removes both; pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/program.h"

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

/* The programs iptables-save and iptables-restore and the like, in the variant
 * ("-legacy", "-nft", or "" where there is but one) that is meant. */
/* Has ip_tables itself any table in this network namespace? Then the node's rules
 * are there, not in nf_tables. */
bool xtables_in_use(void);

/* Has it TABLE? */
bool xtables_has(uint8_t family, const char *table);

/* VARIANT where the programs come in several, "" where there is but one. */
const char *xtables_variant(const char *variant);

/* The variant to make rules with: that in which the node's own rules are, and none that
 * keeps them in nf_tables where their chains would see all namespaces (nft_sees_all()).
 * -EOPNOTSUPP: see REASON. */
int xtables_choose(const char **ret_variant, char reason[PROGRAM_ERROR_MAX]);

/* Is there a program that restores? If not, REASON says which is missing. */
int xtables_find(uint8_t family, const char *variant, char reason[PROGRAM_ERROR_MAX]);

/* Run SCRIPT until DEADLINE (monotonic) at the latest. Errors as of program_run();
 * ERROR is what the program said. */
int xtables_restore(uint8_t family, const char *variant, const char *script, usec_t deadline,
		    char error[PROGRAM_ERROR_MAX]);

/* Call LINE with each line of TABLE as it is saved. */
int xtables_save(uint8_t family, const char *variant, const char *table,
		 void (*line)(void *ud, const char *line), void *ud, usec_t deadline,
		 char error[PROGRAM_ERROR_MAX]);

/* Take out those of the devices that are WANTED from the rules of FAMILY, with the programs of
 * VARIANT. Returns the number of chains removed, or an error. */
int xtables_remove(const struct chains_kind *kind, uint8_t family, const char *variant,
		   bool (*wanted)(void *ud, int ifindex), void *ud, usec_t deadline);

/* The same for both families, in ip_tables and where iptables keeps them in nf_tables.
 * Starts no program when there cannot be any. */
int xtables_clean(const struct chains_kind *kind, bool (*wanted)(void *ud, int ifindex), void *ud,
		  usec_t deadline);
