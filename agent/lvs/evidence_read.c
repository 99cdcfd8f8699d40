/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One look: the sockets that have their local end in common with another. */
#include "lvs/evidence_part.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* More of them are not looked at. */
#define SOCKETS_MAX (1U << 20)

static bool bit_has(const uint8_t *bits, uint32_t i)
{
	return bits[i / 8] & 1U << i % 8;
}

static void bit_set(uint8_t *bits, uint32_t i)
{
	bits[i / 8] = (uint8_t)(bits[i / 8] | 1U << i % 8);
}

static uint32_t end_bit(const struct flow *f)
{
	return hash_bytes(f->cport, f->client, sizeof(f->client)) % EVIDENCE_ENDS;
}

int evidence_end_compare(const struct flow *a, const struct flow *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->cport != b->cport)
		return a->cport < b->cport ? -1 : 1;
	return memcmp(a->client, b->client, sizeof(a->client));
}

static int by_end(const void *va, const void *vb)
{
	const struct lvs_socket *a = va, *b = vb;
	int r = evidence_end_compare(&a->flow, &b->flow);

	if (r)
		return r;
	return a->times.cookie == b->times.cookie ? 0 : a->times.cookie < b->times.cookie ? -1 : 1;
}

static int count_end(void *ud, const struct flow *f)
{
	struct lvs_evidence *e = ud;
	struct flow n = *f;
	uint32_t bit;

	if (f->state == FLOW_LISTENING)
		bit_set(e->seen.listens, f->cport);
	if (f->l4proto != IPPROTO_TCP || bit_has(e->seen.listens, f->cport))
		return 0;
	flow_normalise(&n);
	bit = end_bit(&n);
	if (bit_has(e->seen.once, bit))
		bit_set(e->seen.twice, bit);
	bit_set(e->seen.once, bit);
	return 0;
}

static usec_t moment_before(usec_t now, uint32_t ms)
{
	usec_t ago = ms * USEC_PER_MSEC;

	return ago < now ? now - ago : 0;
}

static int evidence_take(void *ud, const struct flow *f)
{
	struct lvs_evidence *e = ud;
	struct flow n = *f;
	struct lvs_socket *s;
	usec_t now;
	int r;

	flow_normalise(&n);
	if (n.l4proto != IPPROTO_TCP || !bit_has(e->seen.twice, end_bit(&n)) ||
	    bit_has(e->seen.listens, n.cport) || e->n_news >= SOCKETS_MAX)
		return 0;
	r = array_reserve(&e->news, &e->cap_news, e->n_news + 1, sizeof(*e->news));
	if (r < 0)
		return r;
	s = &e->news[e->n_news++];
	*s = (struct lvs_socket){ .flow = n, .due = USEC_NEVER };
	if (!n.times)
		return 0;
	s->timed = true;
	s->times = *n.times;
	s->flow.times = NULL;
	now = e->kernel->ops->now(e->kernel->ctx);
	s->sent = moment_before(now, s->times.sent);
	s->acked = moment_before(now, s->times.acked);
	s->received = moment_before(now, s->times.received);
	if (s->times.next != UINT32_MAX)
		s->due = now + s->times.next * USEC_PER_MSEC;
	/* not RECEIVED: before 4.11 a socket that has received nothing has no such time */
	s->existed = MIN(s->sent, s->acked);
	/* before its handshake none of the three is a time of its own */
	if (n.state == FLOW_OPENING)
		s->existed = now;
	return 0;
}

/* What is known of S from earlier looks. */
static void carry_over(struct lvs_socket *s, const struct lvs_socket *old)
{
	s->existed = MIN(s->existed, old->existed);
	s->coincided = old->coincided;
	s->with = old->with;
	s->coincidences = old->coincidences;
	s->crossed = old->crossed && s->times.retransmits;
}

int evidence_read(struct lvs_evidence *e, const struct kernel *k)
{
	const struct lvs_socket *old;
	struct lvs_socket *list = e->list;
	size_t cap = e->cap, i;
	usec_t begun;
	int r;

	e->kernel = k;
	e->n_news = 0;
	memset(&e->seen, 0, sizeof(e->seen));
	r = k->ops->sock_list(k->ctx, SOCK_LISTENERS, count_end, e);
	begun = k->ops->now(k->ctx);
	if (r >= 0)
		r = k->ops->sock_list(k->ctx, SOCK_TIMES, evidence_take, e);
	if (r < 0)
		return r;
	if (e->n_news)
		qsort(e->news, e->n_news, sizeof(*e->news), by_end);
	for (i = 0; i < e->n_news && e->n; i++) {
		old = bsearch(&e->news[i], e->list, e->n, sizeof(*e->list), by_end);
		if (old)
			carry_over(&e->news[i], old);
	}
	e->list = e->news;
	e->cap = e->cap_news;
	e->n = e->n_news;
	e->news = list;
	e->cap_news = cap;
	e->at = k->ops->now(k->ctx);
	e->blur = MAX(e->blur, e->at - begun);
	return 0;
}
