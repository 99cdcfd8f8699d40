/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After the move: find out which entries are gone, and restore them, until no flush can be
 * under way any more. */
#include <errno.h>
#include <string.h>

#include "move/repair.h"
#include "move/stage.h"
#include "move/worth.h"

/* Pause between two rounds. */
#define SETTLE_POLL_MIN (10 * USEC_PER_MSEC)
#define SETTLE_POLL_MAX (80 * USEC_PER_MSEC)

/* Upper bounds: of rounds, and of rounds in a row in which entries stay missing. */
#define ROUNDS_MAX 64
#define ROUNDS_MISSING_MAX 8

/* Below this many, reading entries back one by one is cheaper than a listing
 * of the whole table. */
#define READ_BACK_FEW 256

/* What the kernel's flush may still take after the move, and when it is over. */

/* A flush that runs from a work queue comes this late at most, and is this
 * quiet when it is over. Measured on an idle and a loaded machine: gone within
 * 200 ms (docs/kernel.md 1). */
#define SETTLE_MAX (400 * USEC_PER_MSEC)
#define SETTLE_QUIET (150 * USEC_PER_MSEC)

/* A machine that wakes us late does so to the kernel's work queues, which run at normal priority:
 * each delay of ours lets them be so many times later, up to a limit: who waits for the lock of the
 * device has an address to bring. */
#define SETTLE_DELAYS 8
#define SETTLE_DELAYS_MAX USEC_PER_SEC

/* What we have created has no masquerade device: a late flush passes it by. */
static bool flush_can_still_take(const struct run *run)
{
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++)
		if (run->entries[i].skip == SKIP_NONE
			    ? run->entries[i].state == ENTRY_THERE
			    : entry_is_spared(&run->entries[i]) && run->entries[i].seen)
			return true;
	return false;
}

/* Whether the kernel's flush can take an answered connection that is still there. */
static bool flush_can_take_worthy(const struct run *run)
{
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++)
		if (run->entries[i].skip == SKIP_NONE && run->entries[i].state == ENTRY_THERE &&
		    worth_is_answered(worth_of(connset_get(run->set, i))))
			return true;
	return false;
}

/* Whether the flush is over for sure: this kernel ends it before the delete returns, and
 * nothing that it could take is left. If something is, the probe result was wrong. */
static bool flush_is_over(const struct run *run)
{
	size_t i, n = connset_count(run->set);
	struct reach reach;
	bool over = run->sync_flush && reach_read(run, &reach) == 0;

	for (i = 0; i < n && over; i++)
		over = run->entries[i].skip != SKIP_NONE || run->entries[i].state != ENTRY_THERE ||
		       !reach_has(&reach, connset_get(run->set, i));
	if (run->sync_flush)
		reach_done(&reach);
	return over;
}

struct settling {
	bool once; /* do not wait for a late flush: the guard goes on looking */
	usec_t began;
	usec_t quiet_from; /* nothing has become missing since then; 0: nothing ever has */
	bool rested;	   /* and the run has slept meanwhile */
	usec_t delays;	   /* by which it slept longer than it wanted */
	size_t left;	   /* still missing after the round before */
	unsigned in_vain;
};

/* Whether no flush can be under way at NOW, unless the run wakes late. Its work queue is that of
 * the processor that deleted the address: while a run of high priority keeps that busy all is
 * quiet. */
static bool flush_time_is_over(const struct settling *s, usec_t now)
{
	return s->rested &&
	       now >= (s->quiet_from ? s->quiet_from + SETTLE_QUIET : s->began + SETTLE_MAX);
}

static bool flush_is_settled(const struct run *run, const struct settling *s, usec_t now)
{
	usec_t delays = MIN(s->delays * SETTLE_DELAYS, SETTLE_DELAYS_MAX);

	return flush_time_is_over(s, now - MIN(now, delays)) || !flush_can_still_take(run) ||
	       flush_is_over(run);
}

static size_t count_state(const struct run *run, enum entry_state state)
{
	size_t i, n = connset_count(run->set), count = 0;

	for (i = 0; i < n; i++)
		count += run->entries[i].skip == SKIP_NONE && run->entries[i].state == state;
	return count;
}

/* Whether no entry of the set can be flushed, or none is to be protected. */
static bool is_out_of_reach(const struct run *run)
{
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n && run->report->strategy != STRATEGY_NONE; i++)
		if (run->entries[i].skip == SKIP_NONE || entry_is_spared(&run->entries[i]))
			return false;
	return true;
}

/* The deadline has passed: report entries that a late flush may still take. */
static void verify_doubt(struct run *run)
{
	struct report *report = run->report;
	size_t i, n = connset_count(run->set), doubted = 0;

	for (i = 0; i < n; i++) {
		struct entry *e = &run->entries[i];

		if (e->skip != SKIP_NONE || e->state != ENTRY_THERE)
			continue;
		e->skip = SKIP_UNVERIFIED;
		doubted++;
	}
	run->late = run->late || doubted;
	if (doubted && report->result == RESULT_OK)
		report->result = RESULT_PARTIAL;
	if (doubted)
		report_warn(report, "unverified", "",
			    "the deadline passed before it was sure that no flush takes %zu "
			    "connections that were still there: whether they live is not known",
			    doubted);
}

