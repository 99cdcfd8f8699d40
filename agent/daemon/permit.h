/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client of the control socket may ask for, and how often. Documented
 * for users in vipsafed(8), "ACCESS". */
#pragma once

#include "base/ratelimit.h"
#include "base/settings.h"
#include "daemon/peer.h"
#include "show/wire.h"

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
