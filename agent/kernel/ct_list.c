/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conntrack table in steps. */
#include <errno.h>
#include <stdlib.h>

#include "base/os.h"
#include "kernel/abi_ct.h"
#include "kernel/ahead.h"
#include "kernel/ct.h"
#include "kernel/ctcodec.h"
#include "kernel/nlask.h"
#include "kernel/nlsock.h"

#define CT_NEW NF_TYPE(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW)

/* For errors, which may repeat the request. */
#define LIST_RCVBUF (1 << 20)

struct ct_list {
	struct nlsock *s;
	struct ahead *ahead; /* NULL: nothing is read before it is asked for */
	uint32_t seq;
	const struct nlmsghdr *at; /* what is left of the message that was read last … */
	int left;		   /* … in bytes */
	bool interrupted, done;
	bool asked; /* whether it waits: then AHEAD has been tried */
	int result;
	uint8_t payload[CT_PAYLOAD_MAX] __attribute__((aligned(8)));
};

int ct_list_new(uint8_t family, struct ct_list **ret)
{
	uint8_t buf[64] __attribute__((aligned(8)));
	struct ct_list *l = calloc(1, sizeof(*l));
	uint32_t count, max;
	int r = l ? ct_usage(&count, &max) : -ENOMEM;

	if (r == 0)
		r = nlsock_new(NETLINK_NETFILTER, 0, LIST_RCVBUF, &l->s);
	if (r == 0) {
		l->seq = nlsock_seq(l->s);
		r = ctcodec_dump(buf, sizeof(buf), l->seq, family, NULL);
	}
	if (r > 0)
		r = nlsock_send(l->s, buf, (size_t)r);
	if (r < 0) {
		ct_list_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

struct ct_list *ct_list_free(struct ct_list *l)
{
	if (l) {
		ahead_free(l->ahead);
		nlsock_free(l->s);
	}
	free(l);
	return NULL;
}

/* A thread for less is not worth its while. */
#define AHEAD_MIN 1024

static void list_read_ahead(struct ct_list *l)
{
	uint32_t count, max;

	l->asked = true;
	if (ct_usage(&count, &max) == 0 && count >= AHEAD_MIN)
		(void)ahead_new(l->s, &l->ahead);
}

bool ct_list_waits(struct ct_list *l)
{
	if (!l || l->done || message_is_whole(l->at, l->left))
		return false;
	if (!l->asked)
		list_read_ahead(l);
	return l->ahead && ahead_waits(l->ahead);
}

/* One part of a message. *RET_TAKEN: it was an entry. */
static int list_take(struct ct_list *l, const struct nlmsghdr *nlh, conn_sink sink, void *ud,
		     bool *ret_taken)
{
	struct conn_record record;
	struct conn_key master;
	struct conn conn;

	if (nlh->nlmsg_seq != l->seq)
		return 0;
	l->interrupted = l->interrupted || nlh->nlmsg_flags & NLM_F_DUMP_INTR;
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		l->done = true;
		l->result = nlask_error(nlh);
	} else if (nlh->nlmsg_type == CT_NEW &&
		   ctcodec_decode(nlh, &conn, &master, l->payload, &record) == 0) {
		*ret_taken = true;
		return sink(ud, &record);
	}
	return 0;
}

int ct_list_step(struct ct_list *l, conn_sink sink, void *ud)
{
	const void *data;
	int r = 0, n = 0;

	if (!l->done && !message_is_whole(l->at, l->left)) {
		/* the kernel has made the next message as the one before was read */
		r = l->left = l->ahead ? ahead_next(l->ahead, &data)
				       : nlsock_receive(l->s, os_now() + NLSOCK_PATIENCE, &data);
		if (r < 0)
			return r;
		l->at = data;
	}
	for (r = 0; r == 0 && n < CT_LIST_STEP && !l->done && message_is_whole(l->at, l->left);
	     l->at = NLMSG_NEXT(l->at, l->left)) {
		bool taken = false;

		r = list_take(l, l->at, sink, ud, &taken);
		n += taken;
	}
	if (r < 0 || !l->done)
		return r < 0 ? r : 1;
	if (l->result < 0) /* nfnetlink has no such subsystem, as in ct_dump() */
		return l->result == -EINVAL ? -EOPNOTSUPP : l->result;
	return l->interrupted ? -EINTR : 0;
}
