/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/instance.h"

/* Event E came, and contradicts the decoy. */
static void doubt_raise(struct instance_doubt *d, const struct instance_event *e, usec_t now)
{
	if (d->said == INSTANCE_UNKNOWN)
		*d = (struct instance_doubt){ .due = now + DOUBT_WAIT };
	else if (e->stamp < d->stamp)
		return;
	d->said = e->state;
	d->source = e->source;
	d->stamp = e->stamp;
}

/* Event E came, and agrees with the decoy: it ends a doubt that is not newer. */
static void doubt_settle(struct instance_doubt *d, const struct instance_event *e)
{
	if (e->source == SOURCE_FIFO || e->stamp >= d->stamp)
		d->said = INSTANCE_UNKNOWN;
}

bool doubt_is_proven(struct instance_doubt *d, usec_t now, usec_t *ret_when)
{
	*ret_when = USEC_NEVER;
	if (d->said == INSTANCE_UNKNOWN)
		return false;
	if (!d->extended && now >= d->due + DOUBT_LATE) {
		d->extended = true;
		d->due = now + DOUBT_LATE;
	}
	*ret_when = d->due;
	return now >= d->due;
}

static enum instance_effect instance_count(struct instance *i, enum instance_effect heard)
{
	switch (heard) {
	case EFFECT_CHANGE:
		i->counters.changes++;
		break;
	case EFFECT_DUPLICATE:
		i->counters.duplicates++;
		break;
	case EFFECT_LATE:
		i->counters.late++;
		break;
	case EFFECT_NOTHING:
		i->counters.silent++;
		break;
	}
	return heard;
}

static void instance_enter(struct instance *i, enum instance_state state,
			   enum instance_source source, usec_t now)
{
	/* if keepalived cannot even start, it reports STOP for instances that never ran: nothing
	 * of that is ours to undo */
	if (state != INSTANCE_STOP && state != INSTANCE_DELETED)
		i->active = true;
	if (state == INSTANCE_MASTER)
		i->left_behind = false;
	i->state = state;
	i->source = source;
	i->since = now;
	i->settled = false;
	i->guessed = false;
	i->tries = 0;
	i->fights = 0;
}

static bool is_late(const struct instance *i, const struct instance_event *e)
{
	switch (e->source) {
	case SOURCE_NONE:
	case SOURCE_DECOY:
		return false;
	case SOURCE_FIFO:
		return e->stamp < i->fifo_stamp;
	case SOURCE_HOOK:
		if (i->fifo_stamp && e->state != i->state &&
		    e->stamp < i->fifo_stamp + INSTANCE_HOOK_LATE)
			return true;
		return e->stamp < i->stamp;
	}
	return false;
}

/* Compare an event with the decoy. An event of a script that may have started before the decoy
 * came or went is old, and raises no doubt. */
static void instance_weigh(struct instance *i, const struct instance_event *e, usec_t now)
{
	if (i->decoy_there == (e->state == INSTANCE_MASTER)) {
		doubt_settle(&i->doubt, e);
		i->decoy_stale = false; /* keepalived adopts a decoy that it finds */
	} else if (e->source == SOURCE_FIFO || !i->decoy_since ||
		   e->stamp > i->decoy_since + INSTANCE_HOOK_TICK) {
		doubt_raise(&i->doubt, e, now);
	}
}

enum instance_effect instance_receive(struct instance *i, const struct instance_event *e,
				      usec_t now)
{
	if (e->state == INSTANCE_UNKNOWN)
		return instance_count(i, EFFECT_NOTHING);
	if (is_late(i, e))
		return instance_count(i, EFFECT_LATE);
	if (e->source == SOURCE_FIFO)
		i->fifo_stamp = e->stamp;
	if (i->decoy_seen && (!i->decoy_stale || e->state == INSTANCE_MASTER))
		instance_weigh(i, e, now);
	/* keepalived adds the decoy before it reports MASTER and removes it before it reports
	 * anything else: an event that contradicts the decoy is old, until the decoy is proven
	 * wrong */
	if (i->decoy_seen && !i->decoy_stale && i->decoy_there != (e->state == INSTANCE_MASTER))
		return instance_count(i, EFFECT_LATE);
	if (e->stamp > i->stamp)
		i->stamp = e->stamp;
	if (e->state == i->state) {
		i->guessed = false;
		return instance_count(i, EFFECT_DUPLICATE);
	}
	instance_enter(i, e->state, e->source, now);
	return instance_count(i, EFFECT_CHANGE);
}

