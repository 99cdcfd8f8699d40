/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The resets in iptables' table filter, where alone REJECT may stand: one
 * chain per device, entered from FORWARD and OUTPUT, with a rule per flow. Its
 * first rule returns once the wall clock has passed the end (xt_time, whole
 * seconds), so that what is left costs next to nothing and does nothing. */
#pragma once

#include "kernel/reset.h"

#define RESET_CHAIN_PREFIX "VIPSAFE-RESET-"

/* A packet is compared with one rule after the other. */
#define RESET_RULES_MAX 2048

/* -E2BIG: N is larger than RESET_RULES_MAX. Any failure may come with a line
 * in REASON. */
int reset_iptables_install(int ifindex, const struct reset_match *m, size_t n, usec_t duration,
			   usec_t deadline, char reason[REPORT_TEXT_MAX]);

/* Remove the chains whose time is over. As below. */
int reset_iptables_clean_ended(usec_t deadline);

/* Remove the chains of devices that are WANTED. Returns how many, or an error.
 * Starts no program when there cannot be any. */
int reset_iptables_clean(bool (*wanted)(void *ud, int ifindex), void *ud, usec_t deadline);
