/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "kernel/nlask.h"
#include "kernel/sockreset.h"

/* A socket for it. -EOPNOTSUPP: the kernel has no sock_diag. */
static int sockdiag_new(struct nlsock **ret)
{
	int r = nlsock_new(NETLINK_SOCK_DIAG, 0, 0, ret);

	return r == -EPROTONOSUPPORT ? -EOPNOTSUPP : r;
}

/* The next request begins with this. */
static struct nlmsghdr sockdiag_header(struct nlsock *s, uint16_t type, uint16_t flags, size_t len)
{
	return (struct nlmsghdr){
		.nlmsg_len = (uint32_t)NLMSG_LENGTH(len),
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
		.nlmsg_seq = nlsock_seq(s),
	};
}

/* INFO is NULL unless it was asked for, and of sockets that have none. */
typedef int (*diag_take)(void *ud, const struct inet_diag_msg *m, const struct nlattr *info);

struct diag_taker {
	diag_take take;
	void *ud;
};

static int sockdiag_take(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *attrs[INET_DIAG_INFO + 1] = { NULL };
	const struct diag_taker *t = ud;
	struct inet_diag_msg m;

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return 0;
	memcpy(&m, NLMSG_DATA(nlh), sizeof(m));
	if (!message_parse(nlh, sizeof(m), attrs, INET_DIAG_INFO))
		return 0;
	return t->take(t->ud, &m, attrs[INET_DIAG_INFO]);
}

/* Send REQUEST and call TAKE with the beginning of each SOCK_DIAG_BY_FAMILY message of
 * the answer, until it returns an error. Returns that, or what the kernel answered. A
 * dump that was interrupted has at worst missed sockets that are only just coming up. */
static int sockdiag_exchange(struct nlsock *s, struct nlmsghdr *request, diag_take take, void *ud)
{
	struct diag_taker t = { .take = take, .ud = ud };
	const struct attr_buf b = { .data = (uint8_t *)request, .len = request->nlmsg_len };
	int r = nlask_dump(s, &b, sockdiag_take, &t);

	return r == -EINTR ? 0 : r;
}

enum {
	TCP_STATES = 1 << TCP_ESTABLISHED | 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV |
		     1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2 | 1 << TCP_TIME_WAIT |
		     1 << TCP_CLOSE_WAIT | 1 << TCP_LAST_ACK | 1 << TCP_CLOSING |
		     1 << TCP_NEW_SYN_RECV,
	UDP_STATES = 1 << TCP_ESTABLISHED,

	/* idiag_timer (inet_sk_diag_fill()): which one runs */
	TIMER_RETRANSMIT = 1,
	TIMER_KEEPALIVE = 2,
	TIMER_WINDOW_PROBE = 4,

	TIME_WAIT_MS = 60000, /* TCP_TIMEWAIT_LEN */
};

struct list_question {
	struct nlmsghdr nlh;
	struct inet_diag_req_v2 req;
};

struct listing {
	struct nlsock *diag;
	uint8_t l4proto;
	flow_sink sink;
	void *ud;
	enum sock_extent extent;
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
	case TCP_LISTEN:
		return FLOW_LISTENING;
	default: /* the kernel's numbers: one of the ways to an end */
		return FLOW_CLOSING;
	}
}

/* A SYN is no data: when it was sent follows from the timer, which was set to the RTO then. */
static struct flow_times times_of(const struct inet_diag_msg *m, const struct tcp_info *i)
{
	bool retransmits = m->idiag_timer == TIMER_RETRANSMIT;
	uint32_t rto = i->tcpi_rto / 1000;
	struct flow_times t = {
		.retransmits = retransmits ? i->tcpi_retransmits : 0,
		.sent = i->tcpi_last_data_sent,
		.acked = i->tcpi_last_ack_recv,
		.received = i->tcpi_last_data_recv,
		.rtt = i->tcpi_rtt / 1000,
		.next = retransmits ? m->idiag_expires : UINT32_MAX,
		.keepalive = m->idiag_timer == TIMER_KEEPALIVE ? MAX(m->idiag_expires, 1U) : 0,
		.window_probes = m->idiag_timer == TIMER_WINDOW_PROBE,
	};

