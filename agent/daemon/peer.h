/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process at the other end of a unix socket. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum peer_rights {
	PEER_NOBODY,
	PEER_GROUP, /* may read, plan, notify, and move what the configuration allows */
	PEER_ROOT,  /* or our own user: may do everything */
};

struct peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/* The peer's identity when it connected. 0 or a negative errno. */
int peer_read(int fd, struct peer *ret);

/* The rights of the peer P of FD: GROUP if it is in the group GID (-1: none),
 * supplementary groups included. */
enum peer_rights peer_rights(const struct peer *p, int fd, gid_t gid);

/* The group NAME; -1 when there is none, or NAME is "none". */
gid_t peer_group(const char *name);
