/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries before the move, and those that were born or have changed since. */
#include "move/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"

/* What one entry costs at best while it is missing (docs/kernel.md 5). */
#define CREATE_COST_NSEC 3500

/* And while it is pinned, however many there are. */
#define PIN_GAP_USEC 5

/* Batches of events read at a time. */
#define BATCHES_MAX 64

/* A dump may list an entry twice when its bucket is walked again. */
static int snapshot_add(void *ud, const struct conn_record *record)
{
	struct run *run = ud;
	int r = connset_add(run->set, record);

	return r == -EEXIST ? 0 : r;
}

int snapshot_init_entries(struct run *run)
{
	run->cap_entries = MAX(connset_count(run->set), (size_t)64);
	run->entries = calloc(run->cap_entries, sizeof(*run->entries));
	return run->entries ? 0 : -ENOMEM;
}

static struct select_rules rules_now(const struct run *run)
{
	return (struct select_rules){
		.leaving = &run->leaving,
		.local = &run->local,
		.elapsed = run_elapsed(run),
	};
}

/* Whether entry I is a candidate. An altered entry is none once this kernel has been seen to
 * create its shape otherwise. */
static enum skip_reason snapshot_select(const struct run *run, size_t i,
					const struct select_rules *rules)
{
	const struct conn *c = connset_get(run->set, i);
	enum skip_reason skip = select_entry(c, rules);

	if ((skip == SKIP_NONE || skip == SKIP_ALTERED) && !run_selects(run, i))
		return SKIP_UNSELECTED;
	if (skip == SKIP_NONE && conn_alteration(c) != ALTERATION_NONE &&
	    shapes_get(run->shapes, conn_shape(c)) == SHAPE_REFUSED)
		return SKIP_ALTERED;
	return skip;
}

enum skip_reason snapshot_select_now(const struct run *run, size_t i)
{
	struct select_rules rules = rules_now(run);

	return snapshot_select(run, i, &rules);
}

/* Whether the reason SKIP was set by a stage and is not derived from the entry. */
static bool skip_stays(uint8_t skip)
{
	return skip == SKIP_ENDED || skip == SKIP_LEFT || skip == SKIP_UNVERIFIED;
}

/* An entry that we have touched keeps its state: pinned or lost. */
static void classify_entry(struct run *run, size_t i, const struct select_rules *rules)
{
	struct entry *e = &run->entries[i];
	const struct conn *c = connset_get(run->set, i);

	if (skip_stays(e->skip) || e->state == ENTRY_LOST)
		return;
	if (e->state == ENTRY_THERE && !e->pinned)
		e->skip = (uint8_t)snapshot_select(run, i, rules);
	else
		e->skip = (uint8_t)select_entry(c, rules);
}

void snapshot_classify(struct run *run)
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

int snapshot_grow(struct run *run)
{
	size_t had = run->cap_entries;
	int r = array_reserve(&run->entries, &run->cap_entries, connset_count(run->set),
			      sizeof(*run->entries));

	if (r == 0 && run->cap_entries > had)
		memset(run->entries + had, 0, (run->cap_entries - had) * sizeof(*run->entries));
	return r;
}

/* An event that tells of a mark, say, leaves the state and the window scales
 * out: what is known is better then (ctnetlink_conntrack_event()). */
static bool snapshot_is_poorer(const struct conn *now, const struct conn *known)
{
	return now->tcp_state == CONN_TCP_NONE && known->tcp_state != CONN_TCP_NONE;
}

int snapshot_put(struct run *run, const struct conn_record *record)
{
	int64_t i = connset_find(run->set, &record->conn->key);
	struct conn_record aged = *record;
	struct conn conn = *record->conn;
	uint64_t elapsed = run_elapsed(run);
	bool is_new = i < 0;
	int r;

	/* What we have created is as we made it; only its traffic changes it. */
	if (!is_new && (run->entries[i].state != ENTRY_THERE || run->entries[i].pinned))
		return 0;
	if (!is_new && snapshot_is_poorer(&conn, connset_get(run->set, (size_t)i)))
		return 0;
	/* timeouts in the set count from the snapshot */
	conn.timeout = (uint32_t)MIN(conn.timeout + elapsed, (uint64_t)UINT32_MAX);
	aged.conn = &conn;
	r = connset_put(run->set, &aged);
	if (r == 0)
		r = snapshot_grow(run);
	if (r < 0)
		return r;
	i = connset_find(run->set, &conn.key);
	run->entries[i].skip = (uint8_t)snapshot_select_now(run, (size_t)i);
	run->n_added += is_new;
	return 0;
}

static int snapshot_put_listed(void *ud, const struct conn_record *record)
{
	return snapshot_put(ud, record);
}

/* Something was born in the place of what we had made: it is to be looked at. */
static void note_replaced(struct run *run, const struct conn_record *record)
{
	int64_t i = record->born ? connset_find(run->set, &record->conn->key) : -ENOENT;
	struct entry *e = i >= 0 ? &run->entries[i] : NULL;

	if (!e || !e->made)
		return;
	e->made = false;
	if (e->state == ENTRY_RESTORED)
		e->state = ENTRY_CREATED;
}

struct keys {
	struct run *run;
	struct conn_key *items; /* owned */
	size_t n;
};

static int snapshot_collect(void *ud, const struct conn_record *record)
{
	struct keys *k = ud;
	struct conn_key *one = array_append(&k->items, &k->n, sizeof(*one));

	note_replaced(k->run, record);
	if (!one)
		return -ENOMEM;
	*one = record->conn->key;
	return 0;
}

