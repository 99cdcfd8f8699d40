/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that come and go, as route netlink multicasts them; our own changes are among
 * them. Not reliable: after -ENOBUFS the addresses have to be dumped. */
#pragma once

#include <stdbool.h>

#include "base/kernel.h"
#include "kernel/nlsock.h"

/* A was set (or changed), or it was deleted (GONE). Negative: stop. */
typedef int (*addrevents_sink)(void *ud, const struct ifaddr *a, bool gone);

/* A socket that collects from now on, both families. It becomes readable for
 * devices that come, go or change, too: a reason to look again. */
int addrevents_new(struct nlsock **ret);

/* Hand over what has come since, oldest first, without waiting. -ENOBUFS: some
 * were lost. The kernel tells of a delete before its notifier chain runs (in
 * __inet_del_ifa() rtmsg_ifa() stands before the chain), that is: of an IPv4
 * delete before the flush that it causes. */
int addrevents_read(struct nlsock *s, addrevents_sink sink, void *ud);