/* The addresses as they are now decide what may come back. */
static int verify_read_addresses(struct run *run)
{
	bool gone[VIPS_MAX];
	size_t v;
	int r = addr_table_read(&run->env->kernel, &run->before);

	if (r < 0)
		return r;
	for (v = 0; v < run->req->n_vips; v++)
		gone[v] = run->report->outcomes[v] != VIP_FAILED;
	return run_sort_addresses(run, &run->before, gone);
}

/* Without restoring, do not count as lost what may have ended by itself: a handshake that
 * was answered by a reset, say. */
static void excuse_ended(struct run *run)
{
	uint32_t elapsed = run_elapsed(run);
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++) {
		struct entry *e = &run->entries[i];

		if (e->skip == SKIP_NONE && e->state == ENTRY_MISSING &&
		    repair_may_have_ended(connset_get(run->set, i), elapsed))
			e->skip = SKIP_ENDED;
	}
}

/* Count spared entries that are missing and cannot have ended by themselves as lost. */
static void take_spared(struct run *run)
{
	uint32_t elapsed = run_elapsed(run);
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++) {
		struct entry *e = &run->entries[i];

		if (!entry_is_spared(e) || e->seen)
			continue;
		run->report->entries.reasons[e->skip]--;
		if (repair_may_have_ended(connset_get(run->set, i), elapsed)) {
			e->skip = SKIP_ENDED;
			run->report->entries.reasons[SKIP_ENDED]++;
			continue;
		}
		e->unselected = e->skip == SKIP_UNSELECTED;
		e->skip = SKIP_NONE;
		e->state = ENTRY_LOST;
		run->report->entries.skipped--;
		run->report->entries.candidates++;
	}
}

static int list_and_time(struct run *run)
{
	usec_t began = run_now(run);
	int r = snapshot_note(run);

	if (r == 0)
		r = verify_list(run);
	/* Listed, but not as asked for: look at each. */
	if (r == 0 && count_state(run, ENTRY_CREATED))
		restore_read_back(run);
	run->report->timing.verify += run_now(run) - began;
	return r;
}

static void restore_and_time(struct run *run)
{
	usec_t began = run_now(run);

	restore_missing(run);
	run->report->timing.restore += run_now(run) - began;
	began = run_now(run);
	if (count_state(run, ENTRY_CREATED) <= READ_BACK_FEW)
		restore_read_back(run);
	run->report->timing.verify += run_now(run) - began;
}

static size_t settle_count_missing(const struct run *run)
{
	return count_state(run, ENTRY_MISSING) + count_state(run, ENTRY_CONFLICT);
}

static bool settle_is_over(const struct settling *s, const struct run *run)
{
	return s->once || flush_is_settled(run, s, run_now(run));
}

static void settle_restore(struct settling *s, struct run *run, size_t missing)
{
	if (run_holds_for_any(run))
		run_keep_hold(run);
	else if (!run->keep_armed)
		run_let_go(run);
	run->flushing =
		missing && !s->once && flush_can_take_worthy(run) && !settle_is_over(s, run);
	if (missing)
		restore_and_time(run);
	if (missing > s->left) {
		s->quiet_from = run_now(run);
		s->rested = false;
	}
	s->in_vain = missing && !run->flushing ? s->in_vain + 1 : 0;
	s->left = settle_count_missing(run);
}

/* A flush that visibly takes many entries is let go on, for so long at most: to list and to create
 * entries meanwhile slows it down, and finds only a part of what it takes. */
#define FLUSH_WAIT (200 * USEC_PER_MSEC)
#define FLUSH_POLL (5 * USEC_PER_MSEC)
#define FLUSH_MANY 4096

static void await_flush(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	usec_t until = MIN(run_now(run) + FLUSH_WAIT, run->deadline);
	uint32_t before, now, max;

	if (run->sync_flush || count_state(run, ENTRY_THERE) < FLUSH_MANY ||
	    k->ops->ct_usage(k->ctx, &before, &max) < 0)
		return;
	do {
		if (run->armed_since)
			run_keep_hold(run);
		run_sleep(run, FLUSH_POLL);
		if (k->ops->ct_usage(k->ctx, &now, &max) < 0 || now >= before)
			return;
		before = now;
	} while (run_now(run) < until);
}

static void settle_sleep(struct settling *s, const struct run *run, usec_t duration)
{
	usec_t until = run_now(run) + duration;

	run_sleep(run, duration);
	s->delays += MAX(run_now(run), until) - until;
	s->rested = true;
}

/* List, restore what is missing, and again, until a listing finds nothing and no flush
 * can still be under way. */
