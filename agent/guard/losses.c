/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who deletes addresses of the device, or takes its link down. */
#include "guard/parts.h"

#include <errno.h>
#include <string.h>

#include "base/rundir.h"
#include "move/journal.h"

/* A run that takes longer than this was killed. */
#define OTHER_RUN_MAX (60 * USEC_PER_SEC)

/* Whether A was deleted by the run that the guard serves, which handles the entries. */
static bool is_own_doing(const struct guard *g, const struct ifaddr *a)
{
	size_t v;

	for (v = 0; g->moving && v < g->moving->req->n_vips; v++)
		if (g->moving->targets[v].ifindex == a->ifindex &&
		    prefix_equal(&g->moving->targets[v].prefix, &a->prefix))
			return true;
	return false;
}

static void note_foreign(struct guard *g, const struct deed *d, bool repair)
{
	struct guard_foreign_news *news = &g->foreign;

	if (news->n == GUARD_FOREIGN_NEWS) {
		news->beyond++;
		return;
	}
	news->list[news->n++] = (struct guard_foreign){
		.deed = *d,
		.pinned = pinned_set_count(g->pinned),
		.unpinned = unpinned_count(g->unpinned),
		.quarantined = !repair,
	};
}

void guard_take_foreign(struct guard *g, struct guard_foreign_news *ret)
{
	*ret = g->foreign;
	g->foreign.n = 0;
	g->foreign.beyond = 0;
}

/* Somebody else has deleted an address of the device, as D tells; RUN: another run of vipsafe,
 * which tells of it itself. */
static void meet_delete(struct guard *g, const struct deed *d, bool run)
{
	bool repair = !guard_note_departure(g, &d->address);

	g->status.foreign_deletes++;
	g->status.foreign_last = d->address;
	if (!run && d->by != BY_US)
		note_foreign(g, d, repair);
	if (repair)
		guard_begin_repair(g, true);
	else
		guard_suffer(g);
	guard_expect_late(g, repair, true);
}

/* Whether something may be translated to A by the guarded device. */
static bool is_of_concern(const struct guard *g, const struct ifaddr *a)
{
	return a->ifindex == g->link.ifindex || !g->own.n ||
	       addrset_has(&g->keep.set, &a->prefix.addr) ||
	       pinned_set_count_as(g->pinned, &a->prefix.addr);
}

/* Whether a run of another process has deleted A from the device: then the address was given up on
 * purpose. *RET_KEEP: what is translated to it is to stay; if it was replicated it lingers. */
static bool meet_other_run(struct guard *g, const struct ifaddr *a, bool *ret_keep)
{
	_cleanup_close_ int dir = rundir_open(g->env.settings->run_dir);
	usec_t now = guard_now(g);
	struct request req;

	*ret_keep = false;
	if (a->ifindex != g->link.ifindex || dir < 0 ||
	    !journal_finds_delete(dir, g->link.name, g->env.boot_id, &a->prefix,
				  now - MIN(now, OTHER_RUN_MAX), &req))
		return false;
	if (req.replicated)
		return true;
	*ret_keep = req.vip_flows == VIP_FLOWS_KEEP;
	guard_give_up(g, &a->prefix.addr, *ret_keep);
	return true;
}

/* A link that goes down takes every masqueraded entry of the device with it. */
static void meet_link(struct guard *g, bool down)
{
	if (g->down == down)
		return;
	g->down = down;
	guard_linger_meet_link(g);
	if (!down)
		return;
	guard_end_meet_link(g);
	guard_begin_repair(g, true);
	guard_expect_late(g, true, true);
}

/* A is on the device, but another host has it. */
static void meet_duplicate(struct guard *g, const struct ifaddr *a)
{
	struct guard_away *x;

	g->readdress = true;
	if (!is_of_concern(g, a))
		return;
	(void)guard_away_begin(g, &a->prefix.addr, a->ifindex == g->link.ifindex);
	x = guard_away_find(&g->linger, &a->prefix.addr);
	if (x)
		guard_away_finish(g, x, LINGER_HEARD);
}

void guard_own_gone(struct guard *g, const struct ifaddr *a)
{
	if (g->moving && g->moving->req->replicated)
		(void)guard_away_begin(g, &a->prefix.addr, a->ifindex == g->link.ifindex);
	else
		guard_keep_no_more(g, &a->prefix.addr);
}

static int guard_losses_on_address(void *ud, const struct ifaddr *a, bool gone)
{
	struct guard *g = ud;
	struct deed deed = { .by = BY_UNKNOWN };
	bool run, keep;

	if (!a->prefix.addr.family) {
		if (a->ifindex == g->link.ifindex)
			meet_link(g, gone);
		return 0;
	}
	if (!gone && a->flags & IFADDR_DADFAILED) {
		meet_duplicate(g, a);
		return 0;
	}
	g->readdress = true;
	if (!gone && a->ifindex == g->link.ifindex)
		guard_note_arrival(g, &a->prefix);
	if (!gone) {
		addrset_remove(&g->linger.given, &a->prefix.addr);
		guard_away_meet(g, &a->prefix.addr);
	}
	if (gone)
		guard_note_went(g, &a->prefix.addr);
	else if (is_own_doing(g, a) && !g->moving->req->replicated)
		guard_note_own_added(g, &a->prefix.addr);
	else if (a->ifindex == g->link.ifindex)
		guard_note_added(g, a);
	if (gone && is_own_doing(g, a)) {
		(void)guard_end_meet_delete(g, a, true);
		guard_own_gone(g, a);
	}
	if (!gone || is_own_doing(g, a))
		return 0;
	if (is_of_concern(g, a))
		deed = guard_end_meet_delete(g, a, false);
	run = meet_other_run(g, a, &keep);
	if (!keep && is_of_concern(g, a))
		(void)guard_away_begin(g, &a->prefix.addr, a->ifindex == g->link.ifindex);
	if (a->ifindex == g->link.ifindex)
		meet_delete(g, &deed, run);
	return 0;
}

int guard_address_events(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	int r = k->ops->addr_events(k->ctx, guard_losses_on_address, g);

	g->readdress = g->readdress || r < 0;
	return r;
}
