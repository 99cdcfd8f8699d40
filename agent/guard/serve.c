/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run that works with the guard's kernel and goes by its shadow of the table. */
#include "guard/serve.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "guard/parts.h"
#include "move/journal.h"

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

	if (g->status.state != GUARD_LIVE || g->full || !wants_the_same_hold(g, req) ||
	    (req->strategy != STRATEGY_AUTO && req->strategy != STRATEGY_PIN))
		return false;
	if (guard_address_events(g) < 0 || (g->readdress && guard_read_addresses(g) < 0))
		return false;
	for (i = 0; i < CATCH_UP_MAX && r == -EAGAIN; i++)
		r = guard_events(g, NULL, NULL);
	/* what is flushed just now is put back first */
	return r == 0 && g->status.state == GUARD_LIVE && !g->full &&
	       !unpinned_count_flushed(g->unpinned);
}

bool guard_copy_link(const struct guard *g, const char *name, struct link *ret)
{
	if (strcmp(name, g->link.name) != 0 && strcmp(name, g->device.name) != 0)
		return false;
	*ret = g->link;
	return true;
}

bool guard_verdict(struct guard *g, struct probe_result *ret)
{
	if (!g->verdict.cached &&
	    probe_result_load(g->env.settings->run_dir, g->env.boot_id, &g->verdict) < 0)
		return false;
	*ret = g->verdict;
	return true;
}

struct shapes *guard_shapes(struct guard *g)
{
	return &g->shapes;
}

int guard_slot(struct guard *g, int run_dir, int *ret_fd)
{
	int r = journal_slot_open(run_dir, g->link.name, &g->slot);

	*ret_fd = g->slot;
	return r;
}

int guard_list_unpinned(const struct guard *g, uint8_t family, conn_sink sink, void *ud)
{
	size_t i, n = unpinned_count(g->unpinned);
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		struct conn_record record = unpinned_record(g->unpinned, i);

		if (family == AF_UNSPEC || family == record.conn->key.family)
			r = sink(ud, &record);
	}
	return r;
}

int guard_list_pinned(const struct guard *g, const struct addr *as, conn_sink sink, void *ud)
{
	size_t i, n = pinned_set_count_as(g->pinned, as);
	int r = 0;

	for (i = pinned_set_count(g->pinned); n && i-- && r == 0;) {
		struct pinned_set_item item = pinned_set_at(g->pinned, i);
		struct conn_record record;
		struct conn c;

		if (!addr_equal(&item.as, as))
			continue;
		memset(&c, 0, sizeof(c));
		c.key = *item.key;
		c.id = item.id;
		/* all that is known; the rest as an entry of that shape would have it */
		c.status = CONN_CONFIRMED | CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE;
		c.reply = tuple_invert(&c.key.orig, c.key.l4proto);
		if (memcmp(c.reply.dst, as->bytes, sizeof(c.reply.dst)))
			c.status |= CONN_SRC_NAT;
		memcpy(c.reply.dst, as->bytes, sizeof(c.reply.dst));
		record = (struct conn_record){ .conn = &c };
		r = sink(ud, &record);
		n--;
	}
	return r;
}

size_t guard_count_pinned(const struct guard *g, uint8_t family)
{
	return pinned_set_count_family(g->pinned, family);
}

size_t guard_count_pinned_as(const struct guard *g, const struct addr *as)
{
	return pinned_set_count_as(g->pinned, as);
}

bool guard_has_pinned(const struct guard *g, const struct conn *c)
{
	return pinned_set_has(g->pinned, &c->key, c->id);
}

/* The flush may take what the run has left to us: its deaths are to be noted. */
static bool leaves_some(const struct run *run)
{
	size_t i, n = run->set ? connset_count(run->set) : 0;

	for (i = 0; i < n; i++)
		if (run->entries[i].skip == SKIP_LEFT)
			return true;
	return false;
}

void guard_begin_move(struct guard *g, const struct run *run)
{
	if (leaves_some(run))
		guard_begin_repair(g, false);
	g->moving = run;
}

void guard_end_move(struct guard *g)
{
	(void)guard_address_events(g);
	g->moving = NULL;
}

/* Whether the flush may still be to come: it takes what is not pinned by then,
 * also what is born until then. */
static bool may_flush_later(const struct run *run)
{
	return run->report->changed && run->req->op == OP_DEL && !run->sync_flush &&
	       run->report->strategy != STRATEGY_NONE;
}

void guard_learn(struct guard *g, const struct run *run)
{
	size_t i, n = run->set ? connset_count(run->set) : 0;

	for (i = 0; i < n; i++) {
		const struct entry *e = &run->entries[i];
		const struct conn *c = connset_get(run->set, i);

		if (e->dropped)
			guard_forget(g, &c->key);
		else if (e->made && (e->state == ENTRY_CREATED || e->state == ENTRY_RESTORED))
			(void)guard_note_pinned(g, c);
	}
	guard_keep_write(g);
	guard_take_hold(g, run);
	if (!may_flush_later(run))
		return;
	guard_begin_repair(g, false);
	guard_expect_late(g, true, false);
}