bool instance_take_newer(struct instance *i, const struct instance *other)
{
	struct instance mine = *i;

	if (other->stamp <= i->stamp)
		return false;
	i->stamp = other->stamp;
	if (other->state == i->state)
		return false;
	*i = *other;
	/* what this process has seen of the decoy and counted stays */
	i->decoy_seen = mine.decoy_seen;
	i->decoy_there = mine.decoy_there;
	i->decoy_looked = mine.decoy_looked;
	i->decoy_since = mine.decoy_since;
	i->fifo_stamp = MAX(i->fifo_stamp, mine.fifo_stamp);
	i->began = mine.began;
	i->streak = mine.streak;
	i->counters = mine.counters;
	i->settled = false;
	instance_count(i, EFFECT_CHANGE);
	return true;
}

void instance_fifo_lost(struct instance *i)
{
	/* lines are stamped when they are read, perhaps after the lost ones were written: a
	 * script of that time must not count as late */
	i->fifo_stamp = 0;
	i->stamp = 0;
	i->doubt.said = INSTANCE_UNKNOWN;
}

/* ---- decoy ---------------------------------------------------------------------- */

/* The decoy has gone: enter the state that keepalived has reported already, or guess BACKUP. */
static void decoy_gone(struct instance *i, usec_t now)
{
	struct instance_doubt doubt = i->doubt;

	i->doubt.said = INSTANCE_UNKNOWN;
	if (i->decoy_stale) {
		instance_forget_decoy(i);
		return;
	}
	if (i->state != INSTANCE_MASTER)
		return;
	instance_count(i, EFFECT_CHANGE);
	instance_enter(i, doubt.said == INSTANCE_UNKNOWN ? INSTANCE_BACKUP : doubt.said,
		       SOURCE_DECOY, now);
	i->guessed = doubt.said == INSTANCE_UNKNOWN;
}

void instance_see_decoy(struct instance *i, bool there, usec_t now)
{
	bool looked = i->decoy_looked, was_there = i->decoy_there;

	i->decoy_there = there;
	if (there != was_there)
		i->decoy_since = looked ? now : 0;
	if (there && !was_there)
		i->doubt.said = INSTANCE_UNKNOWN;
	if (!there && was_there)
		decoy_gone(i, now);
	i->decoy_looked = true;
	if (!there || (was_there && i->decoy_seen))
		return;
	i->decoy_seen = true;
	if (i->state == INSTANCE_MASTER)
		return;
	instance_count(i, EFFECT_CHANGE);
	instance_enter(i, INSTANCE_MASTER, SOURCE_DECOY, now);
}

void instance_decoy_moved(struct instance *i, bool came, usec_t now)
{
	i->decoy_since = now;
	if (came)
		i->doubt.said = INSTANCE_UNKNOWN;
}

void instance_forget_decoy(struct instance *i)
{
	i->decoy_seen = i->decoy_there = i->decoy_stale = false;
	i->decoy_looked = false;
	i->doubt.said = INSTANCE_UNKNOWN;
	i->guessed = false;
}

bool instance_decoy_is_missing(const struct instance *i, bool has, usec_t now, usec_t *ret_when)
{
	usec_t due = i->since + INSTANCE_DECOY_WAIT;

	*ret_when = USEC_NEVER;
	if (!has || i->state != INSTANCE_MASTER || i->decoy_there)
		return false;
	if (now < due)
		*ret_when = due;
	return now >= due;
}

/* No other event came in time: the event that contradicts the decoy counts. */
static void believe_the_word(struct instance *i, usec_t now)
{
	enum instance_state said = i->doubt.said;

	if (said == INSTANCE_MASTER) {
		instance_forget_decoy(i);
		i->decoy_looked = true;
	} else {
		i->decoy_stale = true;
		i->left_behind = true;
		i->counters.stale++;
	}
	i->doubt.said = INSTANCE_UNKNOWN;
	i->stamp = MAX(i->stamp, i->doubt.stamp);
	if (said == i->state)
		return;
	instance_count(i, EFFECT_CHANGE);
	instance_enter(i, said, i->doubt.source, now);
}

