/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard as the source of a run that uses its kernel (move/source.h). */
#include "guard/guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "guard/parts.h"
#include "move/dump.h"
#include "move/journal.h"

/* Listing looks at the clock every so many entries: some dozens of microseconds. */
#define LOOK_EVERY 64

/* Batches of events read before a run begins. */
#define CATCH_UP_MAX 256

static bool wants_the_same_hold(const struct guard *g, const struct request *req)
{
	return req->hold == HOLD_AUTO || req->hold == HOLD_OFF || req->hold == g->status.hold;
}

bool guard_serves(struct guard *g, const struct request *req)
{
	int r = -EAGAIN;
	unsigned i;

	if (guard_observes(g) || g->status.state != GUARD_LIVE || g->full ||
	    !wants_the_same_hold(g, req) ||
	    (req->strategy != STRATEGY_AUTO && req->strategy != STRATEGY_PIN))
		return false;
	if (guard_address_events(g) < 0 || (g->readdress && guard_see_addresses(g) < 0))
		return false;
	/* An add goes by nothing of it, and the clients of another node wait while its connections
	 * have just been written to the table: all of that is told of. */
	if (req->op == OP_ADD && req->replicated)
		r = 0;
	for (i = 0; i < CATCH_UP_MAX && r == -EAGAIN; i++)
		r = guard_events(g, NULL, NULL);
	/* not while flushed entries are being put back */
	return r == 0 && g->status.state == GUARD_LIVE && !g->full &&
	       !unpinned_count_flushed(g->unpinned);
}

static struct guard *guard_of(const struct run *run)
{
	return run->source.ctx;
}

static int serve_link(const struct run *run, const char *name, struct link *ret)
{
	const struct guard *g = guard_of(run);

	if (strcmp(name, g->link.name) != 0 && strcmp(name, g->device.name) != 0)
		return dump_link(run, name, ret);
	*ret = g->link;
	return 0;
}

static int serve_addresses(const struct run *run, struct addr_table *ret)
{
	return guard_copy_addresses(guard_of(run), ret);
}

/* It does not change while the node is up. */
static void serve_probe_result(struct run *run, usec_t timeout, struct probe_result *ret)
{
	struct guard *g = guard_of(run);

	guard_load_probe_result(g);
	if (g->probe_result.cached)
		*ret = g->probe_result;
	else
		dump_probe_result(run, timeout, ret);
	if (ret->helpers == HELPERS_UNKNOWN)
		ret->helpers = g->helpers;
}

static struct shapes *serve_shapes(struct run *run)
{
	return &guard_of(run)->shapes;
}

static int serve_slot(struct run *run, int *ret_fd)
{
	struct guard *g = guard_of(run);
	int r = journal_slot_open(run->run_dir, g->link.name, &g->slot);

	*ret_fd = g->slot;
	return r;
}

/* -ETIME: the addresses have to go before all are listed. */
static int list_unpinned(struct run *run, conn_sink sink)
{
	const struct guard *g = guard_of(run);
	size_t i, n = unpinned_count(g->unpinned);
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		struct conn c;
		struct conn_record record = unpinned_record(g->unpinned, i, &c);

		if (run_is_bounded(run) && i % LOOK_EVERY == 0 &&
		    run_now(run) >= run_read_until(run))
			r = -ETIME;
		else if (run->family == AF_UNSPEC || run->family == record.conn->key.family)
			r = sink(run, &record);
	}
	return r;
}

/* The entry of ITEM. Only key, id and translated address are known; status and reply tuple
 * are derived from them. */
static struct conn pinned_conn(const struct pinned_set_item *item)
{
	struct conn c;

	memset(&c, 0, sizeof(c));
	c.key = item->key;
	c.id = item->id;
	c.status = CONN_CONFIRMED | CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE;
	c.reply = tuple_invert(&c.key.orig, c.key.l4proto);
	if (memcmp(c.reply.dst, item->as.bytes, sizeof(c.reply.dst)))
		c.status |= CONN_SRC_NAT;
	memcpy(c.reply.dst, item->as.bytes, sizeof(c.reply.dst));
	return c;
}

