/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must never happen, and what is not vipsafe's fault. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "orders.h"

void orders_wrong(struct orders *o, const char *what, const char *whose)
{
	if (!*o->wrong)
		snprintf(o->wrong, sizeof(o->wrong), "%s%s%.100s", whose, *whose ? ": " : "", what);
}

static const char *orders_name(const struct orders *o, const struct orders_flow *f)
{
	return f == &o->flows[0] ? "A" : "C";
}

usec_t orders_pending_due(const struct orders *o)
{
	const struct fake *f = o->s->fake;
	usec_t due = USEC_NEVER;

	for (size_t i = 0; i < f->n_pending; i++)
		due = MIN(due, f->pending[i].due);
	return due;
}

static bool is_live(const struct orders *o)
{
	struct guard_status st;

	if (!o->g || o->lost_unread)
		return false;
	guard_get_status(o->g, &st);
	return st.state == GUARD_LIVE && !st.quarantined;
}

static int is_key(void *ud, const struct conn_key *key, uint32_t id _unused_, bool pinned _unused_)
{
	return conn_key_equal(ud, key);
}

/* Whether the guard knows of F, and would be told of a flush. */
static bool is_guarded(const struct orders *o, const struct orders_flow *f)
{
	struct conn_key key = f->conn.key;

	if (!is_live(o) || o->flush_unseen || !guard_each(o->g, is_key, &key))
		return false;
	switch (guard_protection(o->g, &f->conn)) {
	case PROTECTION_NONE:
	case PROTECTION_ALTERED:
	case PROTECTION_UNSELECTED:
		return false;
	case PROTECTION_PINNED:
	case PROTECTION_UNPINNED:
	case PROTECTION_LINGERING:
	case PROTECTION_COMMITTED:
		break;
	}
	return true;
}

static bool has_file(const struct orders *o, const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s-br-mgmt", o->s->dir, name);
	return stat(path, &st) == 0;
}

void orders_see(const struct orders *o, struct orders_seen *ret)
{
	for (size_t i = 0; i < ORDERS_FLOWS; i++) {
		const struct orders_flow *f = &o->flows[i];
		const struct fake_entry *e = fake_entry_find(o->s->fake, &f->conn.key);

		ret->there[i] = f->alive && scene_works(o->s, &f->conn);
		ret->pinned[i] = e && e->created;
		ret->guarded[i] = is_guarded(o, f);
	}
	ret->was_living = o->g;
	ret->was_live = is_live(o);
	ret->was_idle = !o->g || guard_is_idle(o->g);
	ret->was_cut = !o->g && o->s->fake->n_pending && has_file(o, "repair");
	ret->flushed = o->s->fake->flushed;
}

/* It was there, and is not any more. */
static void judge_gone(struct orders *o, enum orders_act act, const struct orders_seen *seen,
		       struct orders_flow *f)
{
	size_t i = (size_t)(f - o->flows);
	bool flushed = o->s->fake->flushed != seen->flushed && !seen->pinned[i];

	switch (act) {
	case ORDERS_FLUSH:
	case ORDERS_LATE_FLUSH:
	case ORDERS_ADDRESS:
		if (!flushed)
			orders_wrong(o, "what is pinned is flushed", orders_name(o, f));
		f->may_break = true;
		f->owed = seen->guarded[i];
		f->saved = false;
		break;
	case ORDERS_TICK:
		if (!flushed && !f->unprotected)
			orders_wrong(o, "the guard takes its entry", orders_name(o, f));
		f->owed = flushed && seen->guarded[i];
		f->may_break = !f->owed;
		f->saved = true;
		break;
	case ORDERS_PIN:
	case ORDERS_RESTORE:
		/* a run first finishes that repair: what was born after it was saved it does not
		 * know */
		f->may_break = seen->was_cut && flushed;
		if (!f->unprotected && !f->may_break)
			orders_wrong(o, "a delete costs it its entry", orders_name(o, f));
		break;
	case ORDERS_KILL:
		f->may_break = f->owed = f->saved = true;
		break;
	case ORDERS_DELETE:
		break;
	case ORDERS_OUT_A:
	case ORDERS_IN_A:
	case ORDERS_OUT_C:
	case ORDERS_IN_C:
	case ORDERS_LOSS:
	case ORDERS_COUNT:
		orders_wrong(o, "its entry vanishes", orders_name(o, f));
		break;
	}
}

