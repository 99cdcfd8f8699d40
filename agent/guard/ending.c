/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is noted of an entry that ended, in one place; and what turns out to be none, since the
 * entry comes back: as it was, or translated anew. */
#include "guard/ending.h"

#include <netinet/in.h>
#include <string.h>

#include "base/shape.h"
#include "guard/parts.h"

/* An entry that comes back as it was within this time had not ended. */
#define PUT_BACK_MAX (10 * USEC_PER_SEC)

/* How long an end waits at least before it is counted. */
#define SETTLE_AFTER (900 * USEC_PER_MSEC)

/* Whether an end by CAUSE may turn out to be none: the entry is put back. */
static bool end_is_undecided(enum end_cause cause)
{
	switch (cause) {
	case END_ADDRESS:
	case END_FLUSH:
	case END_LINK:
	case END_DELETED:
		return true;
	case END_UNKNOWN:
	case END_SWEEP:
	case END_EARLY_DROP:
	case END_TIMEOUT:
	case END_FINISHED:
	case END_RESET:
	case END_RESET_CLIENT:
	case END_RESET_SERVER:
	case END_IPVS:
	case END_LOST:
	case END_ARRIVED:
	case END_RETRANSLATED:
	case END_CAUSE_COUNT:
		break;
	}
	return false;
}

static void end_count(struct guard *g, enum end_cause cause, uint64_t n)
{
	g->status.ends[cause] += n;
	if (g->ending.ends)
		ends_count(g->ending.ends, cause, n);
}

/* The one place where an end is noted. */
static void end_note(struct guard *g, struct end *e)
{
	struct guard_ending *x = &g->ending;

	if (end_is_undecided(e->cause))
		x->undecided[e->cause]++;
	else
		end_count(g, e->cause, 1);
	if (!x->ends)
		return;
	if (!x->device)
		x->device = ends_device(x->ends, g->device.name);
	e->device = x->device;
	ends_add(x->ends, e);
}

static bool end_find(const struct guard *g, const struct conn_key *key, struct end *ret)
{
	return g->ending.ends && ends_find(g->ending.ends, key, ret);
}

/* C, of which DEAD tells, had been translated anew before: the server has reset that. */
static bool end_meet_reset(struct guard *g, const struct conn *dead, const struct end *e)
{
	struct end was;

	if (e->cause != END_RESET_SERVER || !end_find(g, &dead->key, &was) ||
	    was.cause != END_RETRANSLATED || was.new_port != dead->reply.dport)
		return false;
	ends_mark(g->ending.ends, &dead->key, END_NEW_RESET);
	return true;
}

/* What BY has deleted. A run of ours beside the guard removes what is translated to an address that
 * it has deleted, as the kernel does: whichever comes first. */
static void end_by_program(struct guard *g, const struct conn *dead, uint32_t by, struct end *e)
{
	const struct addr as = tuple_dst(&dead->reply, dead->key.family);
	const struct guard_flushing *f = guard_cause_flushing(g, &as);
	bool ours = false;
	const uint16_t deed = guard_deed_of_deleter(g, by, &ours);

	if (!ours)
		guard_cause_set(e, END_DELETED, DOUBT_NONE, deed);
	else if (f && f->deed.by == BY_US && addr_equal(&f->deed.address.addr, &as))
		guard_cause_set(e, END_ADDRESS, DOUBT_NONE, f->number);
	else /* its delete is not told of yet */
		guard_cause_set(e, END_ADDRESS, DOUBT_MOMENT, deed);
}

void guard_end_meet(struct guard *g, const struct conn *known, uint8_t last_state, bool pinned,
		    const struct conn_record *record)
{
	const struct conn *dead = record->conn;
	struct end e;
	struct guard_death d = { .known = known, .dead = dead, .pinned = pinned };
	struct conn c = *dead;

	g->ending.tells = g->ending.tells || dead->timeout || dead->tcp_state != CONN_TCP_NONE;
	c.tcp_state = d.state = dead->tcp_state != CONN_TCP_NONE ? dead->tcp_state : last_state;
	end_init(&e, &c, MAX(g->batch_at, (usec_t)1));
	e.flags |= (uint8_t)((pinned ? END_WAS_PINNED : 0) | (g->ending.tells ? END_TOLD : 0) |
			     (known && conn_alteration(known) ? END_ALTERED : 0));
	if (record->by)
		end_by_program(g, dead, record->by, &e);
	else
		guard_cause_of(g, &d, &e);
	if (end_meet_reset(g, dead, &e))
		e.doubt = DOUBT_NONE;
	end_note(g, &e);
}

void guard_end_ours(struct guard *g, const struct conn *c, enum end_cause cause, uint16_t deed)
{
	static const struct addr none;
	int64_t i = unpinned_find(g->unpinned, &c->key);
	struct conn known = i < 0 ? *c : unpinned_at(g->unpinned, (size_t)i);
	struct end e;

	if (!memcmp(known.reply.src, none.bytes, sizeof(none.bytes))) { /* only AS is known */
		known.reply = tuple_invert(&c->key.orig, c->key.l4proto);
		memcpy(known.reply.dst, c->reply.dst, sizeof(known.reply.dst));
		known.reply.dport = 0;
	}
	end_init(&e, &known, guard_now(g));
	if (i < 0)
		e.flags |= END_WAS_PINNED;
	guard_cause_set(&e, cause, DOUBT_NONE, deed);
	end_note(g, &e);
}

/* Whether the end that was noted last is that of C. */
static bool end_is_latest(const struct guard *g, const struct conn *c)
{
	const struct end *e = g->ending.ends ? ends_latest(g->ending.ends) : NULL;

	return e && e->sport == c->key.orig.sport && e->dport == c->key.orig.dport;
}