	if (m->idiag_state == TCP_SYN_SENT)
		t.sent = rto > m->idiag_expires ? rto - m->idiag_expires : 0;
	return t;
}

/* False: nothing is known of them. */
static bool socklist_times(const struct inet_diag_msg *m, const struct nlattr *info,
			   uint8_t l4proto, struct flow_times *ret)
{
	uint32_t ended = TIME_WAIT_MS - m->idiag_expires;
	struct tcp_info i;

	if (m->idiag_state == TCP_TIME_WAIT && m->idiag_expires <= TIME_WAIT_MS) {
		*ret = (struct flow_times){
			.sent = ended, .acked = ended, .received = ended, .next = UINT32_MAX
		};
	} else if (info && l4proto == IPPROTO_TCP &&
		   attr_len(info) >= offsetof(struct tcp_info, tcpi_rttvar)) {
		/* the kernel's may be longer or shorter; what is read here is in all of them */
		memset(&i, 0, sizeof(i));
		memcpy(&i, attr_data(info), MIN(attr_len(info), sizeof(i)));
		*ret = times_of(m, &i);
	} else {
		return false;
	}
	ret->cookie = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
	return true;
}

int socklist_decode(const struct inet_diag_msg *m, const struct nlattr *info, uint8_t l4proto,
		    struct flow *ret, struct flow_times *ret_times)
{
	size_t size = addr_size(m->idiag_family);
	struct flow f;

	if (!size)
		return -EBADMSG;
	if (!m->id.idiag_dport && m->idiag_state != TCP_LISTEN)
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
	if (socklist_times(m, info, l4proto, ret_times))
		f.times = ret_times;
	*ret = f;
	return 0;
}

static int socklist_take(void *ud, const struct inet_diag_msg *m, const struct nlattr *info)
{
	struct listing *l = ud;
	struct flow_times times;
	struct flow f;
	int r;

	/* a socket that cannot be read is left out; the others are listed */
	if (socklist_decode(m, info, l->l4proto, &f, &times) < 0)
		return 0;
	r = l->sink(l->ud, &f);
	l->refused = r < 0;
	return r;
}

static int socklist_list(struct listing *l, uint8_t l4proto, uint8_t family, uint32_t states)
{
	struct list_question q = {
		.nlh = sockdiag_header(l->diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof(q.req)),
		.req = { .sdiag_family = family,
			 .sdiag_protocol = l4proto,
			 .idiag_states = states },
	};
	int r;

	if (l->extent & SOCK_TIMES && l4proto == IPPROTO_TCP)
		q.req.idiag_ext = 1 << (INET_DIAG_INFO - 1);
	l->l4proto = l4proto;
	r = sockdiag_exchange(l->diag, &q.nlh, socklist_take, l);
	/* no such module, no IPv6 */
	return r == -ENOENT && !l->refused ? -EOPNOTSUPP : r;
}

int socklist_dump(enum sock_extent extent, flow_sink sink, void *ud)
{
	static const struct {
		uint8_t l4proto, family;
		uint32_t states;
	} kinds[] = {
		{ IPPROTO_TCP, AF_INET, 1 << TCP_LISTEN },
		{ IPPROTO_TCP, AF_INET6, 1 << TCP_LISTEN },
		{ IPPROTO_TCP, AF_INET, TCP_STATES },
		{ IPPROTO_TCP, AF_INET6, TCP_STATES },
		{ IPPROTO_UDP, AF_INET, UDP_STATES },
		{ IPPROTO_UDP, AF_INET6, UDP_STATES },
	};
	_cleanup_(nlsock_freep) struct nlsock *diag = NULL;
	struct listing l = { .sink = sink, .ud = ud, .extent = extent };
	int r = sockdiag_new(&diag);

	if (r < 0)
		return r;
	l.diag = diag;
	for (size_t i = extent & SOCK_LISTENERS ? 0 : 2; i < ARRAY_SIZE(kinds); i++) {
		r = socklist_list(&l, kinds[i].l4proto, kinds[i].family, kinds[i].states);
		/* without TCP over IPv4 the rest is not worth having */
		if (r < 0 && (r != -EOPNOTSUPP ||
			      (kinds[i].l4proto == IPPROTO_TCP && kinds[i].family == AF_INET)))
			return r;
	}
	return 0;
}