/* It was not there before, either. */
static void judge_missing(const struct orders *o, enum orders_act act,
			  const struct orders_seen *seen, struct orders_flow *f)
{
	if (act == ORDERS_TICK && f->owed && seen->was_living) {
		f->may_break = false; /* by now packets have to be held back */
		f->saved = true;
	}
	/* a run or a new guard finishes what a killed one has left, but not for an address that is
	 * not there */
	if (o->away_since && !seen->was_living && act >= ORDERS_PIN) {
		f->owed = false;
		f->may_break = true;
	}
	/* a run of another process takes the guard's rules away with its own: until its next step
	 * nothing is held back */
	if (act == ORDERS_PIN || act == ORDERS_RESTORE)
		f->may_break = true;
	if (act == ORDERS_KILL && seen->was_living) {
		f->owed = f->owed && f->saved;
		f->may_break = true;
		/* the file does not tell which of two that have had one port had it later */
		f->unprotected = f->unprotected || o->flows[0].unprotected;
	}
	if (act == ORDERS_LOSS && !f->saved) {
		f->owed = false;
		f->may_break = true;
	}
}

static void judge_flow(struct orders *o, enum orders_act act, const struct orders_seen *seen,
		       struct orders_flow *f)
{
	bool there = scene_works(o->s, &f->conn);

	if (o->away_since && o->s->fake->clock - o->away_since >= ORDERS_LINGER)
		f->unprotected = true;
	if (!seen->was_live || o->lost_unread || !o->g)
		f->ended_missed = f->ended && !f->ended_told;
	/* what it had saved for its repair the next one puts back */
	if (act == ORDERS_KILL && !seen->was_idle)
		f->ended_missed = f->ended;
	f->ended_told = f->ended_told && !f->ended_missed;
	if (act == ORDERS_TICK && seen->was_live)
		f->ended_told = f->ended && !f->ended_missed;
	if (there && f->ended_told)
		orders_wrong(o, "what was deleted on purpose is back", orders_name(o, f));
	if (!f->alive || f->ended)
		return;
	if (there)
		f->may_break = f->owed = f->saved = false;
	else if (seen->there[f - o->flows])
		judge_gone(o, act, seen, f);
	else
		judge_missing(o, act, seen, f);
}

/* An entry that vipsafe has made is that of a flow, as it was. */
static bool is_as_it_was(const struct orders *o, const struct fake_entry *e)
{
	for (size_t i = 0; i < ORDERS_FLOWS; i++)
		if (conn_key_equal(&e->conn.key, &o->flows[i].conn.key))
			return e->translates &&
			       tuple_equal(&e->conn.reply, &o->flows[i].conn.reply);
	return false;
}

static void judge_table(struct orders *o)
{
	const struct fake *f = o->s->fake;
	bool altered = false;

	for (size_t i = 0; i < f->n_entries; i++) {
		const struct fake_entry *e = &f->entries[i];

		if (e->created && !is_as_it_was(o, e))
			orders_wrong(o, "an entry is made that no flow had", "");
		altered = altered || conn_key_equal(&e->conn.key, &o->altered.key);
		for (size_t j = 0; j < i; j++)
			if (tuple_equal(&e->conn.reply, &f->entries[j].conn.reply))
				orders_wrong(o, "a port has two owners", "");
	}
	if (o->altered_gone && altered)
		orders_wrong(o, "an altered entry is created", "B");
	o->altered_gone = !altered;
}

