/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Take entries out of the flush's reach before the address goes: each is
 * deleted and created again back to back. What ctnetlink creates has no
 * masquerade device index, and the flush looks for nothing else
 * (nf_nat_masquerade: device_cmp(), all versions). */
#include "move/pin.h"

#include <errno.h>
#include <string.h>

#include "move/pace.h"
#include "move/repair.h"
#include "move/worth.h"

/* Time for entries that cost much and are worth little, if the source restores what is
 * left of them afterwards, in steps. */
#define LEAVE_AFTER (5 * USEC_PER_MSEC)

/* Extra pin rounds for entries created while pinning. */
#define NEW_ENTRY_ROUNDS 3

/* Extra time for those of the last batch whose create failed. */
#define REPAIR_GRACE (100 * USEC_PER_MSEC)

bool pin_is_meant(const struct pinning *p, size_t i)
{
	const struct entry *e = &p->run->entries[i];
	const struct conn *c = connset_get(p->run->set, i);

	return e->skip == SKIP_NONE && e->state == ENTRY_THERE && !e->pinned && !e->refused &&
	       !(c->has_helper && p->run->probe_result.helpers == HELPERS_FORGOTTEN) &&
	       reach_has(&p->reach, c);
}

static enum shape_trust trust_in(const struct pinning *p, size_t i)
{
	return shapes_get(p->run->shapes, conn_shape(connset_get(p->run->set, i)));
}

/* The entry had ended, and our create has made it again: delete it. */
static int bury(struct run *run, uint32_t i)
{
	const struct kernel *k = &run->env->kernel;
	struct conn zombie = *connset_get(run->set, i);
	struct ct_op op = { .verb = CT_DELETE, .conn = &zombie };

	zombie.id = 0; /* the id we know is that of the one that ended */
	run->entries[i].skip = SKIP_ENDED;
	return k->ops->ct_batch(k->ctx, &op, 1);
}

static bool may_have_ended(const struct run *run, uint32_t i)
{
	return repair_may_have_ended(connset_get(run->set, i), run_elapsed(run));
}

static int pin_take_results(struct pinning *p, uint32_t i, int deleted, int created)
{
	struct entry *e = &p->run->entries[i];

	if (deleted == 0) {
		/* if the create failed, restore_missing() tries again */
		e->state = created == 0 ? ENTRY_CREATED : ENTRY_MISSING;
		e->pinned = true;
		e->made = created == 0;
	} else if (deleted == -ENOENT && created == 0 && may_have_ended(p->run, i)) {
		return bury(p->run, i);
	} else if (deleted == -ENOENT && created == 0) {
		/* somebody else's delete has flushed it; it is back now */
		e->state = ENTRY_CREATED;
		e->pinned = e->made = true;
	} else if (deleted == -EINPROGRESS || created == -EINPROGRESS) {
		e->state = ENTRY_MISSING;
		e->pinned = true;
	} else if (deleted == -EBUSY) {
		/* in a flow table, up to 5.10 (docs/kernel.md 4) */
		p->offloaded++;
	}
	return 0;
}

int pin_chunk(struct pinning *p, const uint32_t *idx, size_t n, enum shape_trust trust)
{
	const struct kernel *k = &p->run->env->kernel;
	struct ct_op ops[2 * PIN_PAIRS] = { { .conn = NULL } };
	uint32_t elapsed = run_elapsed(p->run);
	bool chosen[PIN_PAIRS];
	size_t i, m = 0;
	int r;

	for (i = 0; i < n; i++) {
		chosen[i] = pin_is_meant(p, idx[i]) && trust_in(p, idx[i]) == trust;
		if (!chosen[i])
			continue;
		ops[2 * m + 1] = restore_op(p->run, idx[i], elapsed);
		ops[2 * m] = (struct ct_op){ .verb = CT_DELETE, .conn = ops[2 * m + 1].conn };
		m++;
	}
	r = m ? k->ops->ct_batch(k->ctx, ops, 2 * m) : 0;
	if (r == -ENOBUFS)
		r = 0;
	for (i = 0, m = 0; r == 0 && i < n; i++) {
		if (!chosen[i])
			continue;
		r = pin_take_results(p, idx[i], ops[2 * m].result, ops[2 * m + 1].result);
		m++;
	}
	return r;
}

