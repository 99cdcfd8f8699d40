/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After the move: which entries are gone, until nothing more goes. */
#include "move/stage.h"

#include <errno.h>
#include <string.h>

#include "move/repair.h"
#include "move/collide.h"

/* Between two looks. */
#define SETTLE_POLL_MIN (10 * USEC_PER_MSEC)
#define SETTLE_POLL_MAX (80 * USEC_PER_MSEC)

/* A bound for a table that never comes to rest, and for entries that cannot
 * be had however often they are created. */
#define ROUNDS_MAX 64
#define ROUNDS_MISSING_MAX 8

#define CHUNK 128

/* Below this many, reading entries back one by one is cheaper than a listing
 * of the whole table. */
#define READ_BACK_FEW 256

#define DUMP_TRIES 3

/* Listed entries, some milliseconds. */
#define KEEP_HOLD_EVERY 4096

static int mark_seen(void *ud, const struct conn_record *record)
{
	struct run *run = ud;
	int64_t i = connset_find(run->set, &record->conn->key);
	const struct conn *old;
	struct entry *e;

	/* the listing of a large table may take longer than the hold lasts */
	if (++run->listed % KEEP_HOLD_EVERY == 0)
		run_keep_hold(run);
	collide_see(run, i, record->conn);
	if (i < 0)
		return 0;
	e = &run->entries[i];
	old = connset_get(run->set, (size_t)i);
	if (e->seen || (entry_is_altered(e) && !tuple_equal(&old->reply, &record->conn->reply)))
		return 0;
	e->seen = true;
	if (e->skip != SKIP_NONE)
		return 0;
	switch ((enum entry_state)e->state) {
	case ENTRY_THERE:
	case ENTRY_MISSING:
	case ENTRY_CONFLICT:
		if (!tuple_equal(&old->reply, &record->conn->reply))
			e->state = ENTRY_CONFLICT;
		else if (e->state != ENTRY_THERE)
			/* its own traffic has brought back the same mapping, or
			 * we have and the answer was lost: then it is read back */
			e->state =
				repair_matches(old, record->conn) ? ENTRY_RESTORED : ENTRY_CREATED;
		break;
	case ENTRY_CREATED:
		if (repair_matches(old, record->conn))
			e->state = ENTRY_RESTORED;
		break;
	case ENTRY_RESTORED:
	case ENTRY_SUPERSEDED:
	case ENTRY_LOST:
		break;
	}
	if (e->state == ENTRY_RESTORED)
		connset_set_id(run->set, (size_t)i, record->conn->id);
	e->bare = e->state == ENTRY_RESTORED && old->has_helper && !record->conn->has_helper;
	return 0;
}

/* Not in the listing: missing, also when we had created it already: the entry
 * we found in the way then was the old one, which a late flush took since. */
static void mark_missing(struct run *run)
{
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++) {
		struct entry *e = &run->entries[i];

		if (e->seen || e->skip != SKIP_NONE)
			continue;
		switch ((enum entry_state)e->state) {
		case ENTRY_THERE:
		case ENTRY_CONFLICT:
		case ENTRY_CREATED:
		case ENTRY_RESTORED:
			e->state = ENTRY_MISSING;
			e->pinned = e->made = false;
			break;
		case ENTRY_MISSING:
		case ENTRY_SUPERSEDED:
		case ENTRY_LOST:
			break;
		}
	}
}

/* Ask for each candidate alone. */
static int list_by_key(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	size_t i, m = 0, n = connset_count(run->set);
	struct ct_op ops[CHUNK];
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		if (run->entries[i].skip == SKIP_NONE || entry_is_altered(&run->entries[i]))
			ops[m++] = (struct ct_op){ .verb = CT_GET,
						   .conn = connset_get(run->set, i),
						   .sink = mark_seen,
						   .ud = run };
		if (m < CHUNK && (i < n - 1 || !m))
			continue;
		r = k->ops->ct_batch(k->ctx, ops, m);
		r = r == -ENOBUFS ? 0 : r;
		m = 0;
	}
	return r;
}

int verify_list(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	size_t i, n = connset_count(run->set);
	int tries, r = -EINTR;

	/* A listing that was cut short is repeated into the same marks: an
	 * entry seen once is there. What it still misses is only taken for
	 * missing, and an exclusive create does no harm to what is there. */
	for (i = 0; i < n; i++)
		run->entries[i].seen = false;
	if (run->source.ops->by_key)
		r = list_by_key(run);
	for (tries = 0; !run->source.ops->by_key && tries < DUMP_TRIES && r == -EINTR; tries++)
		r = k->ops->ct_dump(k->ctx, run->family, mark_seen, run);
	if (r < 0 && r != -EINTR)
		return r;
	mark_missing(run);
	return 0;
}

static size_t count_state(const struct run *run, enum entry_state state)
{
	size_t i, n = connset_count(run->set), count = 0;

	for (i = 0; i < n; i++)
		count += run->entries[i].skip == SKIP_NONE && run->entries[i].state == state;
	return count;
}

/* Of a run beside a guard: everything is pinned, or nobody asked for more than
 * what a fixed kernel does by itself. */
static bool is_out_of_reach(const struct run *run)
{
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n && run->report->strategy != STRATEGY_NONE; i++)
		if (run->entries[i].skip == SKIP_NONE || entry_is_altered(&run->entries[i]))
			return false;
	return true;
}

/* There is no time to look again: whether they are kept is not known. */
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

/* Nobody is going to restore anything, so what may well have ended by itself,
 * a handshake that was answered by a reset, say, is not called lost. */
