/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/end.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define STATE_BITS 4

const char *const end_cause_words[] = { "unknown",
					"address-deleted",
					"flush",
					"link-down",
					"sweep",
					"deleted",
					"early-drop",
					"timeout",
					"finished",
					"reset",
					"reset-by-client",
					"reset-by-server",
					"ipvs",
					"lost",
					"arrived",
					"retranslated",
					NULL };

const char *const end_doubt_words[] = {
	"",
	"this kernel tells neither the state nor the time left of what ends",
	"its event was lost, and it was found missing",
	"it ended at that moment, and nothing else says why",
	"the table was nearly full, but this kernel does not tell what it dropped",
	"the kernel does not tell which side sent the reset",
	"what is known of this moment has been overwritten since",
	NULL
};

const char *const deed_words[] = {
	"none", "address-deleted", "link-down", "entries-deleted", "full",
	"away", "heard",	   "given-up",	"arrived",	   NULL
};

void end_init(struct end *e, const struct conn *c, usec_t at)
{
	const struct conn_key *k = &c->key;

	*e = (struct end){
		.at = at,
		.sport = k->orig.sport,
		.dport = k->orig.dport,
		.as_port = c->reply.dport,
		.to_port = c->reply.sport,
		.zone = k->zone,
		.timeout = c->timeout,
		.l4proto = k->l4proto,
		.state = (uint8_t)(c->tcp_state | k->zone_dir << STATE_BITS),
	};
	memcpy(e->src, k->orig.src, sizeof(e->src));
	memcpy(e->dst, k->orig.dst, sizeof(e->dst));
	memcpy(e->as, c->reply.dst, sizeof(e->as));
	memcpy(e->to, c->reply.src, sizeof(e->to));
	e->flags = (uint8_t)((k->family == AF_INET6 ? END_IS_IPV6 : 0) |
			     (c->status & CONN_SEEN_REPLY ? END_SEEN_REPLY : 0) |
			     (c->status & CONN_ASSURED ? END_ASSURED : 0));
}

struct conn end_conn(const struct end *e)
{
	struct conn c;

	memset(&c, 0, sizeof(c));
	memcpy(c.key.orig.src, e->src, sizeof(e->src));
	memcpy(c.key.orig.dst, e->dst, sizeof(e->dst));
	c.key.orig.sport = e->sport;
	c.key.orig.dport = e->dport;
	c.key.zone = e->zone;
	c.key.zone_dir = e->state >> STATE_BITS;
	c.key.family = e->flags & END_IS_IPV6 ? AF_INET6 : AF_INET;
	c.key.l4proto = e->l4proto;
	memcpy(c.reply.src, e->to, sizeof(e->to));
	memcpy(c.reply.dst, e->as, sizeof(e->as));
	c.reply.sport = e->to_port;
	c.reply.dport = e->as_port;
	c.timeout = e->timeout;
	c.tcp_state = e->state & ((1 << STATE_BITS) - 1);
	c.status = (e->flags & END_SEEN_REPLY ? CONN_SEEN_REPLY : 0) |
		   (e->flags & END_ASSURED ? CONN_ASSURED : 0);
	return c;
}

bool end_is_valid(const struct end *e)
{
	static const uint8_t zero[12];

	return e->at && e->cause < END_CAUSE_COUNT && e->doubt < DOUBT_COUNT &&
	       e->state >> STATE_BITS <= CONN_ZONE_REPLY &&
	       (e->state & ((1 << STATE_BITS) - 1)) <= CONN_TCP_SYN_SENT2 &&
	       (e->flags & END_IS_IPV6 ||
		(!memcmp(e->src + 4, zero, 12) && !memcmp(e->dst + 4, zero, 12) &&
		 !memcmp(e->as + 4, zero, 12) && !memcmp(e->to + 4, zero, 12)));
}

static bool is_text(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

bool deed_is_valid(const struct deed *d)
{
	const struct addr *a = &d->address.addr;

	return d->at && d->what > DEED_NONE && d->what < DEED_WHAT_COUNT && d->by <= BY_US &&
	       (!a->family ||
		(addr_size(a->family) && d->address.len <= addr_size(a->family) * 8)) &&
	       is_text(d->device, sizeof(d->device)) && is_text(d->comm, sizeof(d->comm)) &&
	       is_text(d->operation, sizeof(d->operation));
}

const char *end_sysctl(const struct end *e)
{
	static const char *const tcp[] = {
		[CONN_TCP_SYN_SENT] = "nf_conntrack_tcp_timeout_syn_sent",
		[CONN_TCP_SYN_RECV] = "nf_conntrack_tcp_timeout_syn_recv",
		[CONN_TCP_ESTABLISHED] = "nf_conntrack_tcp_timeout_established",
		[CONN_TCP_FIN_WAIT] = "nf_conntrack_tcp_timeout_fin_wait",
		[CONN_TCP_CLOSE_WAIT] = "nf_conntrack_tcp_timeout_close_wait",
		[CONN_TCP_LAST_ACK] = "nf_conntrack_tcp_timeout_last_ack",
		[CONN_TCP_TIME_WAIT] = "nf_conntrack_tcp_timeout_time_wait",
		[CONN_TCP_CLOSE] = "nf_conntrack_tcp_timeout_close",
		[CONN_TCP_SYN_SENT2] = "nf_conntrack_tcp_timeout_syn_sent",
	};
	const struct conn c = end_conn(e);

	switch (e->l4proto) {
	case IPPROTO_TCP:
		/* once established, while what was sent is not acknowledged, it is another; the
		 * kernel does not tell */
		return c.tcp_state && c.tcp_state <= CONN_TCP_SYN_SENT2
			       ? tcp[c.tcp_state]
			       : "nf_conntrack_tcp_timeout_*";
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return e->flags & END_ASSURED ? "nf_conntrack_udp_timeout_stream"
					      : "nf_conntrack_udp_timeout";
	case IPPROTO_ICMP:
		return "nf_conntrack_icmp_timeout";
	case IPPROTO_ICMPV6:
		return "nf_conntrack_icmpv6_timeout";
	case IPPROTO_SCTP:
		return "nf_conntrack_sctp_timeout_*";
	case IPPROTO_DCCP:
		return "nf_conntrack_dccp_timeout_*";
	case IPPROTO_GRE:
		return e->flags & END_ASSURED ? "nf_conntrack_gre_timeout_stream"
					      : "nf_conntrack_gre_timeout";
	}
	return "nf_conntrack_generic_timeout";
}
