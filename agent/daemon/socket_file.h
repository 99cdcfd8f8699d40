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

/* The file of the socket FD as it is now. */
struct socket_file socket_file_of(int fd);

/* Whether it is there yet, and no other one in its place. */
bool socket_file_is_there(const struct socket_file *f);