/* Bounds the memory; more than any node has for one address. */
#define SOCKETS_MAX (1U << 20)

/* Sockets whose peer can be sent a reset. */
enum {
	STATES = 1 << TCP_ESTABLISHED | 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV | 1 << TCP_FIN_WAIT1 |
		 1 << TCP_FIN_WAIT2 | 1 << TCP_CLOSE_WAIT | 1 << TCP_LAST_ACK | 1 << TCP_CLOSING,
};

/* The condition "own address is A", as a program of inet_diag that the kernel runs for each
 * socket: one instruction, with a jump behind its end if it is not met. */
struct filter {
	struct nlattr attr;
	struct inet_diag_bc_op op;
	/* struct inet_diag_hostcond, which ends in the address */
	uint8_t cond[sizeof(struct inet_diag_hostcond) + 16];
};

struct question {
	struct nlmsghdr nlh;
	struct inet_diag_req_v2 req;
	struct filter filter; /* of a dump */
};

struct found {
	uint8_t family; /* of the socket */
	uint8_t state;
	struct inet_diag_sockid id;
};

struct sockets {
	struct nlsock *diag; /* owned */
	struct addr own;
	struct found *found; /* owned */
	size_t n;
};

static void question_init(struct sockets *s, struct question *q, uint16_t type, uint16_t flags,
			  uint8_t family)
{
	*q = (struct question){
		.nlh = sockdiag_header(s->diag, type, flags, sizeof(q->req)),
		.req = { .sdiag_family = family,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = STATES },
	};
}

static void question_filter(struct question *q, const struct addr *own)
{
	size_t alen = addr_size(own->family);
	struct inet_diag_hostcond cond;
	size_t clen = sizeof(q->filter.op) + sizeof(cond) + alen;

	memset(&cond, 0, sizeof(cond)); /* its padding, too */
	cond.family = own->family;
	cond.prefix_len = (uint8_t)(8 * alen);
	cond.port = -1;
	q->filter = (struct filter){
		.attr = { .nla_len = (uint16_t)(NLA_HDRLEN + clen),
			  .nla_type = INET_DIAG_REQ_BYTECODE },
		.op = { .code = INET_DIAG_BC_S_COND,
			.yes = (uint8_t)clen,
			.no = (uint16_t)(clen + sizeof(q->filter.op)) },
	};
	memcpy(q->filter.cond, &cond, sizeof(cond));
	memcpy(q->filter.cond + sizeof(cond), own->bytes, alen);
	q->nlh.nlmsg_len += (uint32_t)(NLA_HDRLEN + clen);
}

/* Checked again here, although the kernel filters: what passes is closed. */
static bool sockets_is_own(const struct addr *own, uint8_t family,
			   const struct inet_diag_sockid *id)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *src = (const uint8_t *)id->idiag_src;

	if (own->family == family)
		return memcmp(src, own->bytes, addr_size(family)) == 0;
	return own->family == AF_INET && family == AF_INET6 &&
	       memcmp(src, mapped, sizeof(mapped)) == 0 && memcmp(src + 12, own->bytes, 4) == 0;
}