void guard_end_missed(struct guard *g, const struct conn *c)
{
	struct addr as = tuple_dst(&c->reply, c->key.family);
	const struct guard_flushing *f = guard_cause_flushing(g, &as);
	struct end e, was;

	if (!g->ending.ends) /* whether it was told of is not known */
		return;
	if (end_is_latest(g, c))
		return;
	if (end_find(g, &c->key, &was) && guard_now(g) - MIN(was.at, guard_now(g)) < PUT_BACK_MAX)
		return;
	end_init(&e, c, guard_now(g));
	guard_cause_set(&e, f ? guard_cause_flushed(f, &as) : END_UNKNOWN, DOUBT_MISSED,
			f ? f->number : 0);
	end_note(g, &e);
}

/* Whether any end may turn out to be none. */
static bool end_any_undecided(const struct guard *g)
{
	static const enum end_cause causes[] = { END_ADDRESS, END_FLUSH, END_LINK, END_DELETED };
	const struct guard_ending *x = &g->ending;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(causes); i++)
		n += x->undecided[causes[i]] + x->settling[causes[i]];
	return n > 0;
}

/* C is there as it was before E, its latest end. */
static void end_is_back(struct guard *g, const struct conn *c, const struct end *e)
{
	struct guard_ending *x = &g->ending;
	uint64_t *waiting;

	if (e->flags & END_PUT_BACK || !end_is_undecided(e->cause) ||
	    guard_now(g) - MIN(e->at, guard_now(g)) >= PUT_BACK_MAX)
		return;
	ends_mark(x->ends, &c->key, END_PUT_BACK);
	waiting = e->at >= x->turned_at ? x->undecided : x->settling;
	if (waiting[e->cause])
		waiting[e->cause]--;
}

void guard_end_put_back(struct guard *g, const struct conn *c)
{
	struct end e;

	if (end_any_undecided(g) && end_find(g, &c->key, &e))
		end_is_back(g, c, &e);
}

/* ---- what comes back ---- */

/* Whether C continues a connection that had begun before: its entry does not come from its first
 * packet. */
static bool is_continued(const struct conn *c, const struct end *e)
{
	switch ((enum conn_tcp_state)c->tcp_state) {
	case CONN_TCP_SYN_SENT:
	case CONN_TCP_SYN_RECV:
	case CONN_TCP_SYN_SENT2:
		return false;
	case CONN_TCP_NONE:
		/* without a state nothing tells a new conversation from an old one after a while */
		return c->key.l4proto != IPPROTO_TCP && e->cause != END_TIMEOUT;
	case CONN_TCP_ESTABLISHED:
	case CONN_TCP_FIN_WAIT:
	case CONN_TCP_CLOSE_WAIT:
	case CONN_TCP_LAST_ACK:
	case CONN_TCP_TIME_WAIT:
	case CONN_TCP_CLOSE:
		break;
	}
	return e->cause != END_FINISHED && e->cause != END_RESET && e->cause != END_RESET_CLIENT &&
	       e->cause != END_RESET_SERVER;
}

static void end_meet_return(struct guard *g, const struct conn *c)
{
	struct end e;

	if (!end_find(g, &c->key, &e))
		return;
	if (e.cause == END_RETRANSLATED)
		e.as_port = e.new_port;
	if (e.as_port == c->reply.dport && !memcmp(e.as, c->reply.dst, sizeof(e.as))) {
		end_is_back(g, c, &e);
		return;
	}
	if (!e.as_port || !is_continued(c, &e))
		return;
	e.at = MAX(g->batch_at, (usec_t)1);
	e.cause = END_RETRANSLATED;
	e.new_port = c->reply.dport;
	e.flags &= (uint8_t) ~(END_PUT_BACK | END_NEW_RESET);
	end_note(g, &e);
}

void guard_end_meet_born(struct guard *g, const struct conn *c, uint32_t by)
{
	/* by its own packets an entry comes without an answer, and a new connection by its SYN;
	 * what a program deletes and creates again comes at once */
	if (by ? end_is_latest(g, c)
	       : !(c->status & CONN_SEEN_REPLY) && c->tcp_state != CONN_TCP_SYN_SENT)
		end_meet_return(g, c);
}

/* ---- the memory ---- */

void guard_remember(struct guard *g, struct ends *ends)
{
	if (g->ending.ends != ends)
		g->ending.device = 0;
	g->ending.ends = ends;
}

void guard_end_round(struct guard *g)
{
	struct guard_ending *x = &g->ending;
	size_t i;

	guard_cause_watch(g);
	if (x->ends)
		ends_catch_up(x->ends);
	guard_load_probe_result(g);
	if (!g->repair.active && !g->moving)
		guard_deeds_name(g);
	if (g->repair.active || g->moving || guard_now(g) < x->turned_at + SETTLE_AFTER)
		return;
	/* what has waited for a whole turn is counted, however much ends meanwhile */
	for (i = 0; i < END_CAUSE_COUNT; i++) {
		end_count(g, (enum end_cause)i, x->settling[i]);
		x->settling[i] = x->undecided[i];
		x->undecided[i] = 0;
	}
	x->turned_at = guard_now(g);
}

void guard_end_write(struct guard *g)
{
	if (g->ending.ends)
		ends_write(g->ending.ends, guard_now(g));
}

usec_t guard_end_next(const struct guard *g)
{
	return g->ending.ends ? ends_due(g->ending.ends) : USEC_NEVER;
}
