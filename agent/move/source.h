/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a run has its knowledge from, and its hold. Either the kernel is asked (dump.h), or
 * whoever watches the device lends what is known already. A stage calls through
 * run->source and does not ask which of them it is. Every pointer is set. */
#pragma once

#include "base/kernel.h"

#include "base/report.h"

struct addr_table;
struct addrset;
struct probe_result;
struct run;
struct selection;
struct shapes;

struct source_ops {
	enum before before; /* for the report */
	/* What serves a run that finishes a killed one, of which nobody has watched. */
	const struct source_ops *recovering;

	/* The device NAME. 0 or a negative errno; -ENODEV: none. */
	int (*link)(const struct run *run, const char *name, struct link *ret);
	/* The addresses of the node; *RET is overwritten. 0 or a negative errno. */
	int (*addresses)(const struct run *run, struct addr_table *ret);
	/* What this kernel flushes. An experiment may take TIMEOUT; 0: there is none. */
	void (*probe_result)(struct run *run, usec_t timeout, struct probe_result *ret);
	/* What this kernel has made of entries so far. Not owned. */
	struct shapes *(*shapes)(struct run *run);

	/* Call SINK with the run, for each entry that a flush could take or that is
	 * behind a leaving address. Of those from number *RET_WHOLE of the set on only
	 * key, id and translated address are known. -ETIME: cut short by the deadline;
	 * -EINTR: cut short by changes of the table. */
	int (*list)(struct run *run, conn_sink sink, size_t *ret_whole);
	/* Entries that are pinned and that list() leaves out. */
	uint64_t (*count_pinned)(const struct run *run);
	bool (*is_pinned)(const struct run *run, const struct conn *c);
	/* Whether there may be an entry that a flush could take. */
	bool (*is_exposed)(const struct run *run);
	/* A batch of events, while run->watching. -EAGAIN: there are more. -ENOBUFS: some
	 * were lost. */
	int (*events)(struct run *run, conn_sink sink, void *ud);

	/* Call SINK for each entry whose original destination is in TO. 0 or a negative errno;
	 * -EINTR: cut short by changes of the table. */
	int (*arriving)(const struct run *run, const struct addrset *to, conn_sink sink, void *ud);
	/* The run has removed C. */
	void (*forget)(const struct run *run, const struct conn *c);

	/* Have the hold in place, not armed, and events from then on: sets run->watching,
	 * run->holding and report->hold, and warns of what cannot be had. A dry run looks
	 * which hold it would be. */
	void (*hold)(struct run *run);
	/* It could not be armed: make it anew. 0, or a negative errno: there is none. */
	int (*hold_again)(const struct run *run);
	/* There are entries to pin, and no hold: say why, unless hold() has. */
	void (*hold_missing)(struct run *run);

	/* A file to write in what a run without entries to save is about to do. Not
	 * owned. 0, or a negative errno: there is none. */
	int (*slot)(struct run *run, int *ret_fd);
	/* The run changes addresses in between. */
	void (*begin_change)(struct run *run);
	void (*end_change)(struct run *run);
	/* Take note of what the run has done to entries. */
	void (*learn)(struct run *run);
};

/* {0}: the kernel is asked. */
struct source {
	const struct source_ops *ops;
	void *ctx; /* of OPS */
	/* Addresses that the node does not have now and that are treated as if it had. NULL:
	 * there are none. Not owned. */
	const struct addrset *lingers;
	/* Which connections are to be protected. NULL: as the settings say for the device. Not
	 * owned. */
	const struct selection *selected;
	/* It goes on after the run: what the run leaves it restores, what the run has
	 * created it remembers, and its files in the run directory are its own. */
	bool goes_on;
	/* Entries are verified one by one, and once; else by listing, until no flush can
	 * be under way. */
	bool by_key;
};
