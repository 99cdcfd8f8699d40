/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name of a listening unix socket in the file system, which anybody with the
 * right to may remove while the socket goes on listening. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

struct socket_file {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1]; /* "": none */
	dev_t device;
	ino_t inode; /* 0: it was gone already */
};

/* A listening socket at PATH for root and (unless it is -1) GID. What nobody
 * listens on any more is replaced. -EADDRINUSE: somebody does, or it is no
 * socket; -EPERM: others may write to its directory. */
int socket_file_listen(const char *path, gid_t gid, int *ret_fd);

/* Let GID (-1: nobody but root) connect to the socket at PATH. */
int socket_file_permit(const char *path, gid_t gid);

/* The file of the socket FD as it is now. */
struct socket_file socket_file_of(int fd);

/* Whether it is there yet, and no other one in its place. */
bool socket_file_is_there(const struct socket_file *f);
