/* SPDX-License-Identifier: GPL-2.0-or-later */
/* At most one vipsafed per network namespace: two would keep pinning each
 * other's entries. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/loop.h"

/* The process that holds the name. PID is 0 if it is in another PID namespace
 * or not known. */
struct alone_holder {
	pid_t pid;
	uid_t uid;
};

/* Hold the name of this namespace's daemon, an abstract unix socket, for as
 * long as *RET_FD is open. If it is taken, wait up to PATIENCE for it to
 * become free. -EADDRINUSE: another daemon, *RET_HOLDER, holds it. -EPERM: a
 * process that cannot be a daemon (not privileged) or that does not accept
 * holds it; the caller may start all the same, but the next daemon cannot
 * see this one. */
int alone_take(usec_t patience, int *ret_fd, struct alone_holder *ret_holder);

struct alone;

/* Accept and close the connections of daemons that look for the holder, on L.
 * FD is taken over on success. */
int alone_new(struct loop *l, int fd, struct alone **ret);
struct alone *alone_free(struct alone *a);

/* Returns when to call again. */
usec_t alone_tick(struct alone *a);
