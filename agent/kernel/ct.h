/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conntrack table over ctnetlink: dump it, change it in batches. It has two sockets, so
 * that an unfinished dump never mixes with the answers to a batch. */
#pragma once

#include "base/kernel.h"

struct ct;

/* -EPROTONOSUPPORT: this kernel has no netfilter netlink. */
int ct_new(struct ct **ret);
struct ct *ct_free(struct ct *ct);

/* As the members of struct kernel_ops with these names. */
int ct_dump(struct ct *ct, uint8_t family, conn_sink sink, void *ud);
int ct_batch(struct ct *ct, struct ct_op *ops, size_t n);
int ct_usage(uint32_t *ret_count, uint32_t *ret_max);

/* Netlink port of the socket that changes entries: events with it are ours. */
uint32_t ct_port(const struct ct *ct);
