/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/flow.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

static const char *const state_words[] = {
	[FLOW_OPENING] = "OPENING",
	[FLOW_ESTABLISHED] = "ESTABLISHED",
	[FLOW_CLOSING] = "CLOSING",
	[FLOW_TIME_WAIT] = "TIME_WAIT",
	[FLOW_CLOSED] = "CLOSED",
	[FLOW_LISTENING] = "LISTENING",
	NULL,
};

const char *flow_state_name(enum flow_state state)
{
	return word_of(state_words, state);
}

static enum flow_state flow_state_of_conn(const struct conn *c)
{
	if (c->key.l4proto != IPPROTO_TCP)
		return c->status & CONN_SEEN_REPLY ? FLOW_ESTABLISHED : FLOW_OPENING;
	switch ((enum conn_tcp_state)c->tcp_state) {
	case CONN_TCP_NONE:
		/* events of old kernels may lack the state */
		return c->status & CONN_SEEN_REPLY ? FLOW_ESTABLISHED : FLOW_OPENING;
	case CONN_TCP_SYN_SENT:
	case CONN_TCP_SYN_RECV:
	case CONN_TCP_SYN_SENT2:
		return FLOW_OPENING;
	case CONN_TCP_ESTABLISHED:
		return FLOW_ESTABLISHED;
	case CONN_TCP_FIN_WAIT:
	case CONN_TCP_CLOSE_WAIT:
	case CONN_TCP_LAST_ACK:
		return FLOW_CLOSING;
	case CONN_TCP_TIME_WAIT:
		return FLOW_TIME_WAIT;
	case CONN_TCP_CLOSE:
		return FLOW_CLOSED;
	}
	return FLOW_OPENING;
}

bool flow_of_conn(const struct conn *c, struct flow *ret)
{
	uint8_t proto = c->key.l4proto;

	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP && proto != IPPROTO_SCTP &&
	    proto != IPPROTO_DCCP && proto != IPPROTO_UDPLITE)
		return false;
	*ret = (struct flow){
		.family = c->key.family,
		.l4proto = proto,
		.state = (uint8_t)flow_state_of_conn(c),
		.origin = FLOW_CONNTRACK,
		.cport = ntohs(c->reply.dport),
		.dport = ntohs(c->reply.sport),
	};
	memcpy(ret->client, c->reply.dst, sizeof(ret->client));
	memcpy(ret->dest, c->reply.src, sizeof(ret->dest));
	return true;
}

struct conn flow_conn(const struct flow *f)
{
	struct tuple t;
	struct conn c;

	memset(&t, 0, sizeof(t));
	memset(&c, 0, sizeof(c));
	memcpy(t.src, f->client, sizeof(t.src));
	memcpy(t.dst, f->dest, sizeof(t.dst));
	t.sport = htons(f->cport);
	t.dport = htons(f->dport);
	c.key = conn_key_make(f->family, f->l4proto, &t, 0, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&t, f->l4proto);
	return c;
}

static bool is_mapped(const uint8_t *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(addr, mapped, sizeof(mapped));
}

static void unmap(uint8_t *addr)
{
	memmove(addr, addr + 12, 4);
	memset(addr + 4, 0, 12);
}

void flow_normalise(struct flow *f)
{
	if (f->family != AF_INET6 || !is_mapped(f->client) || !is_mapped(f->dest))
		return;
	f->family = AF_INET;
	unmap(f->client);
	unmap(f->dest);
	if (f->has_rs && f->rs.family == AF_INET6 && is_mapped(f->rs.bytes)) {
		f->rs.family = AF_INET;
		unmap(f->rs.bytes);
	}
}

bool flow_same_dest(const struct flow *a, const struct flow *b)
{
	return a->family == b->family && a->dport == b->dport &&
	       !memcmp(a->dest, b->dest, sizeof(a->dest));
}

bool flow_same_client(const struct flow *a, const struct flow *b)
{
	return a->family == b->family && a->cport == b->cport &&
	       !memcmp(a->client, b->client, sizeof(a->client));
}

/* Keepalives that are further apart do not matter. */
#define KEEPALIVE_MAX_MS 300000

/* They are whole seconds apart; before Linux 4.8 mod_timer() adds up to a 256th. */
bool flow_may_have_probed(const struct flow_times *t, uint32_t slack)
{
	uint64_t apart = (uint64_t)t->acked + t->keepalive;

	if (!t->keepalive || apart > KEEPALIVE_MAX_MS)
		return t->window_probes;
	return (apart + slack) % 1000 <= 2 * slack + apart / 256;
}
