/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a guard: its states, and what it does when. */
#include "guard/guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "guard/parts.h"
#include "move/journal.h"
#include "base/rundir.h"

/* Pins are collected for about so long and then made under one hold. */
#define ROUND_EVERY USEC_PER_SEC

/* To take rules away when the device or the guard goes. */
#define CLOSE_TIMEOUT (250 * USEC_PER_MSEC)

/* How often to look whether rules that are being made are in place. */
#define OPEN_LOOK_EVERY (10 * USEC_PER_MSEC)

static const char *const guard_state_words[] = {
	[GUARD_ABSENT] = "absent", [GUARD_SYNCING] = "syncing",	  [GUARD_LIVE] = "live",
	[GUARD_STALE] = "stale",   [GUARD_DEGRADED] = "degraded", NULL,
};

const char *guard_state_name(enum guard_state s)
{
	return word_of(guard_state_words, s);
}

/* WHAT does not work: it is tried again later. */
static void guard_degrade(struct guard *g, int error, const char *what)
{
	(void)guard_resync_stop(g);
	g->status.state = GUARD_DEGRADED;
	snprintf(g->why_degraded, sizeof(g->why_degraded), "%s: %s", what, strerror(-error));
	g->next = guard_now(g) + GUARD_RETRY_EVERY;
}

/* Errors are ignored: rules that stay hold nothing, and the next start removes them. */
static void close_hold(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;

	if (guard_observes(g))
		return;
	/* also if it could not be opened: some rules may be there */
	(void)k->ops->hold_close(k->ctx, guard_now(g) + CLOSE_TIMEOUT);
	g->holding = g->opening = false;
}

static void guard_leave(struct guard *g)
{
	close_hold(g);
	g->status.hold = HOLD_OFF;
	g->link.ifindex = 0;
	g->status.state = GUARD_ABSENT;
}

/* Read the table, once it is known whose entries are meant. */
static void guard_read_all(struct guard *g)
{
	const char *what = "the addresses cannot be read";
	usec_t began = guard_now(g);
	int r;

	if (!guard_observes(g))
		guard_keep_load(g);
	r = guard_see_addresses(g);
	if (r == 0) {
		what = "the conntrack table cannot be read";
		r = guard_relist(g);
	}
	g->relisted = guard_now(g);
	g->relist_took = g->relisted - began;
	if (r == -EINTR) /* cut short: what is missing comes the next time */
		g->status.state = GUARD_STALE;
	else if (r < 0)
		guard_degrade(g, r, what);
}

/* A step of reading it again. */
static void guard_read_again(struct guard *g)
{
	int r = guard_resync_step(g);

	if (r == -EAGAIN)
		return;
	g->relisted = guard_now(g);
	g->relist_took = g->relisted - g->resync.began;
	if (r == -EINTR)
		g->status.state = GUARD_STALE;
	else if (r < 0)
		guard_degrade(g, r, "the addresses or the conntrack table cannot be read");
}

/* The device is there: open what the guard lives on, and read the table. */
static void arrive(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	int r = k->ops->link_get(k->ctx, g->device.name, &g->link);

	(void)guard_resync_stop(g);
	g->next = guard_now(g) + GUARD_RETRY_EVERY;
	if (r < 0) {
		guard_leave(g);
		if (!guard_observes(g))
			guard_linger_purge(g);
		return;
	}
	r = k->ops->addr_watch(k->ctx);
	if (r == 0)
		r = k->ops->ct_watch(k->ctx, AF_UNSPEC, true);
	if (r < 0) {
		guard_degrade(g, r, "watching");
		return;
	}
	if (!guard_observes(g))
		guard_begin_hold(g); /* on the device of this index */
	g->linger.listen = true;
	g->down = !g->link.up;
	guard_read_all(g);
	g->first_pins = true;
	guard_begin_pins(g);
}

