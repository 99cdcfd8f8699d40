/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries before the move, and what has become of them until it. */
#include "move/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* What one entry costs at best while it is missing (docs/kernel.md 5). */
#define CREATE_COST_NSEC 3500

/* And while it is pinned, however many there are. */
#define PIN_GAP_USEC 5

/* A dump may list an entry twice when its bucket is walked again. */
static int snapshot_add(void *ud, const struct conn_record *record)
{
	struct run *run = ud;
	int r = connset_add(run->set, record);

	return r == -EEXIST ? 0 : r;
}

int run_entries_new(struct run *run)
{
	run->cap_entries = MAX(connset_count(run->set), (size_t)64);
	run->entries = calloc(run->cap_entries, sizeof(*run->entries));
	return run->entries ? 0 : -ENOMEM;
}

static int snapshot_take(struct run *run)
{
	size_t whole = 0;
	int r;

	run->set = connset_new(run->env->seed, 0);
	if (!run->set)
		return -ENOMEM;
	/* The listing may take long: timeouts are counted from its begin, so
	 * that none is restored for longer than it had. */
	run->snapshot_at = run_now(run);
	run->report->before = run->source.ops->before;
	run->pinned_before = run->source.ops->count_pinned(run);
	r = run->source.ops->list(run, snapshot_add, &whole);
	if (r == -ETIME) {
		run->late = true;
		report_warn(run->report, "cut-snapshot", "",
			    "the deadline passed while the conntrack table was read: what is "
			    "behind it in the table is not protected");
		r = 0;
	}
	if (r == -EINTR) {
		report_degrade(run->report, RESULT_PARTIAL);
		report_warn(
			run->report, "torn-snapshot", "",
			"the conntrack table changed shape while it was read: a few connections "
			"may be missing from the snapshot");
		r = 0;
	}
	if (r == 0)
		r = run_entries_new(run);
	/* to be reset they have to be known whole */
	if (r == 0 && run->req->vip_flows == VIP_FLOWS_RESET)
		r = newborn_refresh(run, whole);
	return r;
}

/* Without a snapshot the address still moves: it has priority. */
static void snapshot_failed(struct run *run, int error)
{
	struct report *report = run->report;

	run->set = connset_free(run->set);
	report->strategy = STRATEGY_NONE;
	memset(&report->entries, 0, sizeof(report->entries));
	if (error == -EPROTONOSUPPORT) {
		report_warn(report, "no-conntrack", "",
			    "this kernel tracks no connections: nothing to protect");
		return;
	}
	report_degrade(report, RESULT_UNPROTECTED);
	report_warn(report, "no-snapshot", "",
		    "the conntrack table cannot be read (%s): connections are not protected",
		    strerror(-error));
}

static struct select_rules rules_now(const struct run *run)
{
	return (struct select_rules){
		.leaving = &run->leaving,
		.local = &run->local,
		.elapsed = (uint32_t)((run_now(run) - run->snapshot_at) / USEC_PER_SEC),
	};
}

/* What somebody has altered and this kernel has been seen to create otherwise is
 * no candidate any more. */
static enum skip_reason snapshot_select(const struct run *run, const struct conn *c,
					const struct select_rules *rules)
{
	enum skip_reason skip = select_entry(c, rules);

	if (skip == SKIP_NONE && conn_alteration(c) != ALTERATION_NONE &&
	    shapes_get(run->shapes, conn_shape(c)) == SHAPE_REFUSED)
		return SKIP_ALTERED;
	return skip;
}

enum skip_reason run_select(const struct run *run, const struct conn *c)
{
	struct select_rules rules = rules_now(run);

	return snapshot_select(run, c, &rules);
}

/* These are not found out by looking at the entry. */
static bool skip_stays(uint8_t skip)
{
	return skip == SKIP_ENDED || skip == SKIP_LEFT || skip == SKIP_UNVERIFIED;
}

/* One that we have touched stays what it was: it counts as pinned, or as lost. */
static void classify_entry(struct run *run, size_t i, const struct select_rules *rules)
{
	struct entry *e = &run->entries[i];
	const struct conn *c = connset_get(run->set, i);

	if (skip_stays(e->skip) || e->state == ENTRY_LOST)
		return;
	if (e->state == ENTRY_THERE && !e->pinned)
		e->skip = (uint8_t)snapshot_select(run, c, rules);
	else
		e->skip = (uint8_t)select_entry(c, rules);
}

void run_classify(struct run *run)
{
	struct report *report = run->report;
	struct select_rules rules = rules_now(run);
	size_t i, n = connset_count(run->set);

	memset(report->entries.reasons, 0, sizeof(report->entries.reasons));
	for (i = 0; i < n; i++) {
		classify_entry(run, i, &rules);
		report->entries.reasons[run->entries[i].skip]++;
	}
	report->entries.snapshot = n + run->pinned_before;
	report->entries.untouched = report->entries.reasons[SKIP_NONE];
	report->entries.candidates = report->entries.untouched + run->pinned_before;
	report->entries.skipped = n - report->entries.untouched;
	report->entries.pinned = run->pinned_before;
}

static void warn_of_altered(struct report *report)
{
	uint64_t n = report->entries.reasons[SKIP_ALTERED];

	if (n && report->kernel != KERNEL_FIXED)
		report_warn(report, "altered", "",
			    "%llu connections were altered by somebody else (as IPVS does) in a "
			    "way that cannot be repeated: they are left alone, and are lost where "
			    "this kernel flushes them",
			    (unsigned long long)n);
}

void stage_snapshot(struct run *run)
{
	usec_t began = run_now(run);
	int r;

	r = snapshot_take(run);
	if (r < 0) {
		snapshot_failed(run, r);
	} else {
		run_classify(run);
		warn_of_altered(run->report);
	}
	run->report->timing.snapshot = run_now(run) - began;
	switch (run->report->strategy) {
	case STRATEGY_PIN:
		run->report->timing.expected_gap = PIN_GAP_USEC;
		break;
	case STRATEGY_RESTORE:
		run->report->timing.expected_gap =
			run->report->entries.candidates * CREATE_COST_NSEC / 1000;
		break;
	case STRATEGY_NONE:
	case STRATEGY_AUTO:
		break;
	}
}
