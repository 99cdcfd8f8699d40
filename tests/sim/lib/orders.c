/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "orders.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "altered.h"

/* Netlink ports of others. */
#define BY_OPERATOR 4711
#define BY_CLI 4712

/* No time is passed in steps longer than this. */
#define STEP_MAX USEC_PER_SEC

#define LATE (100 * USEC_PER_MSEC)

const char *const orders_words[ORDERS_COUNT] = {
	[ORDERS_OUT_A] = "out-a",
	[ORDERS_IN_A] = "in-a",
	[ORDERS_OUT_C] = "out-c",
	[ORDERS_IN_C] = "in-c",
	[ORDERS_FLUSH] = "flush",
	[ORDERS_LATE_FLUSH] = "late-flush",
	[ORDERS_PIN] = "pin",
	[ORDERS_RESTORE] = "restore",
	[ORDERS_DELETE] = "foreign-delete",
	[ORDERS_ADDRESS] = "address",
	[ORDERS_LOSS] = "loss",
	[ORDERS_KILL] = "kill",
	[ORDERS_TICK] = "tick",
};

static const char *name_of(const struct orders *o, const struct orders_flow *f)
{
	return f == &o->flows[0] ? "A" : "C";
}

static struct fake_entry *entry_of(const struct orders *o, const struct orders_flow *f)
{
	return fake_entry_find(o->s->fake, &f->conn.key);
}

/* ---- what is watched of what vipsafe does --------------------------------------- */

/* Every create and delete: of B there must be none. */
static bool on_op(void *ud, struct ct_op *op)
{
	struct orders *o = ud;
	struct fake_entry *e;

	if (op->verb == CT_GET)
		return false;
	if (conn_key_equal(&op->conn->key, &o->altered.key))
		orders_wrong(o, "an altered entry is touched", "B");
	e = fake_entry_find(o->s->fake, &op->conn->key);
	if (o->beside && o->g && e && op->verb == CT_DELETE)
		fake_tell_death(o->s->fake, e, BY_CLI);
	return o->bad_op && o->bad_op(o, op);
}

/* What a process beside the guard has made: told to the guard as the kernel does. */
static void tell_made(struct orders *o)
{
	for (size_t i = 0; i < ORDERS_FLOWS; i++) {
		struct fake_entry *e = entry_of(o, &o->flows[i]);

		if (e && e->created && !e->told)
			fake_tell(o->s->fake, e);
	}
}

/* ---- life and death of the guard ------------------------------------------------- */

static void on_recovered(void *ud _unused_, const struct report *r _unused_)
{
}

static void guard_is_born(struct orders *o)
{
	struct device_settings d = { .name = "br-mgmt",
				     .pin = o->mode,
				     .pin_after = 2 * USEC_PER_SEC,
				     .linger = ORDERS_LINGER };

	assert_true(run_recover(&o->s->env, on_recovered, NULL) >= 0);
	assert_int_equal(guard_new(&o->s->env, &d, &o->g), 0);
	o->due = o->s->fake->clock;
	o->live_since = 0;
}

/* As SIGKILL does: nothing is tidied up, neither files nor rules. */
static void guard_is_killed(struct orders *o)
{
	struct fake *f = o->s->fake;
	bool open = f->held_open;
	usec_t until = f->held_until;
	char *dir = o->s->settings.run_dir;

	snprintf(dir, sizeof(o->s->settings.run_dir), "/proc/nowhere");
	o->g = guard_free(o->g);
	snprintf(dir, sizeof(o->s->settings.run_dir), "%s", o->s->dir);
	f->held_open = open;
	f->held_until = until;
	f->watching = f->watching_addrs = false;
	f->n_events = f->n_addr_events = f->n_heard_for = 0;
	f->events_lost = 0;
	o->lost_unread = false;
}

/* ---- the acts ------------------------------------------------------------------------ */

static struct orders_flow *flow_of(struct orders *o, enum orders_act act)
{
	return &o->flows[act >= ORDERS_OUT_C];
}

static bool is_out(enum orders_act act)
{
	return act == ORDERS_OUT_A || act == ORDERS_OUT_C;
}

/* The first packet of C: the port that A is translated to, if it is free. */
static void begin_c(struct orders *o)
{
	struct orders_flow *a = &o->flows[0], *c = &o->flows[1];
	struct fake *f = o->s->fake;
	struct fake_entry *e = fake_entry_add(f, &c->conn, NULL, o->s->dev, 400);

	if (e)
		a->unprotected = true;
	else
		*fake_translated(&c->conn) ^= htons(0x2000);
	if (!e)
		e = scene_add(o->s, &c->conn);
	fake_tell(f, e);
	c->alive = o->c_began = true;
}

