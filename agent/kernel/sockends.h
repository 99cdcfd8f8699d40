/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TCP sockets of the node that end, each told of once by the kernel (Linux 4.2,
 * net/core/sock_diag.c, sock_diag_broadcast_destroy()): also those that were opened and closed
 * between two lists of all sockets. */
#pragma once

#include "base/flow.h"

struct sockends;

/* -EOPNOTSUPP: this kernel tells of none. */
int sockends_new(struct sockends **ret);
struct sockends *sockends_free(struct sockends *s);

/* Hand over those that ended since, as closed flows. -ENOBUFS: some were lost. */
int sockends_read(struct sockends *s, flow_sink sink, void *ud);
