/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold in iptables' table mangle, both families. */
#pragma once

#include <stdbool.h>

#include "base/kernel.h"

#include "kernel/hold_mangle.h"

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