static void excuse_ended(struct run *run)
{
	uint32_t elapsed = (uint32_t)((run_now(run) - run->snapshot_at) / USEC_PER_SEC);
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++) {
		struct entry *e = &run->entries[i];

		if (e->skip == SKIP_NONE && e->state == ENTRY_MISSING &&
		    repair_may_have_ended(connset_get(run->set, i), elapsed))
			e->skip = SKIP_ENDED;
	}
}

/* What is not ours to put back and has not ended by itself was flushed: it is
 * lost, and no longer left alone. */
static void take_altered(struct run *run)
{
	uint32_t elapsed = (uint32_t)((run_now(run) - run->snapshot_at) / USEC_PER_SEC);
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++) {
		struct entry *e = &run->entries[i];

		if (!entry_is_altered(e) || e->seen)
			continue;
		run->report->entries.reasons[SKIP_ALTERED]--;
		if (repair_may_have_ended(connset_get(run->set, i), elapsed)) {
			e->skip = SKIP_ENDED;
			run->report->entries.reasons[SKIP_ENDED]++;
			continue;
		}
		e->skip = SKIP_NONE;
		e->state = ENTRY_LOST;
		run->report->entries.skipped--;
		run->report->entries.candidates++;
	}
}

static void list_and_time(struct run *run, int *ret)
{
	usec_t began = run_now(run);

	*ret = newborn_note(run);
	if (*ret == 0)
		*ret = verify_list(run);
	run->report->timing.verify += run_now(run) - began;
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

/* List, restore what is missing, and again, until a listing finds nothing and
 * no flush can still be under way. */
static int verify_settle(struct run *run)
{
	bool repair = run->report->strategy != STRATEGY_NONE;
	usec_t began = run_now(run), poll = SETTLE_POLL_MIN;
	usec_t quiet_from = 0; /* 0: nothing missing seen yet */
	size_t left = 0;       /* still missing after the round before */
	unsigned in_vain = 0;
	int r;

	for (run->rounds = 0; run->rounds < ROUNDS_MAX; run->rounds++) {
		size_t missing, unread;
		usec_t now;

		list_and_time(run, &r);
		if (r < 0)
			return r;
		/* Listed, but not as asked for: look at each. */
		if (count_state(run, ENTRY_CREATED))
			restore_read_back(run);
		missing = count_state(run, ENTRY_MISSING) + count_state(run, ENTRY_CONFLICT);
		if (!repair) {
			excuse_ended(run);
			return 0;
		}
		run_keep_hold(run);
		run->flushing = missing && flush_can_take_worthy(run) &&
				!flush_is_settled(run, began, quiet_from, run_now(run));
		if (missing)
			restore_and_time(run);
		if (missing > left)
			quiet_from = run_now(run);
		in_vain = missing && !run->flushing ? in_vain + 1 : 0;
		left = count_state(run, ENTRY_MISSING) + count_state(run, ENTRY_CONFLICT);
		unread = count_state(run, ENTRY_CREATED) + left;
		now = run_now(run);
		if (!unread && flush_is_settled(run, began, quiet_from, now))
			return 0;
		if (now >= run->deadline) {
			run->late = run->late || unread > 0;
			verify_doubt(run);
			return 0;
		}
		if (unread && !run->flushing && in_vain < ROUNDS_MISSING_MAX)
			continue;
		if (unread && !run->flushing)
			return 0;
		run_sleep(run, poll);
		poll = MIN(poll * 2, SETTLE_POLL_MAX);
	}
	return 0;
}

/* The same beside a guard, which goes on looking where a flush may come late:
 * once is enough, and nobody waits. */
static int settle_once(struct run *run)
{
	int r;

	for (run->rounds = 0; run->rounds < ROUNDS_MISSING_MAX; run->rounds++) {
		list_and_time(run, &r);
		if (r < 0)
			return r;
		if (count_state(run, ENTRY_CREATED))
			restore_read_back(run);
		if (run->report->strategy == STRATEGY_NONE) {
			excuse_ended(run);
			return 0;
		}
		if (!count_state(run, ENTRY_MISSING) && !count_state(run, ENTRY_CONFLICT))
			return 0;
		run_keep_hold(run);
		restore_and_time(run);
		if (!count_state(run, ENTRY_MISSING) && !count_state(run, ENTRY_CONFLICT) &&
		    !count_state(run, ENTRY_CREATED))
			return 0;
		if (run_now(run) >= run->deadline) {
			run->late = true;
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

static void count_outcomes(struct run *run)
{
	struct report *report = run->report;
	size_t i, n = connset_count(run->set);

	report->entries.pinned = run->pinned_before;
	report->entries.untouched = report->entries.restored = 0;
	report->entries.superseded = report->entries.lost = 0;
	for (i = 0; i < n; i++) {
		const struct entry *e = &run->entries[i];
		const struct conn *c = connset_get(run->set, i);
		bool pinned = e->pinned;

		if (e->skip == SKIP_OF_VIP && (run->source.ops->by_key ? e->dropped : !e->seen))
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
			report_add_lost(report, c);
			break;
		}
	}
	report->entries.flushed =
		report->entries.restored + report->entries.superseded + report->entries.lost;
}

void stage_verify(struct run *run)
{
	struct report *report = run->report;
	int r;

	/* Also when the address went by somebody else's hand, or could not go:
	 * what was pinned has to be read back either way. */
	if (!run->set)
		return;
	if (run->source.ops->goes_on && newborn_note(run) == 0 && is_out_of_reach(run)) {
		count_outcomes(run);
		return;
	}
	r = verify_read_addresses(run);
	if (r == 0) {
		run_classify(run);
		r = run->source.ops->by_key ? settle_once(run) : verify_settle(run);
		/* again, since timeouts may have run out meanwhile */
		if (r == 0) {
			run_classify(run);
			take_altered(run);
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
