/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conntrack table over ctnetlink: dump it, change it in batches. It has two sockets, so
 * that an unfinished dump never mixes with the answers to a batch. */
#pragma once

#include "base/kernel.h"

struct ct;

/* -EPROTONOSUPPORT: this kernel has no netfilter netlink. */
int ct_new(struct ct **ret);

/* The same if *CT is NULL. Asking over netlink would load conntrack where nobody has asked for it,
 * and kernels before 4.10 or so then begin to track everything: -EPROTONOSUPPORT if it is not. */
int ct_need(struct ct **ct);

struct ct *ct_free(struct ct *ct);

/* As the members of struct kernel_ops with these names. */
int ct_dump(struct ct *ct, uint8_t family, conn_sink sink, void *ud);
int ct_batch(struct ct *ct, struct ct_op *ops, size_t n);
int ct_usage(uint32_t *ret_count, uint32_t *ret_max);

/* ct_dump(), with the filter of ctcodec_dump(). */
int ct_dump_filtered(struct ct *ct, uint8_t family, const struct tuple *to, conn_sink sink,
		     void *ud);

/* The same for ct_dump_to. *NO_FILTER: this kernel lists everything; false at first. */
int ct_dump_to(struct ct *ct, bool *no_filter, const struct addrset *to, bool cheaply,
	       conn_sink sink, void *ud);

/* A dump in steps, on a socket of its own: for whoever must not wait for all of it, or may end
 * before. Nothing is read ahead unless asked for, so the kernel goes on only as it is asked. */
struct ct_list;

#define CT_LIST_STEP 64

/* Begin to list FAMILY (AF_UNSPEC: both). Errors as of ct_dump(). */
int ct_list_new(uint8_t family, struct ct_list **ret);
struct ct_list *ct_list_free(struct ct_list *l);

/* Hand over CT_LIST_STEP entries at most, for which one message is read at most. Returns 1:
 * there may be more; 0: that was all; -EINTR: that was all, and some may be missing; another error:
 * it is over. */
int ct_list_step(struct ct_list *l, conn_sink sink, void *ud);

/* Whether what the next step would hand over is not read yet. From the first time that it is asked
 * on another thread reads ahead, if the table is large and there are processors for it: never
 * without. NULL: there is no list. */
bool ct_list_waits(struct ct_list *l);

/* Netlink port of the socket that changes entries: events with it are ours. */
uint32_t ct_port(const struct ct *ct);

/* New and changed conntrack entries and, on request, ended ones, as the kernel multicasts
 * them. Not reliable: events get lost, and kernels leave parts of an entry out of them. */

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
