/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/chunk.h"

#include <errno.h>

#include "move/pace.h"
#include "move/worth.h"

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
