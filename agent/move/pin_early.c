/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pin some while the table is still being read: by another thread, so that a processor is free. The
 * journal begins with what is pinned so early, and grows; recovery lists the table anew and pins
 * all. What is not pinned here is left to pin_entries(). */
#include "move/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/os.h"
#include "move/journal.h"
#include "move/pace.h"
#include "move/worth.h"

struct pin_early {
	struct pinning p;
	struct worth_shares *shares;
	size_t next;	/* entry of the set to be looked at */
	int journal;	/* a descriptor */
	uint64_t saved; /* entries in it */
	struct pace pace;
	bool over; /* no more */
};

/* Times are rounded down each time an entry is made: none is to end by that. */
#define EARLY_SECONDS 10

/* Children come after their masters, which may not be known yet; and what a reset may end at any
 * moment as late as can be. */
static bool is_early_kind(const struct conn *c)
{
	return !c->has_master && !c->has_helper && c->tcp_state != CONN_TCP_SYN_SENT &&
	       c->timeout > EARLY_SECONDS;
}

/* What is worth less gets half of the time at most: what is worth more may be still to come. */
static bool is_early(struct pin_early *a, uint32_t i)
{
	struct run *run = a->p.run;
	const struct conn *c = connset_get(run->set, i);
	enum worth worth;
	uint32_t turn;

	run->entries[i].skip = (uint8_t)snapshot_select_now(run, i);
	if (!pin_is_meant(&a->p, i) || !is_early_kind(c))
		return false;
	worth = worth_take(a->shares, c, &turn);
	if (worth == WORTH_CROWDED || worth == WORTH_UNANSWERED_MORE)
		return false;
	return worth <= WORTH_ASSURED || run->pinned_for < run->env->settings->pin_timeout / 2;
}

static int early_save(struct pin_early *a, const uint32_t *idx, size_t n)
{
	struct conn_record records[PIN_PAIRS];
	size_t i, len;

	for (i = 0; i < n; i++) {
		records[i] = (struct conn_record){ .conn = connset_get(a->p.run->set, idx[i]) };
		records[i].payload = connset_payload(a->p.run->set, idx[i], &len);
		records[i].payload_len = len;
	}
	return journal_grow(a->journal, records, n, &a->saved);
}

/* What could not be created again is not to wait for the rest of the table. */
static void early_mend(struct run *run, const uint32_t *idx, size_t n)
{
	size_t i;

	for (i = 0; i < n && run->entries[idx[i]].state != ENTRY_MISSING; i++)
		;
	if (i < n)
		restore_missing(run);
}

static int early_pin(struct pin_early *a)
{
	struct run *run = a->p.run;
	uint32_t idx[PIN_PAIRS];
	usec_t began;
	size_t n = 0;
	int r = snapshot_grow(run);

	while (r == 0 && n < a->pace.n && a->next < connset_count(run->set)) {
		if (is_early(a, (uint32_t)a->next))
			idx[n++] = (uint32_t)a->next;
		a->next++;
	}
	if (r < 0 || !n)
		return r;
	run_keep_hold(run);
	r = early_save(a, idx, n);
	if (r == 0)
		r = snapshot_fetch(run);
	began = run_now(run);
	if (r == 0)
		r = pin_firsts(&a->p, idx, n);
	if (r == 0)
		r = pin_chunk(&a->p, idx, n, SHAPE_PROVEN);
	pace_note(&a->pace, n, run_now(run) - began);
	early_mend(run, idx, n);
	return r;
}

/* Nothing is pinned early where a kill could not be made good, where collisions are looked for in
 * the whole of the table first, and where the time to read it is bounded. */
static struct pin_early *early_begin(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	struct pin_early *a = calloc(1, sizeof(*a));
	uint32_t count = 0, max;

	if (!a)
		return NULL;
	a->over = true;
	a->journal = -1;
	a->p.run = run;
	a->pace = pace_begin(PIN_PAIRS);
	if (run->report->strategy != STRATEGY_PIN || run->map || run->run_dir < 0 ||
	    run_is_bounded(run))
		return a;
	if (!pin_has_room(run)) {
		run->report->strategy = STRATEGY_RESTORE;
		return a;
	}
	(void)k->ops->ct_usage(k->ctx, &count, &max);
	a->shares = worth_shares_new(run->env->seed, count);
	if (a->shares && reach_read(run, &a->p.reach) == 0)
		a->journal = journal_begin(run);
	if (a->journal < 0)
		return a;
	a->over = false;
	run->pins_early = true;
	return a;
}

void pin_early(struct run *run)
{
	usec_t began = run_now(run);
	struct pin_early *a = run->early;

	if (!a)
		a = run->early = early_begin(run);
	if (!a || a->over)
		return;
	/* what breaks off is told of by pin_entries(), which tries again */
	a->over = run->pinned_for >= run->env->settings->pin_timeout ||
		  began >= run_pin_until(run) || early_pin(a) < 0;
	run->pinned_for += run_now(run) - began;
}

void pin_early_end(struct run *run)
{
	struct pin_early *a = TAKE_PTR(run->early);

	if (!a)
		return;
	closep(&a->journal);
	worth_shares_free(a->shares);
	reach_done(&a->p.reach);
	free(a);
}
