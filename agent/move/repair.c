/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/repair.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/shape.h"

/* A control connection, its data connection, and one more for protocols that
 * negotiate in two steps (H.323). */
#define DEPTH_MAX 3

#define TRANSLATION_BITS (CONN_SRC_NAT | CONN_DST_NAT | CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE)

bool repair_matches(const struct conn *old, const struct conn *now)
{
	uint32_t before = old->status & TRANSLATION_BITS, bits = now->status & TRANSLATION_BITS;

	return conn_key_equal(&old->key, &now->key) && tuple_equal(&old->reply, &now->reply) &&
	       (bits == before || bits == (before | CONN_DST_NAT_DONE));
}

/* The shortest time a connection stays listed after its last packet: a TCP one
 * that was reset, in CLOSE (nf_conntrack_proto_tcp.c: tcp_timeouts). */
#define CLOSE_SECONDS 10

bool repair_may_have_ended(const struct conn *c, uint32_t elapsed)
{
	/* the kernel rounds down */
	if (elapsed >= CLOSE_SECONDS || c->timeout <= elapsed + 1)
		return true;
	/* a reset in answer to the SYN takes the entry away at once */
	return c->key.l4proto == IPPROTO_TCP && !(c->status & CONN_SEEN_REPLY);
}

/* The client's next packet made this entry while ours was gone. In the middle
 * of an old TCP connection it was picked up as ESTABLISHED without a handshake,
 * and the peer, seeing a new source port, has answered RST at most. A
 * handshake, or an ASSURED entry, is a new connection the peer takes part in; so are
 * datagrams that are answered while nothing can reach the address that they had. */
static bool is_new_connection(const struct conn *now, bool absent)
{
	if (now->key.l4proto != IPPROTO_TCP)
		return now->status & (absent ? CONN_SEEN_REPLY : CONN_ASSURED);
	switch ((enum conn_tcp_state)now->tcp_state) {
	case CONN_TCP_SYN_SENT:
	case CONN_TCP_SYN_RECV:
	case CONN_TCP_SYN_SENT2:
		return true;
	case CONN_TCP_NONE:
	case CONN_TCP_CLOSE:
		return false;
	case CONN_TCP_ESTABLISHED:
	case CONN_TCP_FIN_WAIT:
	case CONN_TCP_CLOSE_WAIT:
	case CONN_TCP_LAST_ACK:
	case CONN_TCP_TIME_WAIT:
		break;
	}
	return now->status & CONN_ASSURED;
}

/* Whether NOW was altered by somebody else, in another way than OLD was. */
static bool is_altered_anew(const struct conn *old, const struct conn *now)
{
	enum alteration by = conn_alteration(now);

	if (by == ALTERATION_OTHER || by != conn_alteration(old))
		return true;
	return by == ALTERATION_SERVER && (memcmp(old->reply.src, now->reply.src, 16) != 0 ||
					   old->reply.sport != now->reply.sport);
}

enum conflict repair_judge(const struct conn *old, const struct conn *now, bool absent)
{
	if (conn_key_equal(&old->key, &now->key)) {
		if (tuple_equal(&old->reply, &now->reply))
			return CONFLICT_SAME;
		if (is_altered_anew(old, now))
			return CONFLICT_ALTERED;
		return is_new_connection(now, absent) ? CONFLICT_SUPERSEDED : CONFLICT_WRONG;
	}
	/* A flow in whose original direction our replies travel: with our entry
	 * gone, the peer's packet was delivered locally. */
	if (tuple_equal(&now->key.orig, &old->reply) && now->key.l4proto == old->key.l4proto &&
	    conn_alteration(now) == ALTERATION_NONE)
		return CONFLICT_BOGUS;
	return CONFLICT_FOREIGN;
}

bool repair_lookup_key(const struct conn *c, unsigned attempt, struct conn_key *ret)
{
	bool directional = c->key.zone && c->key.zone_dir != CONN_ZONE_BOTH;
	uint16_t zone = c->key.zone;

	if (attempt == 0) {
		*ret = c->key;
		return true;
	}
	/* With a zone for one direction only, an entry of that zone and one of
	 * none can both be in the way: the kernel compares zones in the
	 * direction of the entry that is there (nf_ct_key_equal()). */
	if (attempt == 2 && directional)
		zone = 0;
	else if (attempt != 1)
		return false;
	*ret = conn_key_make(c->key.family, c->key.l4proto, &c->reply, zone, CONN_ZONE_BOTH);
	return true;
}

static unsigned depth_of(const struct connset *set, uint32_t index)
{
	int64_t at = index;
	unsigned depth;

	for (depth = 0; depth < DEPTH_MAX; depth++) {
		at = connset_master(set, (size_t)at);
		if (at < 0)
			break;
	}
	return depth;
}

int repair_order(const struct connset *set, uint32_t *indices, size_t n)
{
	_cleanup_free_ uint32_t *sorted = NULL;
	size_t i, out = 0, children = 0;
	unsigned depth;

	for (i = 0; i < n; i++)
		children += connset_get(set, indices[i])->has_master;
	if (!children)
		return 0;
	sorted = malloc(n * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (depth = 0; depth <= DEPTH_MAX; depth++)
		for (i = 0; i < n; i++)
			if (depth_of(set, indices[i]) == depth)
				sorted[out++] = indices[i];
	memcpy(indices, sorted, n * sizeof(*sorted));
	return 0;
}

/* Entries of one kind start from the same timeout with each packet. */
#define KINDS 1024
#define IDLE_MAX 1023

static unsigned kind_of(const struct conn *c)
{
	unsigned assured = c->status & CONN_ASSURED ? 1 : 0;

	return c->key.l4proto == IPPROTO_TCP ? 512 + 2 * (c->tcp_state & 0x7f) + assured
					     : 2U * c->key.l4proto + assured;
}

/* Idle seconds, beyond IDLE_MAX all alike. */
static unsigned idle_of(const struct conn *c, const uint32_t *longest)
{
	return MIN(longest[kind_of(c)] - c->timeout, (uint32_t)IDLE_MAX);
}

int repair_order_active(const struct connset *set, uint32_t *indices, size_t n)
{
	_cleanup_free_ uint32_t *longest = calloc(KINDS, sizeof(*longest));
	_cleanup_free_ uint32_t *sorted = malloc(MAX(n, (size_t)1) * sizeof(*sorted));
	size_t start[IDLE_MAX + 2] = { 0 }, i;

	if (!longest || !sorted)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		const struct conn *c = connset_get(set, indices[i]);

		longest[kind_of(c)] = MAX(longest[kind_of(c)], c->timeout);
	}
	for (i = 0; i < n; i++)
		start[idle_of(connset_get(set, indices[i]), longest) + 1]++;
	for (i = 1; i < ARRAY_SIZE(start); i++)
		start[i] += start[i - 1];
	for (i = 0; i < n; i++)
		sorted[start[idle_of(connset_get(set, indices[i]), longest)]++] = indices[i];
	memcpy(indices, sorted, n * sizeof(*sorted));
	return 0;
}