/* Whether entry I may be touched at all. If somebody else has altered it, its shape is first
 * tried on an entry between documentation addresses. */
static bool may_try(struct pinning *p, uint32_t i)
{
	struct run *run = p->run;
	const struct conn *c = connset_get(run->set, i);
	struct conn asked, found;
	const void *payload;
	size_t len;

	if (conn_alteration(c) == ALTERATION_NONE)
		return true;
	payload = connset_payload(run->set, i, &len);
	if (trial_create(&run->env->kernel, c, payload, len, &asked, &found) < 0)
		return false;
	if (repair_matches(&asked, &found))
		return true;
	shapes_set(run->shapes, conn_shape(c), SHAPE_REFUSED);
	return false;
}

int pin_firsts(struct pinning *p, const uint32_t *idx, size_t n)
{
	size_t i;
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		struct entry *e = &p->run->entries[idx[i]];

		/* of most the shape is proven: they are looked at below, by pin_chunk() */
		if (trust_in(p, idx[i]) == SHAPE_PROVEN || !pin_is_meant(p, idx[i]))
			continue;
		if (trust_in(p, idx[i]) == SHAPE_UNTRIED && may_try(p, idx[i])) {
			r = pin_chunk(p, &idx[i], 1, SHAPE_UNTRIED);
			if (r == 0 && e->state == ENTRY_CREATED)
				r = restore_read_back_one(p->run, idx[i]);
		}
		e->refused = e->state == ENTRY_THERE && trust_in(p, idx[i]) == SHAPE_REFUSED;
	}
	return r;
}

static uint32_t *pin_collect(const struct pinning *p, size_t *ret_n)
{
	size_t i, n = connset_count(p->run->set), m = 0;
	uint32_t *idx = malloc(MAX(n, (size_t)1) * sizeof(*idx));

	for (i = 0; idx && i < n; i++)
		if (pin_is_meant(p, i))
			idx[m++] = (uint32_t)i;
	*ret_n = m;
	return idx;
}

/* Pin IDX[AT..END), which are about equal in cost, until DEADLINE. Returns where it
 * ended or a negative errno. */
static int64_t pin_some(struct pinning *p, const uint32_t *idx, size_t at, size_t end,
			usec_t deadline)
{
	struct run *run = p->run;
	struct pace pace = pace_begin(PIN_PAIRS);
	int r = 0;

	while (at < end && r == 0) {
		size_t n = MIN(end - at, pace.n);
		usec_t began;

		if (run_now(run) >= deadline)
			break;
		run_keep_hold(run);
		r = snapshot_fetch(run);
		began = run_now(run);
		if (r == 0)
			r = pin_firsts(p, idx + at, n);
		if (r == 0)
			r = pin_chunk(p, idx + at, n, SHAPE_PROVEN);
		pace_note(&pace, n, run_now(run) - began);
		at += n;
	}
	return r < 0 ? r : (int64_t)at;
}

/* IDX[AT..END) are the source's to restore if the flush takes them. */
static void leave_to_source(struct run *run, const uint32_t *idx, size_t at, size_t end)
{
	for (; at < end; at++)
		run->entries[idx[at]].skip = SKIP_LEFT;
}

/* Pin all that is meant and not pinned yet: what is worth most first, so that a
 * deadline leaves what is worth little, and masters before their children. */
static int pin_all(struct pinning *p)
{
	struct run *run = p->run;
	_cleanup_free_ uint32_t *idx = NULL;
	size_t n, ends[WORTH_COUNT], w, end = 0;
	int64_t at = 0;
	int r;

	idx = pin_collect(p, &n);
	r = idx ? worth_order(run->env->seed, run->set, idx, n, ends) : -ENOMEM;
	if (r < 0)
		return r;
	p->left = 0;
	for (w = 0; w < WORTH_COUNT && at == (int64_t)end; w++) {
		bool leaves = run->source.goes_on && w >= WORTH_CROWDED;
		usec_t deadline =
			leaves ? MIN(p->deadline, run_now(run) + LEAVE_AFTER) : p->deadline;

		end = ends[w];
		at = pin_some(p, idx, (size_t)at, end, deadline);
		if (leaves && at >= 0 && run_now(run) < p->deadline) {
			leave_to_source(run, idx, (size_t)at, end);
			at = (int64_t)end;
		}
	}
	if (at < 0)
		return (int)at;
	p->left = n - (size_t)at;
	return 0;
}

