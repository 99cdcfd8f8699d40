/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs iptables-save and iptables-restore and the like, in the variant
 * ("-legacy", "-nft", or "" where there is but one) that is meant. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/program.h"
#include "kernel/chains.h"

/* Has ip_tables itself any table in this network namespace? Then the node's rules
 * are there, not in nf_tables. */
bool xtables_in_use(void);

/* Has it TABLE? */
bool xtables_has(uint8_t family, const char *table);

/* VARIANT where the programs come in several, "" where there is but one. */
const char *xtables_variant(const char *variant);

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