/* List the pinned entries that are translated to AS. */
static int list_pinned(struct run *run, const struct addr *as, conn_sink sink)
{
	const struct guard *g = guard_of(run);
	size_t i, n = pinned_set_count_as(g->pinned, as);
	int r = 0;

	for (i = pinned_set_count(g->pinned); n && i-- && r == 0;) {
		struct pinned_set_item item = pinned_set_at(g->pinned, i);
		struct conn c;

		if (!addr_equal(&item.as, as))
			continue;
		c = pinned_conn(&item);
		r = sink(run, &(struct conn_record){ .conn = &c });
		n--;
	}
	return r;
}

/* What is pinned is out of reach and needs no look; of it only the flows of the
 * leaving addresses are wanted. The timeouts of the others are those of the last
 * event: the kernel tells nobody of a packet. */
static int serve_list(struct run *run, conn_sink sink, size_t *ret_whole)
{
	int listed = list_unpinned(run, sink), r = listed == -ETIME ? 0 : listed;
	size_t i;

	*ret_whole = connset_count(run->set);
	for (i = 0; i < run->leaving.n && r == 0; i++)
		r = list_pinned(run, &run->leaving.addrs[i], sink);
	return r == 0 ? listed : r;
}

static uint64_t serve_count_pinned(const struct run *run)
{
	const struct guard *g = guard_of(run);
	uint64_t n = pinned_set_count_family(g->pinned, run->family);
	size_t i;

	for (i = 0; i < run->leaving.n; i++)
		n -= pinned_set_count_as(g->pinned, &run->leaving.addrs[i]);
	return n;
}

static bool serve_is_pinned(const struct run *run, const struct conn *c)
{
	return pinned_set_has(guard_of(run)->pinned, &c->key, c->id);
}

static int serve_events(struct run *run, conn_sink sink, void *ud)
{
	return guard_events(guard_of(run), sink, ud);
}

static int serve_arriving(const struct run *run, const struct addrset *to, conn_sink sink, void *ud)
{
	return guard_arriving(guard_of(run), to, sink, ud);
}

static void serve_forget(const struct run *run, const struct conn *c)
{
	guard_forget(guard_of(run), &c->key);
}

/* The rules of the guard are used, if it has some. */
static void lend_hold(struct run *run)
{
	const struct guard *g = guard_of(run);

	if (run->req->hold == HOLD_OFF || g->env.settings->hold == HOLD_OFF)
		hold_why_off(run);
	else
		snprintf(run->report->hold_why, REPORT_TEXT_MAX, "%s", g->why_hold);
	if (run->req->hold == HOLD_OFF)
		return;
	run->report->hold = g->status.hold;
	run->holding = g->holding && !run->req->plan;
}

/* The events of the guard are used as well. */
static void serve_hold(struct run *run)
{
	run->watching = !run->req->plan;
	lend_hold(run);
}

/* The rules were removed by a run of another process. */
static int serve_hold_again(const struct run *run)
{
	return guard_reopen_hold(guard_of(run), run->hold_deadline);
}

static void serve_hold_missing(struct run *run)
{
	guard_warn_no_hold(guard_of(run), run->report);
}

/* Whether the run has left entries to us that the flush may take. */
static bool leaves_some(const struct run *run)
{
	size_t i, n = run->set ? connset_count(run->set) : 0;

	for (i = 0; i < n; i++)
		if (run->entries[i].skip == SKIP_LEFT)
			return true;
	return run->torn && run->report->strategy != STRATEGY_NONE;
}

/* The addresses of the run are not deleted by somebody else from now on. */
static void serve_begin_change(struct run *run)
{
	struct guard *g = guard_of(run);

	if (leaves_some(run))
		guard_begin_repair(g, false);
	if (run->req->op == OP_DEL)
		guard_suffer_no_more(g);
	g->moving = run;
	guard_count_forget(g);
}