static int pin_rounds(struct pinning *p)
{
	struct run *run = p->run;
	unsigned round;
	int r = pin_all(p);

	for (round = 0; round < NEW_ENTRY_ROUNDS && r == 0 && run_now(run) < p->deadline; round++) {
		uint64_t before = run->n_added;

		r = snapshot_update(run);
		if (r < 0 || run->n_added == before)
			break;
		r = pin_all(p);
	}
	return r;
}

/* An entry that is being pinned gives up its place in the table for a moment; in a table
 * that is nearly full another flow may take it. */
bool pin_has_room(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	unsigned limit = run->env->settings->pin_max_fill;
	uint32_t count, max;

	if (k->ops->ct_usage(k->ctx, &count, &max) < 0 || !max ||
	    (uint64_t)count * 100 <= (uint64_t)max * limit)
		return true;
	report_warn(run->report, "no-room", "sysctl net.netfilter.nf_conntrack_max",
		    "the conntrack table is over %u %% full (%u of %u): nothing is pinned, only "
		    "restored",
		    limit, count, max);
	return false;
}

int pin_candidates(struct run *run, usec_t deadline, uint64_t *ret_left)
{
	struct pinning p = { .run = run, .deadline = deadline };
	int r = reach_read(run, &p.reach);

	if (r == 0)
		r = pin_all(&p);
	restore_missing(run);
	if (!run->keep_armed) /* nothing is missing any more */
		run_let_go(run);
	restore_read_back(run);
	reach_done(&p.reach);
	*ret_left = p.left;
	return r;
}

/* What was pinned while the table was read has used up time for pins; the reading has not. */
static usec_t pin_deadline(const struct run *run)
{
	usec_t budget = run->env->settings->pin_timeout;

	return MIN(run_now(run) + budget - MIN(budget, run->pinned_for), run_pin_until(run));
}

static void pin_send(struct run *run)
{
	struct pinning p = { .run = run, .deadline = pin_deadline(run) };
	usec_t deadline = run->deadline;
	int r = reach_read(run, &p.reach);

	if (r == 0)
		r = pin_rounds(&p);
	/* What we have deleted and could not create is restored now, even past the
	 * deadline. */
	run->deadline = MAX(run->deadline, run_now(run) + REPAIR_GRACE);
	restore_missing(run);
	run->deadline = deadline;
	if (r < 0)
		report_warn(run->report, "pin-failed", "", "pinning broke off: %s", strerror(-r));
	if (p.left)
		report_warn(run->report, "pin-deadline", "",
			    "%llu connections did not fit into the pin deadline: they are restored "
			    "if they are flushed",
			    (unsigned long long)p.left);
	if (p.offloaded)
		report_warn(run->report, "offloaded", "",
			    "%llu connections are in a flow table and could not be pinned",
			    (unsigned long long)p.offloaded);
	reach_done(&p.reach);
	run->pinned_for = 0; /* if it comes to it again, that has time of its own */
}

void pin_entries(struct run *run)
{
	usec_t began = run_now(run);

	if (!run->holding && run->req->hold != HOLD_OFF)
		run->source.ops->hold_missing(run);
	run_keep_hold(run);
	if (run->report->strategy == STRATEGY_PIN && !pin_has_room(run))
		run->report->strategy = STRATEGY_RESTORE;
	if (run->report->strategy == STRATEGY_PIN) {
		pin_send(run);
		snapshot_classify(run); /* some may have been left to the source */
	} else {
		(void)snapshot_update(run);
	}
	run->prepared = run_now(run);
	run->report->timing.pin += run->prepared - began;
}
