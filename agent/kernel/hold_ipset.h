/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ipsets of one device's hold, one per family (hash:net,iface with a
 * timeout), by netlink: the ipset program need not be there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/kernel.h"

struct hold_ipset;

/* Make the sets, or empty those a killed run left. -EOPNOTSUPP: the kernel has
 * no such sets. */
int hold_ipset_new(int ifindex, const char *device, bool ipv6, struct hold_ipset **ret);

/* The sets are there already, made by another process for us. */
int hold_ipset_adopt(int ifindex, const char *device, bool ipv6, struct hold_ipset **ret);

/* Destroy the sets; the rules that refer to them are gone. One that is still in use
 * is waited for until DEADLINE (monotonic) at most. Returns why one stays, or 0. */
int hold_ipset_free(struct hold_ipset *s, usec_t deadline);

/* Leave the sets as they are; NULL is fine. */
void hold_ipset_forget(struct hold_ipset *s);

/* In both sets, for SECONDS from now. */
int hold_ipset_arm(struct hold_ipset *s, uint32_t seconds);

/* Remove the element from both. */
int hold_ipset_disarm(struct hold_ipset *s);

/* -ENOENT: a set is gone, or fewer than so many rules refer to it. */
int hold_ipset_check(struct hold_ipset *s, unsigned references);

/* Destroy the sets of devices that are WANTED. Returns how many, or an error.
 * Does not load ip_set where it is not. */
int hold_ipset_clean(bool (*wanted)(void *ud, int ifindex), void *ud, usec_t deadline);
