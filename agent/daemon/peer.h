/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end of a unix socket. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/* As it was when it connected. */
int peer_read(int fd, struct peer *ret);

/* Whether the peer P of FD is root, our own user, or (unless GID is -1) of the
 * group GID, supplementary groups included. */
bool peer_may(const struct peer *p, int fd, gid_t gid);

/* The group NAME, -1 when there is none. */
gid_t peer_group(const char *name);
