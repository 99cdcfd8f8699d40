/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that went while no guard was running. What the guard had pinned to them lives on
 * until the next guard removes it, or `recover --stale`, which calls this. */
#pragma once

#include "base/addr.h"
#include "move/run.h"

struct purged {
	uint64_t removed;
	uint64_t unproven; /* translated to such an address, not known as ours: left */
};

/* Add the addresses of the node to *RET. 0 or a negative errno. */
int gone_read_local(const struct kernel *k, struct addrset *ret);

/* A link that is down has no IPv6 addresses until it is back: nothing is lost yet. */
bool gone_is_down(const struct run_env *env, const char *device);

/* Delete what is proved to be pinned to an address that DEVICE's file in RUN_DIR
 * names and no device of the node has, none of them in LOCAL, and add to *ADD. What still
 * lingers stays. A device that has a guard or a run, or is down, is left alone. 0 or a negative
 * errno. */
int gone_purge(const struct run_env *env, int run_dir, const char *device,
	       const struct addrset *local, struct purged *add);

/* The addresses of REQ went from DEVICE on purpose, and what is pinned to them is to
 * stay: they are no loss. */
void gone_keep(const struct run_env *env, int run_dir, const char *device,
	       const struct request *req);

/* Add to *RET the addresses that went from DEVICE and whose connections are to stay for now, by
 * its settings: those that DEVICE's files in RUN_DIR name, none of them in LOCAL. 0 or a negative
 * errno. */
int gone_lingering(const struct run_env *env, int run_dir, const char *device,
		   const struct addrset *local, struct addrset *ret);

/* Addresses that went, of all devices, that nobody has dealt with yet. 0 or a negative errno. */
int gone_list(const struct run_env *env, struct addrset *ret);
