/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold in iptables' table mangle, both families. */
#pragma once

#include <stdbool.h>

#include <vipsafe/kernel.h>

struct hold_iptables;

/* As hold_open(). */
int hold_iptables_open(const struct link *link, struct hold_iptables **ret,
		       char reason[REPORT_TEXT_MAX]);
struct hold_iptables *hold_iptables_close(struct hold_iptables *h);

/* Rounds up to whole seconds. Without ipset in the kernel this starts the
 * program once per family. */
int hold_iptables_arm(struct hold_iptables *h, usec_t duration);

/* Remove chains and sets of devices that are WANTED. Returns how many chains,
 * or an error. Starts no program when there cannot be any. */
int hold_iptables_clean(bool (*wanted)(void *ud, int ifindex), void *ud);
