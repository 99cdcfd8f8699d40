/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name of a listening unix socket in the file system, which can be removed
 * while the socket keeps listening. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

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
