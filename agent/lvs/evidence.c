/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/evidence.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "lvs/evidence_part.h"

/* So much later than the question an answer may be seen, beside the time on the way: the kernel's
 * clock for it ticks every 1 to 10 ms. */
#define SLACK (15 * USEC_PER_MSEC)
#define RTT_MAX_MS 500

/* So many retransmissions without an answer: the peer is gone, or its answers are. */
#define HUNG_AFTER 2

/* An acknowledgement that comes so long after the last data is none for it: longer than any
 * server delays one (200 ms). Sooner it may be, so that it is proof only if seen twice. */
#define QUIET_SURE (200 * USEC_PER_MSEC)
#define QUIET_LIKELY (40 * USEC_PER_MSEC)
#define TIMES_LIKELY 2

/* An answer is late after so much more than the time on the way. */
#define LATE (50 * USEC_PER_MSEC)

/* When to look again. The kernel's timer wheel makes a retransmission up to an eighth late. */
#define AFTER_DUE (5 * USEC_PER_MSEC)
#define OVERDUE (20 * USEC_PER_MSEC)
#define CLEAR_AFTER (200 * USEC_PER_MSEC)
#define CLEAR_LOOKS 2
#define CLEAR_ACTIVE USEC_PER_SEC

/* More sockets on one local port are those of a server. */
#define SHARERS_MAX 64

struct lvs_evidence *lvs_evidence_new(void)
{
	return calloc(1, sizeof(struct lvs_evidence));
}

struct lvs_evidence *lvs_evidence_free(struct lvs_evidence *e)
{
	if (e) {
		free(e->list);
		free(e->news);
	}
	free(e);
	return NULL;
}

/* ---- what it shows ---- */

/* How long S has neither sent nor received data before its last acknowledgement came; 0: it
 * has since. */
static usec_t quiet_before_ack(const struct lvs_socket *s)
{
	usec_t apart = s->received > s->acked ? s->received - s->acked : s->acked - s->received;

	if (s->sent > s->acked || apart <= SLACK)
		return 0;
	return s->received > s->acked ? s->acked - s->sent
				      : MIN(s->acked - s->sent, s->acked - s->received);
}

static usec_t rtt_of(const struct lvs_socket *a, const struct lvs_socket *b)
{
	uint32_t ms = MAX(a->times.rtt, b->times.rtt);

	return MIN(ms, (uint32_t)RTT_MAX_MS) * USEC_PER_MSEC;
}

static bool is_open(const struct lvs_socket *s)
{
	return s->timed && (s->flow.state == FLOW_ESTABLISHED || s->flow.state == FLOW_CLOSING);
}

static bool is_asking(const struct lvs_socket *s)
{
	return s->timed && s->times.retransmits && s->due != USEC_NEVER;
}

/* Whether an answer to S is late, though it has not asked again yet. */
static bool is_waiting(const struct lvs_evidence *e, const struct lvs_socket *s)
{
	return s->timed && s->due != USEC_NEVER && s->flow.state == FLOW_ESTABLISHED &&
	       s->sent + LATE + 2 * rtt_of(s, s) < e->at;
}

/* Whether OTHER was sent what HUNG has asked for last, for all one look shows. */
static void compare(struct lvs_socket *hung, const struct lvs_socket *other)
{
	usec_t rtt = rtt_of(hung, other), quiet = quiet_before_ack(other);

	if (hung->crossed || !is_asking(hung) || hung->times.retransmits < HUNG_AFTER ||
	    !is_open(other) || other->acked + SLACK < hung->sent ||
	    other->acked > hung->sent + rtt + SLACK)
		return;
	if (quiet < QUIET_LIKELY + 2 * rtt ||
	    flow_may_have_probed(&other->times, (uint32_t)((rtt + SLACK) / USEC_PER_MSEC)))
		return;
	if (hung->with != other->times.cookie)
		hung->coincidences = 0;
	else if (hung->coincidences && hung->sent < hung->coincided + 2 * SLACK)
		return; /* the same one as before */
	hung->with = other->times.cookie;
	hung->coincided = hung->sent;
	hung->coincidences++;
	hung->crossed = quiet >= QUIET_SURE + 2 * rtt || hung->coincidences >= TIMES_LIKELY;
}

static size_t group_end(const struct lvs_evidence *e, size_t first)
{
	size_t end = first + 1;

	while (end < e->n && !evidence_end_compare(&e->list[first].flow, &e->list[end].flow))
		end++;
	return end;
}

static bool group_counts(size_t first, size_t end)
{
	return end - first >= 2 && end - first <= SHARERS_MAX;
}

static bool clears(const struct lvs_evidence *e, const struct lvs_socket *first,
		   const struct lvs_socket *second)
{
	return is_open(first) && second->existed &&
	       (is_open(second) || second->flow.state == FLOW_TIME_WAIT) &&
	       MAX(first->acked, first->received) > second->existed + 2 * SLACK + e->blur;
}

/* When another look may show more of the pair; USEC_NEVER: it need not be waited for. */
static usec_t pair_next(const struct lvs_evidence *e, const struct lvs_socket *a,
			const struct lvs_socket *b, bool clear)
{
	usec_t heard;

	if (is_asking(a) || is_waiting(e, a)) {
		if (a->crossed || !is_open(b))
			return USEC_NEVER;
		return a->due > e->at ? a->due + AFTER_DUE + rtt_of(a, b) : e->at + OVERDUE;
	}
	heard = MAX(a->acked, a->received);
	if (!clear || !is_open(a) || !is_open(b) || is_asking(b) || clears(e, a, b) ||
	    heard + CLEAR_ACTIVE < e->at)
		return USEC_NEVER;
	return e->at + CLEAR_AFTER;
}