/* A packet that meets no entry: one end is answered with a reset. */
static void meet_nothing(struct orders *o, struct orders_flow *f, bool out)
{
	const struct fake_entry *e;
	struct conn c = f->conn;

	if (!f->may_break && !f->unprotected && !f->ended)
		orders_wrong(o, "a reset for a protected flow", name_of(o, f));
	f->alive = f->owed = false;
	if (out) {
		*fake_translated(&c) ^= htons(0x0400);
	} else {
		c.key.orig = f->conn.reply;
		c.reply = tuple_invert(&c.key.orig, c.key.l4proto);
		c.status &= ~(uint32_t)CONN_SRC_NAT;
	}
	c.status &= ~(uint32_t)CONN_ASSURED;
	c.tcp_state = CONN_TCP_CLOSE;
	e = fake_entry_add(o->s->fake, &c, NULL, out ? o->s->dev : 0, 10);
	if (e) /* else its tuple is another flow's, whose client gets the packet */
		fake_tell(o->s->fake, e);
}

static void packet(struct orders *o, enum orders_act act)
{
	struct orders_flow *f = flow_of(o, act);

	if (!f->alive)
		begin_c(o);
	else
		meet_nothing(o, f, is_out(act));
}

static void vip_up(struct orders *o)
{
	if (!fake_has_addr(o->s->fake, o->s->dev, VIP4 "/32"))
		fake_addr(o->s->fake, o->s->dev, VIP4 "/32", NULL);
}

static void flush(struct orders *o, usec_t after)
{
	struct fake *f = o->s->fake;

	vip_up(o);
	f->flush_after = after;
	assert_int_equal(fake_addr_del(f, o->s->dev, VIP4 "/32"), 0);
	f->flush_after = 0;
	o->flushed_at = f->clock;
}

static void late_flush(struct orders *o)
{
	struct fake *f = o->s->fake;

	usec_t due = orders_pending_due(o);

	if (f->n_pending)
		fake_advance(f, due - MIN(f->clock, due));
	else
		flush(o, LATE);
}

/* The address is gone, with what was flushed, and nothing is put back yet. */
static void kill_at_verify(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "verify"))
		s->kill_at = s->n_stages - 1;
}

/* The fake has one socket for events, and that is the guard's. */
static int watch_nothing(void *ctx _unused_, uint8_t family _unused_, bool deaths _unused_)
{
	return -ENODATA;
}

/* By the guard, or by a process that knows nothing of it. */
static void move(struct orders *o, enum strategy strategy, bool kill)
{
	struct scene *s = o->s;
	struct request req;

	vip_up(o);
	request_init(&req, OP_DEL);
	req.strategy = strategy;
	s->req = req;
	o->beside = !o->g || !guard_serves(o->g, &req);
	if (!o->beside)
		s->env.source = guard_source(o->g);
	else
		s->env.kernel.ops = &o->deaf;
	s->on_stage = kill ? kill_at_verify : NULL;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->env.source = (struct source){ .ops = NULL };
	s->env.kernel = s->fake->kernel;
	s->kill_at = -1;
	if (o->beside)
		tell_made(o);
	o->beside = false;
	o->flushed_at = s->fake->clock;
	/* partial: B may be lost; unsafe: it may be the last address */
	if (!kill && s->report.exit_code != EXIT_DONE && s->report.exit_code != EXIT_PARTIAL &&
	    s->report.exit_code != EXIT_UNSAFE)
		orders_wrong(o, s->report.error, "the delete fails");
}

static void address(struct orders *o)
{
	struct fake *f = o->s->fake;

	if (o->away_since) {
		fake_addr(f, o->s->dev, HOST4 "/24", NULL);
		o->away_since = 0;
		return;
	}
	assert_int_equal(fake_addr_del(f, o->s->dev, HOST4 "/24"), 0);
	o->away_since = o->flushed_at = f->clock;
}

static void tick(struct orders *o)
{
	struct fake *f = o->s->fake;
	usec_t next = MIN(f->clock + STEP_MAX, orders_pending_due(o));
	struct guard_status st;

	if (!o->g) {
		guard_is_born(o);
	} else if (o->due > f->clock && !f->n_events && !f->n_addr_events && !f->events_lost) {
		next = MIN(next, o->due);
		fake_advance(f, next - MIN(next, f->clock));
	}
	guard_ready(o->g);
	o->due = guard_tick(o->g);
	guard_get_status(o->g, &st);
	if (st.state == GUARD_LIVE && !o->live_since)
		o->live_since = f->clock;
	o->lost_unread = f->events_lost > 0;
}