int guard_new(const struct run_env *env, const struct device_settings *d, struct guard **ret)
{
	struct guard *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->env = *env;
	g->env.source = guard_work_source(g);
	g->slot = g->keep.file.fd = g->keep.next.fd = -1;
	g->device = *d;
	g->status = (struct guard_status){ .mode = d->pin, .hold = HOLD_OFF };
	snprintf(g->status.device, sizeof(g->status.device), "%s", d->name);
	g->pinned = pinned_set_new(env->seed);
	g->unpinned = unpinned_new(env->seed);
	if (!g->pinned || !g->unpinned) {
		guard_free(g);
		return -ENOMEM;
	}
	*ret = g;
	return 0;
}

void guard_set(struct guard *g, const struct device_settings *d, bool rehold)
{
	bool later = g->device.pin_after != d->pin_after;
	bool other = memcmp(&g->device.selection, &d->selection, sizeof(d->selection)) != 0;

	g->device = *d;
	guard_away_set(g);
	g->status.mode = d->pin;
	if (d->pin != PIN_CONTINUOUS)
		guard_order_end(&g->pins);
	if (later)
		guard_postpone_all(g);
	if (other)
		guard_select_all(g);
	if (!rehold || !g->link.ifindex || guard_observes(g))
		return;
	close_hold(g);
	guard_begin_hold(g);
}

bool guard_is_idle(const struct guard *g)
{
	return !g->repair.active && guard_linger_is_idle(g);
}

static void remove_slot(struct guard *g)
{
	/* also that of a guard before us, which was killed */
	_cleanup_close_ int dir = *g->link.name ? rundir_open(g->env.settings->run_dir) : -1;
	char name[JOURNAL_NAME_MAX];

	if (dir >= 0)
		(void)unlinkat(dir, journal_slot_name(g->link.name, name), 0);
	closep(&g->slot);
}

struct guard *guard_free(struct guard *g)
{
	if (!g)
		return NULL;
	close_hold(g);
	(void)guard_resync_stop(g);
	guard_order_end(&g->pins);
	guard_order_end(&g->repair.order);
	if (g->unpinned)
		guard_end_save(g);
	remove_slot(g);
	guard_keep_end(g);
	guard_away_done(g);
	unpinned_free(g->unpinned);
	pinned_set_free(g->pinned);
	addr_table_done(&g->addresses);
	addrset_done(&g->own);
	addrset_done(&g->awaited);
	addrset_done(&g->local);
	guard_arrive_done(g);
	free(g);
	return NULL;
}

int guard_ifindex(const struct guard *g)
{
	return g->link.ifindex;
}

void guard_ready(struct guard *g)
{
	bool unread = false;
	int r, a;

	if (!guard_reads(g))
		return;
	/* Addresses first: their deletion is told before the flush it causes,
	 * and says how to take the deaths that follow. */
	a = guard_address_events(g);
	/* The addresses say which entries belong to the device. If they cannot be read
	 * now, the table is read again later. */
	if (g->readdress || a < 0)
		unread = guard_see_addresses(g) < 0;
	guard_linger_hear(g);
	r = guard_events(g, NULL, NULL);
	if (a == -ENOBUFS || unread)
		guard_resync_lost(g);
	else if (r < 0 && r != -ENOBUFS && r != -EAGAIN)
		guard_degrade(g, r, "conntrack events");
}

/* Whether the device is the same as before, not another one of that name. */
static bool is_still_there(const struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	struct link link;

	return k->ops->link_get(k->ctx, g->device.name, &link) == 0 &&
	       link.ifindex == g->link.ifindex;
}

/* Once a second. */
static void guard_begin_round(struct guard *g, usec_t t)
{
	g->next = t + ROUND_EVERY;
	guard_end_fights(g);
	guard_end_round(g);
	switch (g->status.state) {
	case GUARD_ABSENT:
	case GUARD_DEGRADED:
		arrive(g);
		break;
	case GUARD_LIVE:
		if (!is_still_there(g)) {
			arrive(g);
			break;
		}
		if (guard_observes(g))
			break;
		guard_check_hold(g);
		guard_keep_look(g);
		guard_count_look(g);
		if (!g->pins.open) /* a round under way is finished first */
			guard_begin_pins(g);
		break;
	case GUARD_SYNCING:
	case GUARD_STALE:
		break;
	}
}

