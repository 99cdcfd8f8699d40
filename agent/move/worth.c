/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/worth.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <vipsafe/base.h>

#include "move/pace.h"
#include "move/repair.h"

/* Counts per expected entry, so that few share one. */
#define SLOTS_PER_ENTRY 4
#define SLOTS_MIN 1024

#define UNKNOWN UINT8_MAX

struct worth_shares {
	uint64_t seed;
	size_t n_slots;	  /* of each table, a power of two */
	uint32_t *counts; /* owned: by source, then by socket */
};

struct worth_shares *worth_shares_new(uint64_t seed, size_t n)
{
	struct worth_shares *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->seed = seed | 1;
	for (s->n_slots = SLOTS_MIN; s->n_slots < n * SLOTS_PER_ENTRY;)
		s->n_slots *= 2;
	s->counts = calloc(2 * s->n_slots, sizeof(*s->counts));
	return s->counts ? s : worth_shares_free(s);
}

struct worth_shares *worth_shares_free(struct worth_shares *s)
{
	if (s)
		free(s->counts);
	free(s);
	return NULL;
}

void worth_shares_reset(struct worth_shares *s)
{
	memset(s->counts, 0, 2 * s->n_slots * sizeof(*s->counts));
}

enum worth worth_of(const struct conn *c)
{
	if (!(c->status & (CONN_SEEN_REPLY | CONN_ASSURED)))
		return WORTH_UNANSWERED;
	if (!(c->status & CONN_ASSURED))
		return WORTH_ANSWERED;
	return c->key.l4proto == IPPROTO_TCP ? WORTH_TCP : WORTH_ASSURED;
}

