/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that come and go, as route netlink multicasts them. Whoever did it,
 * we ourselves included. A hint, never the truth: after -ENOBUFS the addresses
 * have to be listed. */
#pragma once

#include <stdbool.h>

#include "base/kernel.h"

struct addrevents;

/* A was set (or changed), or it was deleted (GONE). Negative: stop. */
typedef int (*addrevents_sink)(void *ud, const struct ifaddr *a, bool gone);

/* Collect from now on, both families. */
int addrevents_new(struct addrevents **ret);
struct addrevents *addrevents_free(struct addrevents *e);

/* The descriptor to poll; reading is addrevents_read()'s. It becomes readable
 * for devices that come, go or change, too: a reason to look again. */
int addrevents_fd(const struct addrevents *e);

/* Hand over what has come since, oldest first, without waiting. -ENOBUFS: some
 * were lost. A delete is sent before its notifier chain runs (kernel: in
 * __inet_del_ifa(), rtmsg_ifa() stands before the chain), so that an IPv4
 * delete is told before the flush it causes. */
int addrevents_read(struct addrevents *e, addrevents_sink sink, void *ud);
