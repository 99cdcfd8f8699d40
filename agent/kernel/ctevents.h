/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New and changed conntrack entries and, on request, ended ones, as the kernel multicasts
 * them. Not reliable: events get lost, and kernels leave parts of an entry out of them. */
#pragma once

#include "base/kernel.h"

struct ctevents;

/* Collect events of FAMILY (AF_UNSPEC: both) from now on, ends included if
 * DEATHS, without what the socket with netlink port OWN_PORT does. -ENODATA: the kernel is set to
 * send none; -EPROTONOSUPPORT, -EPERM, … */
int ctevents_new(uint8_t family, bool deaths, uint32_t own_port, struct ctevents **ret);

/* The descriptor to poll; reading is ctevents_read()'s. */
int ctevents_fd(const struct ctevents *e);

struct ctevents *ctevents_free(struct ctevents *e);

/* Hand over what has come since, oldest first. -ENOBUFS: some were lost. */
int ctevents_read(struct ctevents *e, conn_sink sink, void *ud);
