/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/socklist.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "kernel/sockdiag.h"

enum {
	TCP_STATES = 1 << TCP_ESTABLISHED | 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV |
		     1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2 | 1 << TCP_TIME_WAIT |
		     1 << TCP_CLOSE_WAIT | 1 << TCP_LAST_ACK | 1 << TCP_CLOSING |
		     1 << TCP_NEW_SYN_RECV,
	UDP_STATES = 1 << TCP_ESTABLISHED,

	/* idiag_timer (inet_sk_diag_fill()): the retransmission timer runs */
	TIMER_RETRANSMIT = 1,
};

struct question {
	struct nlmsghdr nlh;
	struct inet_diag_req_v2 req;
};

struct listing {
	struct nlsock *diag;
	uint8_t l4proto;
	flow_sink sink;
	void *ud;
	bool refused; /* by the sink: an error of its own */
};

static enum flow_state flow_state_of(uint8_t state)
{
	switch (state) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
	case TCP_NEW_SYN_RECV:
		return FLOW_OPENING;
	case TCP_ESTABLISHED:
		return FLOW_ESTABLISHED;
	case TCP_TIME_WAIT:
		return FLOW_TIME_WAIT;
	default: /* the kernel's numbers: one of the ways to an end */
		return FLOW_CLOSING;
	}
}

int socklist_decode(const struct inet_diag_msg *m, uint8_t l4proto, struct flow *ret)
{
	size_t size = addr_size(m->idiag_family);
	struct flow f;

	if (!size)
		return -EBADMSG;
	if (!m->id.idiag_dport)
		return -ENOMSG;
	memset(&f, 0, sizeof(f));
	f.family = m->idiag_family;
	f.l4proto = l4proto;
	f.state = (uint8_t)flow_state_of(m->idiag_state);
	f.origin = FLOW_SOCKET;
	f.backoff = m->idiag_timer == TIMER_RETRANSMIT ? m->idiag_retrans : 0;
	f.cport = ntohs(m->id.idiag_sport);
	f.dport = ntohs(m->id.idiag_dport);
	memcpy(f.client, m->id.idiag_src, size);
	memcpy(f.dest, m->id.idiag_dst, size);
	*ret = f;
	return 0;
}

static int socklist_take(void *ud, const struct inet_diag_msg *m)
{
	struct listing *l = ud;
	struct flow f;
	int r;

	/* a socket that cannot be read is left out; the others are listed */
	if (socklist_decode(m, l->l4proto, &f) < 0)
		return 0;
	r = l->sink(l->ud, &f);
	l->refused = r < 0;
	return r;
}

static int socklist_list(struct listing *l, uint8_t l4proto, uint8_t family)
{
	struct question q = {
		.nlh = sockdiag_header(l->diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof(q.req)),
		.req = { .sdiag_family = family,
			 .sdiag_protocol = l4proto,
			 .idiag_states = l4proto == IPPROTO_TCP ? TCP_STATES : UDP_STATES },
	};
	int r;

	l->l4proto = l4proto;
	r = sockdiag_exchange(l->diag, &q.nlh, socklist_take, l);
	/* no such module, no IPv6 */
	return r == -ENOENT && !l->refused ? -EOPNOTSUPP : r;
}

int socklist_dump(flow_sink sink, void *ud)
{
	static const struct {
		uint8_t l4proto, family;
	} kinds[] = {
		{ IPPROTO_TCP, AF_INET },
		{ IPPROTO_TCP, AF_INET6 },
		{ IPPROTO_UDP, AF_INET },
		{ IPPROTO_UDP, AF_INET6 },
	};
	_cleanup_(nlsock_freep) struct nlsock *diag = NULL;
	struct listing l = { .sink = sink, .ud = ud };
	int r = sockdiag_new(&diag);

	if (r < 0)
		return r;
	l.diag = diag;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		r = socklist_list(&l, kinds[i].l4proto, kinds[i].family);
		/* without TCP over IPv4 the rest is not worth having */
		if (r < 0 && (r != -EOPNOTSUPP || i == 0))
			return r;
	}
	return 0;
}
