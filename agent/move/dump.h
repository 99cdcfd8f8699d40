/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source of a run that finds out by itself: what it wants to know it asks the kernel,
 * and what it has created it remembers on disk. See source.h. */
#pragma once

#include "move/source.h"

extern const struct source_ops dump_source;

/* List the table to SINK, again if it was cut short: SINK may see entries twice. 0 or a
 * negative errno; -EINTR: cut short each time. */
int dump_table(const struct run *run, conn_sink sink, void *ud);

/* For sources that know only a part better. */
int dump_link(const struct run *run, const char *name, struct link *ret);
int dump_addresses(const struct run *run, struct addr_table *ret);
void dump_probe_result(struct run *run, usec_t timeout, struct probe_result *ret);
int dump_list(struct run *run, conn_sink sink, size_t *ret_whole);
uint64_t dump_count_pinned(const struct run *run);
bool dump_is_pinned(const struct run *run, const struct conn *c);
bool dump_is_exposed(const struct run *run);
int dump_events(struct run *run, conn_sink sink, void *ud);
int dump_arriving(const struct run *run, const struct addrset *to, conn_sink sink, void *ud);
int dump_slot(struct run *run, int *ret_fd);
