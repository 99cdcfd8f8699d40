/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP addresses of devices over route netlink: list, add, delete exactly. */
#pragma once

#include <stdbool.h>

#include "base/kernel.h"
#include "kernel/nlsock.h"

/* Call SINK with every IPv4 and IPv6 address of every device. A dump that was interrupted is
 * repeated before SINK is called; -EAGAIN when that never succeeds. */
int ifaddr_list(struct nlsock *s, ifaddr_sink sink, void *ud);

/* Set A as it is: flags (IFADDR_NODAD is the caller's choice), scope, metric, proto.
 * Lifetimes are only sent when either of them is finite. Flags that only the
 * kernel sets are left out, so that a listed address can be set again.
 * -EEXIST, -ENODEV, -EPERM; -EINVAL also for what the family does not have
 * (an IPv6 label or broadcast address). */
int ifaddr_add(struct nlsock *s, const struct ifaddr *a);

/* Delete A by device, local address, prefix length and peer; the rest of A is
 * not looked at. -EADDRNOTAVAIL: there is no such. */
int ifaddr_del(struct nlsock *s, const struct ifaddr *a);

/* Addresses that come and go, as route netlink multicasts them; our own changes are among
 * them. Not reliable: after -ENOBUFS the addresses have to be dumped. */
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
