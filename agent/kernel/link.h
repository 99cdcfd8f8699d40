/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network devices as the kernel knows them. Reads only. */
#pragma once

#include "base/kernel.h"

#include "kernel/nlsock.h"

/* Find the device called NAME; alternative names too where the kernel has
 * them (Linux 5.5). -ENODEV when there is none, also for impossible names. */
int link_get(struct nlsock *s, const char *name, struct link *ret);

/* Whether deleting a primary IPv4 address of LINK promotes a secondary:
 * 1, 0, or negative errno. Reads the sysctls of the calling task's network
 * namespace; the kernel takes "all" OR the device's own. */
int link_promotes_secondaries(const struct link *link);

/* Whether LINK forwards IPv6, and is thus a router to its neighbours. False
 * when that cannot be found out. */
bool link_is_router(const struct link *link);
