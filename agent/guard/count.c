/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A watchdog for events that get lost without a word: kernels before 4.11 did not always tell of
 * an overrun. The kernel's number of entries, of all devices, is held against what it should
 * be by the births and deaths that events have told of. Where the two differ for long, the table
 * is read again. It is only a number: what is wrong is found by reading. */
#include "guard/parts.h"

#include <stdlib.h>
#include <string.h>

/* A difference counts if it lasts for so long, and for twice as long each time that reading
 * the table has shown nothing new: there are kernels set up to tell of births and not of deaths. */
#define PATIENCE_MIN (10 * USEC_PER_SEC)
#define PATIENCE_MAX (64 * PATIENCE_MIN)

/* Entries that are being made or destroyed count in the kernel, and no event tells of them. */
#define CHURN(n) (8 + (n) / 256)

/* A pin by another process or guard. Up to 4.9, creating an entry over ctnetlink is
 * told of as a change of it (docs/kernel.md 6), so that only the death before it tells. */
static bool is_other_half_of_pin(struct guard_count *n, const struct conn_record *record)
{
	bool r = record->by && record->by == n->deleted_by &&
		 conn_key_equal(&record->conn->key, &n->deleted);

	n->deleted_by = 0;
	return r;
}

void guard_count_event(struct guard *g, const struct conn_record *record)
{
	struct guard_count *n = &g->count;

	if (record->gone) {
		n->expected--;
		n->deleted_by = record->by;
		n->deleted = record->conn->key;
	} else if (is_other_half_of_pin(n, record) || record->born) {
		n->expected++;
	}
}

/* What has been done by the guard itself is in no event that it gets. */
static uint64_t own_changes(const struct guard *g)
{
	const struct guard_status *st = &g->status;

	return st->restored + st->superseded + st->lost + st->removed + st->led_away +
	       st->pin_failures;
}

static bool is_at_work(const struct guard *g)
{
	return g->moving || g->repair.active || g->linger.sweeping || g->arrive.due.n;
}

static bool count_read(const struct guard *g, int64_t *ret)
{
	const struct kernel *k = &g->env.kernel;
	uint32_t count, max;

	if (k->ops->ct_usage(k->ctx, &count, &max) < 0)
		return false;
	*ret = count;
	return true;
}

void guard_count_begin(struct guard *g)
{
	struct guard_count *n = &g->count;

	n->is_known = count_read(g, &n->expected);
	n->off_since = 0;
	n->own = own_changes(g);
	n->known_before = pinned_set_count(g->pinned) + unpinned_count(g->unpinned);
}

void guard_count_end(struct guard *g)
{
	struct guard_count *n = &g->count;
	uint64_t known = pinned_set_count(g->pinned) + unpinned_count(g->unpinned);

	if (!n->suspects)
		return;
	n->suspects = false;
	if (known > n->known_before + CHURN(n->known_before) / 2) {
		g->status.overruns++;
		n->patience = PATIENCE_MIN;
	} else {
		n->patience = MIN(2 * n->patience, PATIENCE_MAX);
	}
}

void guard_count_forget(struct guard *g)
{
	g->count.is_known = false;
}

void guard_count_look(struct guard *g)
{
	struct guard_count *n = &g->count;
	usec_t now = guard_now(g);
	int64_t count, off;

	n->patience = MAX(n->patience, PATIENCE_MIN);
	if (n->unread)
		return;
	if (is_at_work(g) || own_changes(g) != n->own || !n->is_known) {
		guard_count_begin(g);
		return;
	}
	if (!count_read(g, &count))
		return;
	off = count - n->expected;
	if (llabs(off) <= CHURN(MAX(count, n->expected))) {
		n->off_since = 0;
		return;
	}
	if (!n->off_since || (off > 0) != n->is_over)
		n->off_since = now;
	n->is_over = off > 0;
	if (now < n->off_since + n->patience)
		return;
	n->suspects = true;
	g->status.state = GUARD_STALE;
}
