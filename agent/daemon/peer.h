/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end of a unix socket. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum peer_rights {
	PEER_NOBODY,
	PEER_GROUP, /* reads, plans, notifies, moves what the configuration lets it */
	PEER_ROOT,  /* or our own user: everything */
};

struct peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/* As it was when it connected. */
int peer_read(int fd, struct peer *ret);

/* What the peer P of FD is: GROUP when it is (unless GID is -1) of the group GID,
 * supplementary groups included. */
enum peer_rights peer_rights(const struct peer *p, int fd, gid_t gid);

/* The group NAME; -1 when there is none, or NAME is "none". */
gid_t peer_group(const char *name);
