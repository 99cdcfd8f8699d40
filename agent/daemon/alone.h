/* SPDX-License-Identifier: GPL-2.0-or-later */
/* At most one vipsafed per network namespace: two would keep pinning each
 * other's entries. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

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

/* The name of a listening unix socket in the file system, which can be removed
 * while the socket keeps listening. */

struct socket_file {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1]; /* "": none */
	dev_t device;
	ino_t inode; /* 0: the file was already gone */
};

/* A listening socket at PATH for root and (unless it is -1) GID. A socket file
 * without a listener is replaced. -EADDRINUSE: a process listens there, or the
 * file is not a socket; -EPERM: others may write to its directory. */
int socket_file_listen(const char *path, gid_t gid, int *ret_fd);

/* Let GID (-1: nobody but root) connect to the socket at PATH. */
int socket_file_permit(const char *path, gid_t gid);

/* The file of the socket FD at this moment. */
struct socket_file socket_file_of(int fd);

/* Whether the file is still there and has not been replaced. */
bool socket_file_is_there(const struct socket_file *f);
