/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process at the other end of a unix socket. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/ratelimit.h"
#include "base/settings.h"
#include "show/wire.h"

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

#define PEER_TEXT_MAX 128

/* Why somebody who is not in the group GID may ask nothing. */
const char *peer_refusal(gid_t gid, char buf[PEER_TEXT_MAX]);

/* What a client of the control socket may ask for, and how often. Documented
 * for users in vipsafed(8), "ACCESS". */
/* Whether a peer with RIGHTS may ask for R under the configuration S. If not,
 * *RET_WHY has the reason in one line. */
bool permit_request(const struct settings *s, enum peer_rights rights, const struct wire_request *r,
		    struct request_error *ret_why);

/* Users that asked recently. */
#define PERMIT_USERS_MAX 32

struct permit_rates {
	struct permit_user {
		uid_t uid;
		bool is_used;
		usec_t last;
		struct ratelimit moves, others;
	} users[PERMIT_USERS_MAX];
	struct ratelimit reloads; /* shared by all users */
};

/* Whether UID may ask for R NOW; counts the request. For root only reloads are
 * limited. */
bool permit_rate(struct permit_rates *p, uid_t uid, enum peer_rights rights,
		 const struct wire_request *r, usec_t now);