/* Not while the rules of the hold are being made, and after everything more urgent. */
static bool has_pins(const struct guard *g)
{
	return g->device.pin == PIN_CONTINUOUS && g->pins.open && !g->opening &&
	       !g->repair.active && g->status.state == GUARD_LIVE;
}

/* A step of the most urgent work there is. False: none is left for now. */
static bool guard_step(struct guard *g)
{
	bool more;
	int lock, r;

	r = guard_repair_step(g, &more);
	if (r < 0)
		guard_degrade(g, r, "repairing");
	if (more || guard_arrive_step(g) || guard_linger_step(g))
		return true;
	if (g->repair.active)
		return false;
	if (guard_reads(g) && guard_relist_is_due(g, guard_now(g))) {
		guard_read_again(g);
		return true;
	}
	if (g->status.state != GUARD_LIVE)
		return false;
	if (guard_tidy(g))
		return true;
	if (!has_pins(g) || guard_now(g) < g->pin_next || guard_lock(g, &lock) < 0)
		return guard_keep_step(g);
	r = guard_pin_step(g);
	closep(&lock);
	g->first_pins = g->first_pins && g->pins.open;
	if (r < 0 && r != -EAGAIN)
		guard_degrade(g, r, "pinning");
	return r == -EAGAIN || guard_keep_step(g);
}

usec_t guard_tick(struct guard *g)
{
	usec_t t = guard_now(g), at = USEC_NEVER;
	bool more;

	if (t >= g->next)
		guard_begin_round(g, t);
	if (guard_wait_hold(g))
		at = t + OPEN_LOOK_EVERY;
	guard_away_write(g); /* before anything is put back to addresses that linger */
	more = guard_step(g);
	guard_linger_look(g);
	guard_away_write(g);
	guard_keep_write(g);
	guard_end_write(g);
	if (more)
		return guard_now(g);
	at = MIN(MIN(MIN(g->next, guard_repair_next(g)), guard_away_next(g)), at);
	at = MIN(at, MIN(guard_arrive_next(g), guard_end_next(g)));
	if (has_pins(g) && !g->locked_out)
		at = MIN(at, MAX(g->pin_next, t));
	if (g->locked_out)
		at = MIN(at, t + GUARD_LOCK_EVERY);
	if (g->status.state == GUARD_STALE && !g->repair.active)
		at = MIN(at, g->relisted + MAX(g->relist_took, GUARD_RELIST_EVERY));
	return at;
}

static void message_why(const struct guard *g, char reason[REPORT_TEXT_MAX])
{
	if (g->status.state == GUARD_DEGRADED)
		snprintf(reason, REPORT_TEXT_MAX, "%s", g->why_degraded);
	else if (g->full)
		snprintf(reason, REPORT_TEXT_MAX,
			 "more connections than shadow_max = %u: those beyond are protected by "
			 "vipsafe del, and from nobody else's",
			 g->env.settings->shadow_max);
	else if (g->no_room)
		snprintf(reason, REPORT_TEXT_MAX,
			 "the conntrack table is over %u %% full: nothing is pinned",
			 g->env.settings->pin_max_fill);
	else
		snprintf(reason, REPORT_TEXT_MAX, "%s",
			 g->why_refused[0] ? g->why_refused : g->why_hold);
}

void guard_get_status(const struct guard *g, struct guard_status *ret)
{
	*ret = g->status;
	ret->pinned = pinned_set_count(g->pinned);
	ret->unselected = unpinned_count_left_out(g->unpinned);
	ret->unpinned = unpinned_count(g->unpinned) - ret->unselected;
	ret->altered = unpinned_count_altered(g->unpinned);
	ret->helpers = guard_count_helpers(g);
	ret->linger = g->device.linger;
	ret->full = g->full;
	ret->refused = g->why_refused[0];
	message_why(g, ret->reason);
}
