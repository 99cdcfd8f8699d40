/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Table mangle as iptables keeps it in nf_tables: read without starting a program, and
 * removed again if iptables made it for our rules. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct hold_mangle {
	bool exists;
	unsigned base_chains; /* a bit for each of iptables' own that is there */
};

/* Look at mangle of FAMILY. */
int hold_mangle_look(uint8_t family, struct hold_mangle *ret);

/* iptables makes the table and its own chains with the first rule, and leaves
 * them behind: remove those that were not there BEFORE and are empty. -EBUSY:
 * one of them is not empty, and all stay. */
int hold_mangle_undo(uint8_t family, const struct hold_mangle *before);
