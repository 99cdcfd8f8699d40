/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One vipsafed for each network namespace: two would take each other's entries
 * for what they have to pin, for ever. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/loop.h"

/* Of who has the name; PID is 0 in another PID namespace, or when it cannot be
 * told. */
struct alone_holder {
	pid_t pid;
	uid_t uid;
};

/* Hold the name of the one daemon of this namespace, an abstract unix socket,
 * for as long as *RET_FD is open; one that is about to end is waited for, for
 * PATIENCE. -EADDRINUSE: *RET_HOLDER is another daemon. -EPERM: somebody has the
 * name who can be no daemon, as he is not privileged; he is no reason not to
 * start, but the next daemon cannot see this one. */
int alone_take(usec_t patience, int *ret_fd, struct alone_holder *ret_holder);

struct alone;

/* Turn away who comes to look, on L; FD is taken over on success. */
int alone_new(struct loop *l, int fd, struct alone **ret);
struct alone *alone_free(struct alone *a);

/* Returns when to call again. */
usec_t alone_tick(struct alone *a);