static void act_now(struct orders *o, enum orders_act act)
{
	struct fake *f = o->s->fake;

	switch (act) {
	case ORDERS_OUT_A:
	case ORDERS_IN_A:
	case ORDERS_OUT_C:
	case ORDERS_IN_C:
		packet(o, act);
		break;
	case ORDERS_FLUSH:
		flush(o, 0);
		break;
	case ORDERS_LATE_FLUSH:
		late_flush(o);
		break;
	case ORDERS_PIN:
		move(o, STRATEGY_PIN, false);
		break;
	case ORDERS_RESTORE:
		move(o, STRATEGY_RESTORE, false);
		break;
	case ORDERS_DELETE:
		assert_int_equal(
			fake_delete_by(f, &o->flows[0].conn.key, o->is_blind ? 0 : BY_OPERATOR), 0);
		o->has_deleted = o->flows[0].ended = true;
		break;
	case ORDERS_ADDRESS:
		address(o);
		break;
	case ORDERS_LOSS:
		f->events_lost = 1;
		o->lost_unread = true;
		break;
	case ORDERS_KILL:
		if (o->g)
			guard_is_killed(o);
		else
			move(o, STRATEGY_RESTORE, true);
		break;
	case ORDERS_TICK:
		tick(o);
		break;
	case ORDERS_COUNT:
		break;
	}
}

bool orders_is_possible(const struct orders *o, enum orders_act act)
{
	const struct orders_flow *a = &o->flows[0], *f = &o->flows[act >= ORDERS_OUT_C];

	switch (act) {
	case ORDERS_OUT_A:
	case ORDERS_IN_A:
	case ORDERS_OUT_C:
	case ORDERS_IN_C:
		/* with an entry they change nothing; what would make a new one is held back;
		 * nothing is translated to an address that is not there */
		return (f->alive || (act == ORDERS_OUT_C && !o->c_began)) && !entry_of(o, f) &&
		       !fake_is_held(o->s->fake) && !o->away_since;
	case ORDERS_DELETE:
		return !o->has_deleted && a->alive && entry_of(o, a);
	case ORDERS_LOSS:
		return o->g && !o->lost_unread;
	case ORDERS_FLUSH:
	case ORDERS_LATE_FLUSH:
	case ORDERS_PIN:
	case ORDERS_RESTORE:
	case ORDERS_ADDRESS:
	case ORDERS_KILL:
	case ORDERS_TICK:
	case ORDERS_COUNT:
		break;
	}
	return act < ORDERS_COUNT;
}

bool orders_do(struct orders *o, enum orders_act act)
{
	struct orders_seen seen;

	orders_see(o, &seen);
	act_now(o, act);
	orders_judge(o, act, &seen);
	return !*o->wrong;
}

void orders_begin(struct orders *o, enum pin_mode mode, void (*sabotage)(struct orders *o))
{
	struct fake *f;

	*o = (struct orders){ .mode = mode };
	assert_int_equal(scene_setup(&o->state), 0);
	o->s = o->state;
	f = o->s->fake;
	o->deaf = *f->kernel.ops;
	o->deaf.ct_watch = watch_nothing;
	f->call_cost = 0;
	f->meddle = on_op;
	f->meddle_ud = o;
	o->flows[0].conn = scene_flow(IPPROTO_TCP, "10.1.3.3", 33001, SERVER4, 8899, HOST4, 1031);
	o->flows[0].alive = true;
	o->flows[1].conn = scene_flow(IPPROTO_TCP, "10.1.3.4", 1031, SERVER4, 8899, HOST4, 1031);
	o->altered = altered_strange(1);
	scene_add(o->s, &o->flows[0].conn);
	scene_add(o->s, &o->altered);
	if (sabotage)
		sabotage(o);
	guard_is_born(o);
}

void orders_end(struct orders *o)
{
	guard_free(o->g);
	scene_teardown(&o->state);
}

bool orders_settle(struct orders *o)
{
	usec_t until = o->s->fake->clock + ORDERS_REST;

	if (o->away_since)
		orders_do(o, ORDERS_ADDRESS);
	for (unsigned n = 0; !*o->wrong && o->s->fake->clock < until; n++) {
		orders_do(o, ORDERS_TICK);
		if (n == ORDERS_TICKS_MAX)
			orders_wrong(o, "the guard does not come to rest", "");
	}
	if (*o->wrong)
		return false;
	o->g = guard_free(o->g);
	orders_judge_end(o);
	return !*o->wrong;
}
