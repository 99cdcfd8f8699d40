/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold by iptables and an ip_set, on nodes that have no nf_tables of their own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/kernel.h"

/* Table mangle as iptables keeps it in nf_tables: read without starting a program, and
 * removed again if iptables made it for our rules. */

struct hold_mangle {
	bool exists;
	unsigned base_chains; /* a bit for each of iptables' own that is there */
};

/* Look at mangle of FAMILY. -EAGAIN: others change it all the time, and RET may be incomplete. */
int hold_mangle_look(uint8_t family, struct hold_mangle *ret);

/* iptables makes the table and its own chains with the first rule, and leaves
 * them behind: remove those that were not there BEFORE and are empty. -EBUSY:
 * one of them is not empty, and all stay. */
int hold_mangle_undo(uint8_t family, const struct hold_mangle *before);

/* The hold in iptables' table mangle, both families. */

struct hold_iptables;

/* As hold_open(): -EOPNOTSUPP without ipset in the kernel. DEADLINE is for all programs that are
 * run, here and below. With an error *RET is what hold_iptables_close() has still to remove, or
 * NULL. */
int hold_iptables_open(const struct link *link, usec_t deadline, struct hold_iptables **ret,
		       char reason[REPORT_TEXT_MAX]);
int hold_iptables_close(struct hold_iptables *h, usec_t deadline);
void hold_iptables_forget(struct hold_iptables *h); /* free it, but leave the rules */

/* Rounds up to whole seconds. These three start no program. */
int hold_iptables_arm(struct hold_iptables *h, usec_t duration);
int hold_iptables_disarm(struct hold_iptables *h);
int hold_iptables_check(struct hold_iptables *h);

/* A hold as one process of this program hands it to another, as plain bytes: what
 * is a pointer points into the program itself. */
struct hold_iptables_image {
	int ifindex;
	char device[LINK_NAME_MAX];
	const char *variant;
	bool ipv6, has_sets, left;
	struct hold_mangle before[2];
};

void hold_iptables_give(const struct hold_iptables *h, struct hold_iptables_image *ret);
int hold_iptables_adopt(const struct hold_iptables_image *image, struct hold_iptables **ret);

/* Remove chains and sets of devices that are WANTED. Returns how many chains,
 * or an error. Starts no program when there cannot be any. */
int hold_iptables_clean(bool (*wanted)(void *ud, int ifindex), void *ud, usec_t deadline);
