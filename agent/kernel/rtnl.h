/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One route netlink socket for requests and dumps, libnl-3 as the transport.
 * Not libnl-route: the one on affected nodes (3.2.28) cannot express every
 * address attribute we need. Knows nothing of what the messages mean. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <netlink/msg.h>
#include <netlink/attr.h>

#include <vipsafe/base.h>

struct rtnl;

/* The largest attribute type rtnl_attrs() can collect, as an array size. */
#define RTNL_ATTRS_MAX 64

/* One message of an answer; valid only during the call. Negative: stop. */
typedef int (*rtnl_sink)(void *ud, struct nlmsghdr *h);

/* Open a socket in the network namespace of the caller. */
int rtnl_new(struct rtnl **ret);
struct rtnl *rtnl_free(struct rtnl *r);

DEFINE_CLEANUP(struct rtnl, rtnl_free)

/* An empty request of TYPE with FLAGS (NLM_F_REQUEST is added), or NULL. */
struct nl_msg *rtnl_message(int type, int flags);

static inline void nl_msgp(struct nl_msg **m)
{
	if (*m)
		nlmsg_free(*m);
}

/* Send M and wait for the kernel's verdict, which comes after all its
 * consequences (notifier chains) are done. Returns what the kernel answered,
 * -ETIMEDOUT when it did not, -ENOBUFS when the answer was lost: in both
 * cases the change may have been made. */
int rtnl_change(struct rtnl *r, struct nl_msg *m);

/* Send M, which asks for one object, and hand it to SINK. */
int rtnl_query(struct rtnl *r, struct nl_msg *m, rtnl_sink sink, void *ud);

/* Send M (NLM_F_DUMP is added) and hand every message to SINK. -EINTR: the
 * listed thing changed meanwhile, what SINK saw is no consistent picture;
 * ask again. -ETIMEDOUT, -ENOBUFS: likewise incomplete. */
int rtnl_dump(struct rtnl *r, struct nl_msg *m, rtnl_sink sink, void *ud);

/* Collect the attributes behind the HDRLEN bytes of header in H by type into
 * ATTRS, NULL where absent; types of RTNL_ATTRS_MAX and above are skipped.
 * -EBADMSG: H is shorter than HDRLEN. */
int rtnl_attrs(struct nlmsghdr *h, size_t hdrlen, struct nlattr *attrs[RTNL_ATTRS_MAX]);