static uint64_t worth_mix(uint64_t h, uint64_t word, uint64_t seed)
{
	h = (h ^ (word + seed)) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

/* Numbers of C's source, and of its socket there, each apart by KIND. */
static void slots_of(const struct worth_shares *s, const struct conn *c, enum worth kind,
		     size_t *ret_source, size_t *ret_socket)
{
	const struct conn_key *k = &c->key;
	uint64_t words[2], h = s->seed;

	memcpy(words, k->orig.src, sizeof(words));
	h = worth_mix(h, words[0], s->seed);
	h = worth_mix(h, words[1], s->seed);
	h = worth_mix(h, (uint64_t)kind << 32 | (uint64_t)k->family << 16 | k->zone, s->seed);
	*ret_source = h & (s->n_slots - 1);
	h = worth_mix(h, (uint64_t)k->l4proto << 16 | k->orig.sport, s->seed);
	*ret_socket = s->n_slots + (h & (s->n_slots - 1));
}

enum worth worth_take(struct worth_shares *s, const struct conn *c, uint32_t *ret_turn)
{
	enum worth kind = worth_of(c);
	size_t source, socket;
	uint32_t before;

	slots_of(s, c, kind, &source, &socket);
	before = s->counts[socket]++;
	*ret_turn = s->counts[source]++;
	if (kind == WORTH_UNANSWERED)
		return before >= WORTH_SOCKET_SHARE || *ret_turn >= WORTH_SOURCE_SHARE
			       ? WORTH_UNANSWERED_MORE
			       : kind;
	if (before >= WORTH_SOCKET_SHARE)
		return WORTH_CROWDED;
	return *ret_turn >= WORTH_SOURCE_SHARE ? (enum worth)(kind + WORTH_TCP_MORE) : kind;
}

/* Where each entry of the set belongs. */
struct places {
	uint8_t *worth; /* owned, by index in the set; UNKNOWN: not to be sorted */
	uint32_t *turn; /* owned */
};

static void places_done(struct places *p)
{
	free(p->worth);
	free(p->turn);
}

/* No earlier than its master, which has been placed before. */
static void follow_master(struct places *p, const struct connset *set, uint32_t i)
{
	int64_t m = connset_master(set, i);

	if (m < 0 || p->worth[m] == UNKNOWN || p->worth[m] < p->worth[i])
		return;
	if (p->worth[m] > p->worth[i] || p->turn[m] > p->turn[i])
		p->turn[i] = p->turn[m];
	p->worth[i] = p->worth[m];
}

static int place_all(struct places *p, uint64_t seed, const struct connset *set,
		     const uint32_t *indices, size_t n)
{
	struct worth_shares *shares = worth_shares_new(seed, n);
	size_t i;

	if (!shares)
		return -ENOMEM;
	memset(p->worth, UNKNOWN, connset_count(set));
	for (i = 0; i < n; i++) {
		uint32_t at = indices[i];

		p->worth[at] = (uint8_t)worth_take(shares, connset_get(set, at), &p->turn[at]);
		follow_master(p, set, at);
	}
	worth_shares_free(shares);
	return 0;
}

/* Stable: by turn, into SORTED. */
static int sort_by_turn(const struct places *p, const uint32_t *indices, size_t n, uint32_t *sorted)
{
	_cleanup_free_ uint32_t *start = calloc(n + 1, sizeof(*start));
	size_t i;

	if (!start)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		start[p->turn[indices[i]] + 1]++;
	for (i = 1; i <= n; i++)
		start[i] += start[i - 1];
	for (i = 0; i < n; i++)
		sorted[start[p->turn[indices[i]]]++] = indices[i];
	return 0;
}

/* Stable: by worth, from SORTED back. */
static void sort_by_worth(const struct places *p, const uint32_t *sorted, size_t n,
			  uint32_t *indices, size_t ret_ends[WORTH_COUNT])
{
	size_t start[WORTH_COUNT + 1] = { 0 }, i;

	for (i = 0; i < n; i++)
		start[p->worth[sorted[i]] + 1]++;
	for (i = 1; i <= WORTH_COUNT; i++)
		start[i] += start[i - 1];
	memcpy(ret_ends, start + 1, WORTH_COUNT * sizeof(*ret_ends));
	for (i = 0; i < n; i++)
		indices[start[p->worth[sorted[i]]]++] = sorted[i];
}

int worth_order(uint64_t seed, const struct connset *set, uint32_t *indices, size_t n,
		size_t ret_ends[WORTH_COUNT])
{
	_cleanup_(places_done) struct places p = { .worth = malloc(connset_count(set) + 1) };
	_cleanup_free_ uint32_t *sorted = malloc((n + 1) * sizeof(*sorted));
	int r = repair_order_active(set, indices, n);

	p.turn = malloc((connset_count(set) + 1) * sizeof(*p.turn));
	if (!p.worth || !p.turn || !sorted)
		return -ENOMEM;
	if (r == 0)
		r = repair_order(set, indices, n);
	if (r == 0)
		r = place_all(&p, seed, set, indices, n);
	if (r == 0)
		r = sort_by_turn(&p, indices, n, sorted);
	if (r == 0)
		sort_by_worth(&p, sorted, n, indices, ret_ends);
	return r;
}

/* Time for the less worthy entries (worth.h) while the flush is under way. Thousands of
 * creates slow a flush down from 50 ms to a second, and it may yet take worthy ones. */
#define LESSER_TIMEOUT (5 * USEC_PER_MSEC)

int chunk_send(const struct run *run, struct ct_op *ops, size_t n)
{
	const struct kernel *k = &run->env->kernel;
	int r = k->ops->ct_batch(k->ctx, ops, n);

	return r == -ENOBUFS ? 0 : r;
}

/* Indices of the candidates in STATE, in the order of SET. */
static uint32_t *chunk_collect(const struct run *run, enum entry_state state, size_t *ret_n)
{
	size_t i, n = connset_count(run->set), m = 0;
	uint32_t *idx = malloc(MAX(n, (size_t)1) * sizeof(*idx));

	for (i = 0; idx && i < n; i++)
		if (run->entries[i].skip == SKIP_NONE && run->entries[i].state == state)
			idx[m++] = (uint32_t)i;
	*ret_n = m;
	return idx;
}

/* Call WORK on a chunk of IDX[AT..END) after the other, until DEADLINE. */
static int chunk_each_of(struct chunk *ch, const uint32_t *idx, size_t at, size_t end,
			 usec_t deadline, chunk_work work)
{
	struct run *run = ch->run;
	struct pace pace = pace_begin(CHUNK_MAX);
	int r = 0;

	while (at < end && r == 0) {
		usec_t began = run_now(run);
		size_t n = MIN(end - at, pace.n);

		if (began >= deadline)
			break;
		if (!ch->only_looks || run->armed_since)
			run_keep_hold(run);
		r = work(ch, idx + at, n);
		pace_note(&pace, n, run_now(run) - began);
		at += n;
	}
	return r;
}

int chunk_each(struct run *run, enum entry_state state, chunk_work work)
{
	_cleanup_free_ struct chunk *ch = malloc(sizeof(*ch));
	_cleanup_free_ uint32_t *idx = NULL;
	size_t n, ends[WORTH_COUNT], w, at = 0;
	usec_t deadline = run->deadline;
	int r = 0;

	idx = chunk_collect(run, state, &n);
	if (!ch || !idx)
		return -ENOMEM;
	if (!n)
		return 0;
	ch->run = run;
	ch->only_looks = state == ENTRY_CREATED;
	r = worth_order(run->env->seed, run->set, idx, n, ends);
	for (w = 0; w < WORTH_COUNT && r == 0; w++) {
		if (w == WORTH_CROWDED && run->flushing)
			deadline = MIN(deadline, run_now(run) + LESSER_TIMEOUT);
		r = chunk_each_of(ch, idx, at, ends[w], deadline, work);
		at = ends[w];
	}
	return r;
}