/* ---- what is to be done ------------------------------------------------------------ */

enum instance_action instance_wants(const struct instance *i, const struct instance_policy *policy)
{
	bool del = false;

	if (!policy->is_ours)
		return ACTION_NONE;
	switch (i->state) {
	case INSTANCE_UNKNOWN:
		return ACTION_NONE;
	case INSTANCE_MASTER:
		return policy->add ? ACTION_ADD : ACTION_NONE;
	case INSTANCE_BACKUP:
		del = policy->del_backup;
		break;
	case INSTANCE_FAULT:
		del = policy->del_fault;
		break;
	case INSTANCE_STOP:
		del = policy->del_stop && i->active;
		break;
	case INSTANCE_DELETED: /* no event will follow */
		del = i->active;
		break;
	}
	return del ? ACTION_DEL : ACTION_NONE;
}

static usec_t doubled(usec_t first, unsigned times, usec_t most)
{
	usec_t gap = first;

	for (; times && gap < most; times--)
		gap *= 2;
	return MIN(gap, most);
}

/* The earliest time of the next operation. */
static usec_t due(const struct instance *i)
{
	usec_t gap = doubled(INSTANCE_GAP, i->streak, INSTANCE_GAP_MAX);

	if (!i->began)
		return 0;
	if (i->tries > 1)
		gap = MAX(gap, doubled(INSTANCE_GAP, i->tries - 1, INSTANCE_RETRY_MAX));
	if (i->fights > 1)
		gap = MAX(gap, doubled(INSTANCE_GAP, 2 * (i->fights - 1), INSTANCE_FIGHT_MAX));
	return i->began + gap;
}

static bool policies_differ(const struct instance_policy *p)
{
	return p->del_backup != p->del_fault || p->del_backup != p->del_stop;
}

static bool is_done(enum instance_action wanted, enum instance_presence present)
{
	return wanted == ACTION_NONE || (wanted == ACTION_ADD && present == PRESENT_ALL) ||
	       (wanted == ACTION_DEL && present == PRESENT_NONE);
}

static enum instance_action next_action(struct instance *i, const struct instance_policy *policy,
					enum instance_presence present, usec_t now,
					usec_t *ret_when)
{
	enum instance_action wanted = instance_wants(i, policy);
	usec_t when = due(i);

	*ret_when = USEC_NEVER;
	if (i->guessed && (!policies_differ(policy) || now >= i->since + INSTANCE_WORD_WAIT))
		i->guessed = false; /* handle it like BACKUP */
	if (i->guessed) {
		*ret_when = i->since + INSTANCE_WORD_WAIT;
		return ACTION_NONE;
	}
	if (is_done(wanted, present)) {
		i->settled = true;
		i->tries = 0;
		return ACTION_NONE;
	}
	if (i->settled) {
		/* an address that somebody added stays; one that somebody deleted is put back */
		if (wanted == ACTION_DEL)
			return ACTION_NONE;
		i->settled = false;
		i->counters.foreign++;
		i->fights = now - i->fought < 2 * INSTANCE_FIGHT_MAX ? i->fights + 1 : 1;
		i->fought = now;
		when = due(i);
	}
	if (now < when) {
		*ret_when = when;
		return ACTION_NONE;
	}
	return wanted;
}

enum instance_action instance_next(struct instance *i, const struct instance_policy *policy,
				   enum instance_presence present, usec_t now, usec_t *ret_when)
{
	enum instance_action action;
	usec_t when;

	if (doubt_is_proven(&i->doubt, now, &when)) {
		believe_the_word(i, now);
		when = USEC_NEVER;
	}
	action = next_action(i, policy, present, now, ret_when);
	*ret_when = MIN(*ret_when, when);
	return action;
}

void instance_begin(struct instance *i, usec_t now)
{
	bool soon = i->began && now - i->began < INSTANCE_QUIET;

	i->streak = soon ? i->streak + 1 : 0;
	i->began = now;
	i->tries++;
	i->counters.operations++;
}

bool instance_failed(struct instance *i)
{
	i->counters.failures++;
	return !(i->tries & (i->tries - 1));
}

void instance_hurry(struct instance *i)
{
	i->tries = 0;
}

void instance_unsettle(struct instance *i)
{
	i->settled = false;
}