static int verify_settle(struct run *run)
{
	struct settling s = { .once = run->source.by_key, .began = run_now(run) };
	usec_t poll = SETTLE_POLL_MIN;

	for (run->rounds = 0; run->rounds < ROUNDS_MAX; run->rounds++) {
		size_t missing, unread;
		int r;

		if (!s.once)
			await_flush(run);
		r = list_and_time(run);

		if (r < 0)
			return r;
		if (run->report->strategy == STRATEGY_NONE) {
			excuse_ended(run);
			return 0;
		}
		missing = settle_count_missing(run);
		if (s.once && !missing)
			return 0;
		settle_restore(&s, run, missing);
		unread = count_state(run, ENTRY_CREATED) + s.left;
		if (!unread && settle_is_over(&s, run))
			return 0;
		if (run_now(run) >= run->deadline) {
			run->late = run->late || unread;
			if (!s.once && !flush_time_is_over(&s, run_now(run)))
				verify_doubt(run);
			return 0;
		}
		if (!unread || run->flushing) {
			settle_sleep(&s, run, poll);
			poll = MIN(poll * 2, SETTLE_POLL_MAX);
		} else if (s.in_vain >= ROUNDS_MISSING_MAX) {
			return 0;
		}
	}
	return 0;
}

/* Linux 3.10, 4.4 and 4.9 create the entry with the helper asked for and then
 * forget it: setting up the translation, they look for one anew and find none
 * unless helpers are assigned by port (nf_conntrack_alter_reply() calls
 * __nf_ct_try_assign_helper(); IPS_HELPER, which would stop it, is not set by
 * then). Nor can an entry that exists be given one: ctnetlink_change_helper()
 * answers EBUSY. */
static void warn_of_helpers(struct run *run)
{
	size_t i, n = connset_count(run->set), bare = 0;

	for (i = 0; i < n; i++)
		bare += run->entries[i].bare && run->entries[i].skip == SKIP_NONE &&
			run->entries[i].state == ENTRY_RESTORED;
	if (bare)
		report_warn(run->report, "helper-lost", "",
			    "%zu connections live on without their helper, which this kernel does "
			    "not give back: new data connections of theirs (FTP and the like) may "
			    "fail until they are opened anew",
			    bare);
}

static void verify_name_lost(struct run *run, size_t i)
{
	const struct kernel *k = &run->env->kernel;
	struct conn_record record = { .conn = connset_get(run->set, i) };
	char line[CONN_LINE_MAX];

	if (run->report->n_lost == REPORT_TUPLES_MAX)
		return;
	record.payload = connset_payload(run->set, i, &record.payload_len);
	report_add_lost(run->report, k->ops->ct_line(k->ctx, &record, line));
}

static void count_outcomes(struct run *run)
{
	struct report *report = run->report;
	size_t i, n = connset_count(run->set);

	report->entries.pinned = run->pinned_before;
	report->entries.untouched = report->entries.restored = 0;
	report->entries.superseded = report->entries.lost = 0;
	report->entries.lost_unselected = 0;
	for (i = 0; i < n; i++) {
		const struct entry *e = &run->entries[i];
		bool pinned = e->pinned;

		if (e->skip == SKIP_OF_VIP && (run->source.by_key ? e->dropped : !e->seen))
			report->vip_flows.removed++;
		if (e->skip != SKIP_NONE)
			continue;
		switch ((enum entry_state)e->state) {
		case ENTRY_THERE:
			report->entries.untouched++;
			break;
		case ENTRY_CREATED:
		case ENTRY_RESTORED:
			report->entries.pinned += pinned;
			report->entries.restored += !pinned;
			break;
		case ENTRY_SUPERSEDED:
			report->entries.superseded++;
			break;
		case ENTRY_MISSING:
		case ENTRY_CONFLICT:
		case ENTRY_LOST:
			report->entries.lost++;
			report->entries.lost_unselected += e->unselected;
			verify_name_lost(run, i);
			break;
		}
	}
	report->entries.flushed =
		report->entries.restored + report->entries.superseded + report->entries.lost;
}

void verify_entries(struct run *run)
{
	struct report *report = run->report;
	int r;

	/* Even if the address was not changed: what was pinned has to be read back. */
	if (!run->set)
		return;
	if (run->source.goes_on && snapshot_note(run) == 0 && is_out_of_reach(run)) {
		count_outcomes(run);
		return;
	}
	r = verify_read_addresses(run);
	if (r == 0) {
		snapshot_classify(run);
		r = verify_settle(run);
		/* again, since timeouts may have run out meanwhile */
		if (r == 0) {
			snapshot_classify(run);
			take_spared(run);
		}
	}
	if (r < 0) {
		report_degrade(report, RESULT_UNPROTECTED);
		report_warn(report, "no-verification", "",
			    "what the move flushed cannot be found out: %s", strerror(-r));
		return;
	}
	count_outcomes(run);
	warn_of_helpers(run);
	if (run->late)
		report_warn(report, "deadline", "",
			    "the deadline passed before everything was restored and verified");
}