/* Compare each two of a group. Returns when another look may show more. */
static usec_t compare_group(struct lvs_evidence *e, size_t first, size_t end, bool clear)
{
	usec_t next = USEC_NEVER;
	size_t i, j;

	for (i = first; i < end; i++) {
		for (j = first; j < end; j++) {
			if (i == j)
				continue;
			compare(&e->list[i], &e->list[j]);
			next = MIN(next, pair_next(e, &e->list[i], &e->list[j], clear));
		}
	}
	return next;
}

static usec_t compare_all(struct lvs_evidence *e, bool clear)
{
	usec_t next = USEC_NEVER;
	size_t first, end;

	for (first = 0; first < e->n; first = end) {
		end = group_end(e, first);
		if (group_counts(first, end))
			next = MIN(next, compare_group(e, first, end, clear));
	}
	return next;
}

int lvs_evidence_look(struct lvs_evidence *e, const struct kernel *k, bool clear, usec_t *ret_next)
{
	int r = evidence_read(e, k);

	if (r >= 0)
		*ret_next = compare_all(e, clear);
	return r;
}

int lvs_evidence_search(struct lvs_evidence *e, const struct kernel *k, usec_t limit, bool clear)
{
	usec_t end = k->ops->now(k->ctx) + limit, next, before;
	unsigned looks;
	int r = 0;

	for (looks = 0; r >= 0; looks++) {
		before = k->ops->now(k->ctx);
		r = lvs_evidence_look(e, k, clear && looks < CLEAR_LOOKS, &next);
		if (r < 0 || next > end)
			break;
		next = MAX(next, e->at + (e->at - before)); /* half of the time at most */
		k->ops->sleep(k->ctx, next - e->at);
	}
	return r;
}

/* ---- questions ---- */

/* The one that gets the answers to S. */
static const struct lvs_socket *other_of(const struct lvs_evidence *e, const struct lvs_socket *s)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (e->list[i].times.cookie == s->with)
			return &e->list[i];
	}
	return NULL;
}

int lvs_evidence_each(const struct lvs_evidence *e,
		      int (*sink)(void *ud, const struct lvs_crossing *c), void *ud)
{
	const struct lvs_socket *s, *other;
	size_t i;
	int r = 0;

	for (i = 0; i < e->n && r >= 0; i++) {
		s = &e->list[i];
		other = s->crossed ? other_of(e, s) : NULL;
		if (other)
			r = sink(ud, &(struct lvs_crossing){ s->flow, other->flow });
	}
	return r;
}

static size_t first_of(const struct lvs_evidence *e, const struct flow *f)
{
	size_t low = 0, high = e->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (evidence_end_compare(&e->list[middle].flow, f) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct lvs_socket *evidence_find(const struct lvs_evidence *e, const struct flow *f)
{
	struct flow n = *f;
	size_t i;

	flow_normalise(&n);
	for (i = n.l4proto == IPPROTO_TCP ? first_of(e, &n) : e->n;
	     i < e->n && !evidence_end_compare(&e->list[i].flow, &n); i++) {
		if (flow_same_dest(&e->list[i].flow, &n))
			return &e->list[i];
	}
	return NULL;
}

bool lvs_evidence_has(const struct lvs_evidence *e, const struct flow *a, const struct flow *b,
		      const struct flow **ret_hung)
{
	const struct lvs_socket *x = evidence_find(e, a), *y = evidence_find(e, b);
	bool x_hung = x && y && x->crossed && x->with == y->times.cookie;

	*ret_hung = x_hung ? a : b;
	return x_hung || (x && y && y->crossed && y->with == x->times.cookie);
}

bool lvs_evidence_clears(const struct lvs_evidence *e, const struct flow *first,
			 const struct flow *second)
{
	const struct lvs_socket *x = evidence_find(e, first), *y = evidence_find(e, second);
	struct lvs_socket opened;

	if (!x || !y)
		return false;
	opened = *y; /* the daemon has seen it come to be, within a second: */
	if (second->since && !(second->origin & FLOW_HELD))
		opened.existed = MIN(opened.existed, second->since + USEC_PER_SEC);
	return clears(e, x, &opened);
}

int lvs_evidence_ask(const struct kernel *k, const struct flow *f, usec_t limit, struct flow *ret)
{
	_cleanup_(lvs_evidence_freep) struct lvs_evidence *e = lvs_evidence_new();
	const struct lvs_socket *s, *other;
	int r = e ? lvs_evidence_search(e, k, limit, false) : -ENOMEM;

	if (r < 0)
		return r;
	s = evidence_find(e, f);
	other = s && s->crossed ? other_of(e, s) : NULL;
	if (other)
		*ret = other->flow;
	return other != NULL;
}

int lvs_evidence_each_shared(const struct lvs_evidence *e, lvs_shared_sink sink, void *ud)
{
	const struct flow *a, *b;
	size_t first, end, i, j;
	bool is_first;
	int r = 0;

	for (first = 0; first < e->n && r >= 0; first = end) {
		end = group_end(e, first);
		is_first = true;
		for (i = first; i < end && group_counts(first, end); i++) {
			for (j = i + 1; j < end && r >= 0; j++) {
				a = &e->list[i].flow;
				b = &e->list[j].flow;
				if (a->state == FLOW_TIME_WAIT || b->state == FLOW_TIME_WAIT)
					continue;
				r = sink(ud, a, b, is_first);
				is_first = false;
			}
		}
	}
	return r;
}
