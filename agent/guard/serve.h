/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run asks of the guard whose kernel it works with (run_env.guard), so
 * that it need not list the table. Private to steps. */
#pragma once

#include "base/kernel.h"

struct guard;
struct run;
struct addr_table;

/* The device, and the addresses of the node as they are now. */
bool guard_copy_link(const struct guard *g, const char *name, struct link *ret);
int guard_copy_addresses(const struct guard *g, struct addr_table *t);

/* Read a batch of events; those of entries that are not pinned go to SINK (may
 * be NULL) as well. -EAGAIN: there are more. -ENOBUFS: some were lost. */
int guard_events(struct guard *g, conn_sink sink, void *ud);

/* The entries of FAMILY (AF_UNSPEC: all) that are not pinned. */
int guard_list_unpinned(const struct guard *g, uint8_t family, conn_sink sink, void *ud);

/* The pinned ones translated to AS: key, id and translated address alone. */
int guard_list_pinned(const struct guard *g, const struct addr *as, conn_sink sink, void *ud);

size_t guard_count_pinned(const struct guard *g, uint8_t family);
size_t guard_count_pinned_as(const struct guard *g, const struct addr *as);
bool guard_has_pinned(const struct guard *g, const struct conn *c);

/* What this kernel flushes, which does not change while the node is up. False:
 * not known yet. */
struct probe_result;
bool guard_verdict(struct guard *g, struct probe_result *ret);

/* What this kernel has made of entries so far. */
struct shapes *guard_shapes(struct guard *g);

/* Where to write what a run without entries to save is about to do. */
int guard_slot(struct guard *g, int run_dir, int *ret_fd);

/* The hold: whether it is in place, and by what. Gone: make it anew, 0 or a
 * negative errno. */
bool guard_holds(const struct guard *g, enum hold_choice *ret_used);
/* A run has connections to pin, and no hold: say why. */
void guard_warn_no_hold(const struct guard *g, struct report *report);
int guard_reopen_hold(struct guard *g, usec_t deadline);

/* RUN begins to change addresses, and has done so: nobody else's doing. */
void guard_begin_move(struct guard *g, const struct run *run);
void guard_end_move(struct guard *g);

/* Take note of what RUN has done to entries. */
void guard_learn(struct guard *g, const struct run *run);