static int sockets_take(void *ud, const struct inet_diag_msg *m, const struct nlattr *info _unused_)
{
	struct sockets *s = ud;
	struct found *one;

	if (m->idiag_state > TCP_CLOSING || !(STATES & 1 << m->idiag_state) ||
	    !sockets_is_own(&s->own, m->idiag_family, &m->id))
		return 0;
	if (s->n >= SOCKETS_MAX)
		return -E2BIG;
	one = array_append(&s->found, &s->n, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = (struct found){ m->idiag_family, m->idiag_state, m->id };
	return 0;
}

static int sockets_list(struct sockets *s, uint8_t family)
{
	struct question q;
	int r;

	question_init(s, &q, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family);
	question_filter(&q, &s->own);
	r = sockdiag_exchange(s->diag, &q.nlh, sockets_take, s);
	/* no tcp_diag, no IPv6 */
	return r == -ENOENT || r == -EAFNOSUPPORT ? -EOPNOTSUPP : r;
}

static int take_none(void *ud _unused_, const struct inet_diag_msg *m _unused_,
		     const struct nlattr *info _unused_)
{
	return 0;
}

/* The cookie in its id excludes another socket that has got the same addresses. */
static int kernel_sockets_destroy(struct sockets *s, const struct found *f)
{
	struct question q;
	int r;

	question_init(s, &q, SOCK_DESTROY, NLM_F_ACK, f->family);
	q.req.id = f->id;
	r = sockdiag_exchange(s->diag, &q.nlh, take_none, s);
	/* kernels before 4.5 do not know the message */
	return r == -EINVAL ? -EOPNOTSUPP : r;
}

static int destroy_all(struct sockets *s, uint64_t *ret_closed)
{
	int result = 0;

	for (size_t i = 0; i < s->n; i++) {
		int r = kernel_sockets_destroy(s, &s->found[i]);

		if (r == 0)
			++*ret_closed;
		else if (r == -EOPNOTSUPP || r == -EPERM || r == -ETIMEDOUT)
			return r; /* it would be the same for the next one */
		else if (r != -ENOENT && r != -ESTALE && !result)
			result = r; /* the other two: the socket has ended by itself */
	}
	return result;
}

/* Without the kernel's help. What is only opening ends by itself. */
static int reset_all(const struct sockets *s, uint64_t *ret_closed)
{
	_cleanup_free_ struct sockreset_end *ends = calloc(s->n, sizeof(*ends));
	size_t n = 0;

	if (!ends)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		const struct found *f = &s->found[i];
		const uint8_t *dst = (const uint8_t *)f->id.idiag_dst;

		if (f->state == TCP_SYN_SENT || f->state == TCP_SYN_RECV)
			continue;
		/* of an IPv4 address in an IPv6 socket the last four bytes count */
		ends[n].peer =
			addr_make(s->own.family, f->family == s->own.family ? dst : dst + 12);
		ends[n].sport = f->id.idiag_sport;
		ends[n].dport = f->id.idiag_dport;
		n++;
	}
	return sockreset(&s->own, ends, n, ret_closed);
}

int sockets_destroy(const struct addr *a, uint64_t *ret_closed)
{
	struct sockets s = { .own = *a };
	int r, six;

	*ret_closed = 0;
	if (!addr_size(a->family))
		return -EINVAL;
	r = sockdiag_new(&s.diag);
	if (r < 0)
		return r;
	r = sockets_list(&s, a->family);
	six = r == 0 && a->family == AF_INET ? sockets_list(&s, AF_INET6) : 0;
	/* What has been found is closed even if the second dump failed. */
	if (r == 0 && six < 0 && six != -EOPNOTSUPP)
		r = six;
	six = destroy_all(&s, ret_closed);
	if (six == -EOPNOTSUPP)
		six = reset_all(&s, ret_closed);
	nlsock_free(s.diag);
	free(s.found);
	return r < 0 ? r : six;
}

bool sockets_can_destroy(void)
{
	/* port 0 on both sides, and a cookie no socket has: found is none */
	const struct found none = { .family = AF_INET, .id = { .idiag_cookie = { 1, 0 } } };
	struct sockets s = { .own = { .family = AF_INET } };
	int r = sockdiag_new(&s.diag);

	if (r == 0)
		r = kernel_sockets_destroy(&s, &none);
	nlsock_free(s.diag);
	return r == -ENOENT || r == -ESTALE;
}
