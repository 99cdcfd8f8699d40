/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ipsets of one device's hold, one per family (hash:net,iface with a
 * timeout), by netlink: the program ipset is not needed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/kernel.h"

struct hold_ipset;

/* Make the sets, or empty those a killed run left. -EOPNOTSUPP: the kernel has
 * no such sets. */
int hold_ipset_new(int ifindex, const char *device, bool ipv6, struct hold_ipset **ret);

/* Take over the sets that a child has made. */
int hold_ipset_adopt(int ifindex, const char *device, bool ipv6, struct hold_ipset **ret);

/* Destroy the sets, whose rules have been removed. Waits until DEADLINE (of os_now()) for a set
 * that is still in use. Returns 0, or the error because of which a set stays. */
int hold_ipset_free(struct hold_ipset *s, usec_t deadline);

/* Free S, which may be NULL, but leave the sets. */
void hold_ipset_forget(struct hold_ipset *s);

/* Add the element to both sets, or set its timeout anew: SECONDS from now. */
int hold_ipset_arm(struct hold_ipset *s, uint32_t seconds);

/* Remove the element from both. */
int hold_ipset_disarm(struct hold_ipset *s);

/* -ENOENT: a set is gone, or fewer than REFERENCES rules refer to it. */
int hold_ipset_check(struct hold_ipset *s, unsigned references);

/* Destroy the sets of devices that are WANTED. Returns how many, or an error.
 * Does not load ip_set where it is not. */
int hold_ipset_clean(bool (*wanted)(void *ud, int ifindex), void *ud, usec_t deadline);