/* The events of it were lost. */
static void note_change(struct guard *g, const struct run *run)
{
	size_t v;

	for (v = 0; run->req->op == OP_DEL && v < run->req->n_vips; v++)
		if (run->report->outcomes[v] == VIP_CHANGED)
			guard_own_gone(g, &run->targets[v]);
}

static void serve_end_change(struct run *run)
{
	struct guard *g = guard_of(run);

	if (guard_address_events(g) < 0)
		note_change(g, run);
	g->moving = NULL;
}

/* Whether a flush may come after the run, which takes what is not pinned by then. */
static bool may_flush_later(const struct run *run)
{
	return run->report->changed && run->req->op == OP_DEL && !run->sync_flush &&
	       run->report->strategy != STRATEGY_NONE;
}

/* RUN has dropped C with the address that it has deleted. */
static void note_dropped(struct guard *g, const struct run *run, const struct conn *c,
			 uint16_t *deed)
{
	struct addr as = tuple_dst(&c->reply, c->key.family);

	if (!*deed)
		*deed = guard_end_deed(g, DEED_GIVEN, &as, run);
	guard_end_ours(g, c, END_SWEEP, *deed);
	guard_forget(g, &c->key);
}

static void serve_learn(struct run *run)
{
	size_t i, n = run->set ? connset_count(run->set) : 0;
	struct guard *g = guard_of(run);
	uint16_t deed = 0;

	for (i = 0; i < n; i++) {
		const struct entry *e = &run->entries[i];
		const struct conn *c = connset_get(run->set, i);

		if (e->dropped)
			note_dropped(g, run, c, &deed);
		else if (e->made && (e->state == ENTRY_CREATED || e->state == ENTRY_RESTORED))
			(void)guard_note_pinned(g, c);
	}
	guard_keep_write_first(g); /* the rest after the answer */
	guard_take_hold(g, run);
	if (!may_flush_later(run))
		return;
	guard_begin_repair(g, false);
	guard_expect_late(g, true, false);
}

/* The guard has not seen what a killed run has done: the kernel is asked, and only the
 * hold is the guard's. */
static const struct source_ops recovering_source = {
	.before = BEFORE_DUMP,
	.recovering = &recovering_source,
	.link = dump_link,
	.addresses = dump_addresses,
	.probe_result = dump_probe_result,
	.shapes = serve_shapes,
	.list = dump_list,
	.count_pinned = dump_count_pinned,
	.is_pinned = dump_is_pinned,
	.is_exposed = dump_is_exposed,
	.events = dump_events,
	.arriving = dump_arriving,
	.forget = serve_forget,
	.hold = lend_hold,
	.hold_again = serve_hold_again,
	.hold_missing = serve_hold_missing,
	.slot = dump_slot,
	.begin_change = serve_begin_change,
	.end_change = serve_end_change,
	.learn = serve_learn,
};

static const struct source_ops guard_ops = {
	.before = BEFORE_SHADOW,
	.recovering = &recovering_source,
	.link = serve_link,
	.addresses = serve_addresses,
	.probe_result = serve_probe_result,
	.shapes = serve_shapes,
	.list = serve_list,
	.count_pinned = serve_count_pinned,
	.is_pinned = serve_is_pinned,
	.is_exposed = run_is_exposed,
	.events = serve_events,
	.arriving = serve_arriving,
	.forget = serve_forget,
	.hold = serve_hold,
	.hold_again = serve_hold_again,
	.hold_missing = serve_hold_missing,
	.slot = serve_slot,
	.begin_change = serve_begin_change,
	.end_change = serve_end_change,
	.learn = serve_learn,
};

struct source guard_source(struct guard *g)
{
	return (struct source){ .ops = &guard_ops,
				.ctx = g,
				.lingers = &g->linger.away,
				.selected = &g->device.selection,
				.goes_on = true,
				.by_key = true };
}

struct source guard_work_source(struct guard *g)
{
	return (struct source){
		.ops = &guard_ops, .ctx = g, .lingers = &g->linger.away, .by_key = true
	};
}