/* Fetch the entries from number FROM on anew. */
static int snapshot_refresh(struct run *run, size_t from)
{
	size_t i, n = connset_count(run->set) - from;
	_cleanup_free_ struct conn_key *keys = malloc(MAX(n, (size_t)1) * sizeof(*keys));

	for (i = 0; keys && i < n; i++)
		keys[i] = connset_get(run->set, from + i)->key;
	return keys ? fetch_keys(&run->env->kernel, keys, n, snapshot_put_listed, run) : -ENOMEM;
}

/* Add the entry, unless it is known to be pinned. */
static int put_unpinned(void *ud, const struct conn_record *record)
{
	struct run *run = ud;

	if (run_is_bounded(run) && !run->report->changed && run_now(run) >= run_pin_until(run))
		return -EINTR;
	return run->source.ops->is_pinned(run, record->conn) ? 0 : snapshot_put(run, record);
}

static int relist(struct run *run)
{
	const struct kernel *k = &run->env->kernel;

	return k->ops->ct_dump(k->ctx, run->family, put_unpinned, run);
}

/* Read the events that there are, up to BATCHES_MAX batches: the kernel may produce them
 * faster than they can be read. */
static int read_events(struct run *run, conn_sink sink, void *ud)
{
	int i, r = -EAGAIN;

	for (i = 0; i < BATCHES_MAX && r == -EAGAIN; i++)
		r = run->source.ops->events(run, sink, ud);
	return r == -EAGAIN ? 0 : r;
}

int snapshot_fetch(struct run *run)
{
	struct keys keys = { .run = run };
	int r;

	if (!run->watching)
		return 0;
	r = read_events(run, snapshot_collect, &keys);
	if (r == -ENOBUFS) { /* some were lost: look at everything */
		run->overrun = true;
		r = 0;
	}
	/* events leave parts of an entry out, so each is fetched whole */
	if (r == 0)
		r = fetch_keys(&run->env->kernel, keys.items, keys.n, snapshot_put_listed, run);
	free(keys.items);
	return r;
}

int snapshot_update(struct run *run)
{
	int r;

	if (run->watching && !run->overrun)
		return snapshot_fetch(run);
	run->overrun = false;
	r = relist(run);
	run->torn = r < 0;
	return r == -EINTR ? 0 : r;
}

/* Add the entry, unless it has the key of a known one but another id: that one was created
 * by traffic after the flush, and restore.c judges it by the one we know. */
static int put_after(void *ud, const struct conn_record *record)
{
	struct run *run = ud;
	int64_t i = connset_find(run->set, &record->conn->key);

	note_replaced(run, record);
	if (i >= 0 && connset_get(run->set, (size_t)i)->id != record->conn->id)
		return 0;
	return snapshot_put(run, record);
}

int snapshot_note(struct run *run)
{
	int r = run->watching ? read_events(run, put_after, run) : 0;

	run->overrun = run->overrun || r < 0;
	return r == -ENOBUFS ? 0 : r;
}

/* There was no time to read the rest. */
static void snapshot_cut(struct run *run)
{
	run->late = !run_is_bounded(run);
	if (run->source.goes_on) {
		report_warn(
			run->report, "pin-deadline", "",
			"the address has to go before all connections are looked at: those that "
			"are flushed are restored");
		return;
	}
	if (!run->late)
		report_degrade(run->report, RESULT_PARTIAL);
	report_warn(run->report, "cut-snapshot", "",
		    "the %s while the conntrack table was read: what is behind it in the table is "
		    "not protected",
		    run->late ? "deadline passed" : "address had to go");
}

/* The listing ended with error R. Returns 0 if what was read of the table serves as a snapshot,
 * else R. */
static int snapshot_accept(struct run *run, int r)
{
	if (r == -ETIME) {
		snapshot_cut(run);
		return 0;
	}
	/* what is pinned is still to be answered for */
	if (r != -EINTR && !run->pins_early)
		return r;
	report_degrade(run->report, RESULT_PARTIAL);
	if (r == -EINTR)
		report_warn(
			run->report, "torn-snapshot", "",
			"the conntrack table changed shape while it was read: a few connections "
			"may be missing from the snapshot");
	else
		report_warn(run->report, "torn-snapshot", "",
			    "the conntrack table could not be read to its end (%s): connections "
			    "may be missing from the snapshot",
			    strerror(-r));
	return 0;
}

static int snapshot_take(struct run *run)
{
	size_t whole = 0;
	int r;

	run->set = connset_new(run->env->seed, 0);
	if (!run->set)
		return -ENOMEM;
	/* Timeouts are counted from the begin of the listing, which may take long, so that
	 * none is restored for longer than it had. */
	run->snapshot_at = run_now(run);
	run->report->before = run->source.ops->before;
	run_select_device(run);
	run->pinned_before = run->source.ops->count_pinned(run);
	r = run->source.ops->list(run, snapshot_add, &whole);
	run->torn = r < 0;
	if (r < 0)
		r = snapshot_accept(run, r);
	if (r == 0)
		r = run->entries ? snapshot_grow(run) : snapshot_init_entries(run);
	/* to be reset they have to be known whole */
	if (r == 0 && run->req->vip_flows == VIP_FLOWS_RESET)
		r = snapshot_refresh(run, whole);
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

void snapshot_entries(struct run *run)
{
	usec_t began = run_now(run);
	int r;

	r = snapshot_take(run);
	if (r < 0) {
		snapshot_failed(run, r);
	} else {
		snapshot_classify(run);
		warn_of_altered(run->report);
	}
	run->report->timing.snapshot = run_now(run) - began - run->pinned_for;
	run->report->timing.pin += run->pinned_for;
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