void orders_judge(struct orders *o, enum orders_act act, const struct orders_seen *seen)
{
	const struct fake *f = o->s->fake;
	/* ipset counts whole seconds */
	usec_t limit = o->s->settings.hold_max + USEC_PER_SEC;

	for (size_t i = 0; i < ORDERS_FLOWS; i++)
		judge_flow(o, act, seen, &o->flows[i]);
	judge_table(o);
	if (!f->n_pending)
		o->flush_unseen = false;
	else if (!o->g || !o->live_since)
		o->flush_unseen = true;
	if (f->held_open && f->held_until > f->clock + limit)
		orders_wrong(o, "packets are held back for too long", "");
}

void orders_judge_end(struct orders *o)
{
	const struct fake *fake = o->s->fake;

	for (size_t i = 0; i < ORDERS_FLOWS; i++) {
		const struct orders_flow *f = &o->flows[i];
		const struct fake_entry *e = fake_entry_find(fake, &f->conn.key);

		if (!f->alive || f->ended || f->unprotected)
			continue;
		if (!e && (f->owed || !f->may_break))
			orders_wrong(o, "it is not brought back", orders_name(o, f));
		if (e && e->masq && o->mode == PIN_CONTINUOUS)
			orders_wrong(o, "it is not pinned in the end", orders_name(o, f));
	}
	if (fake->held_open || fake->n_reset)
		orders_wrong(o, "a rule is left", "");
	if (scene_leftovers(o->s, NULL))
		orders_wrong(o, "a file is left", "");
}

/* ---- what can be seen ------------------------------------------------------------------ */

static void mix(uint64_t *h, uint64_t value)
{
	*h = (*h ^ value) * 0x9e3779b97f4a7c15u;
	*h ^= *h >> 29;
}

/* A time, as far as anything in the guard depends on it. */
static uint64_t step_of(usec_t t)
{
	static const usec_t steps[] = { 450 * USEC_PER_MSEC, ORDERS_LINGER };
	size_t i = 0;

	while (i < ARRAY_SIZE(steps) && t >= steps[i])
		i++;
	return i;
}

static void mix_since(uint64_t *h, const struct orders *o, usec_t when)
{
	mix(h, when ? step_of(o->s->fake->clock - when) : 200);
}

static void mix_flow(uint64_t *h, const struct orders *o, const struct orders_flow *f)
{
	const struct fake_entry *e = fake_entry_find(o->s->fake, &f->conn.key);

	mix(h, f->alive | f->unprotected << 1 | f->may_break << 2 | f->owed << 3 |
		       (f->ended ? 1u + f->ended_told + 2u * f->ended_missed : 0) << 4);
	mix(h, e ? 1u | (e->masq != 0) << 1 | e->translates << 2 : 0);
}

static void mix_kernel(uint64_t *h, const struct orders *o)
{
	const struct fake *f = o->s->fake;

	mix(h, (f->events_lost != 0) | fake_is_held(f) << 1 | (f->n_pending != 0) << 2);
	mix(h, o->g && (f->n_events || f->n_addr_events));
}

/* What the next guard or run will find. */
static void mix_files(uint64_t *h, const struct orders *o)
{
	mix(h, has_file(o, "repair"));
	mix(h, has_file(o, "move"));
}

static void mix_guard(uint64_t *h, const struct orders *o)
{
	struct guard_status st;

	guard_get_status(o->g, &st);
	mix(h, st.state | (unsigned)guard_is_idle(o->g) << 8 | (unsigned)o->flush_unseen << 9);
}

uint64_t orders_hash(const struct orders *o)
{
	uint64_t h = 0x5eed;

	for (size_t i = 0; i < ORDERS_FLOWS; i++)
		mix_flow(&h, o, &o->flows[i]);
	mix(&h, o->altered_gone | o->c_began << 1);
	mix_since(&h, o, o->away_since);
	mix_kernel(&h, o);
	mix_files(&h, o);
	if (o->g)
		mix_guard(&h, o);
	return h;
}
