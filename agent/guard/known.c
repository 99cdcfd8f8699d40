/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shadow of the conntrack table: from a listing, and kept up by events, which
 * are an optimisation and never the truth (docs/kernel.md 6). */
#include "guard/parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Batches of events read at once. */
#define BATCHES_MAX 64

/* Whether C is masqueraded to an address of the guarded device, or to one that it had and
 * that lingers. */
static bool guard_known_is_meant(const struct guard *g, const struct conn *c)
{
	bool has_own = g->own.n || g->linger.own.n;
	const uint8_t *as = c->reply.dst, family = c->key.family;

	return c->status & CONN_SRC_NAT_DONE &&
	       (addrset_has_bytes(has_own ? &g->own : &g->local, family, as) ||
		addrset_has_bytes(&g->linger.own, family, as) ||
		addrset_has_bytes(&g->awaited, family, as));
}

/* Whether RECORD was created by the program that writes what another node had: then no flush finds
 * it (docs/kernel.md 2). */
static bool is_committed(const struct guard *g, const struct conn_record *record)
{
	const struct conn *c = record->conn;
	struct addr as = tuple_dst(&c->reply, c->key.family);

	return record->by && addrset_has(&g->awaited, &as) &&
	       conn_alteration(c) == ALTERATION_NONE && unpinned_find(g->unpinned, &c->key) < 0;
}

/* Whether conntrackd tells another node the port that C is translated to (docs/conntrackd.md 1). */
static bool is_replicated_whole(const struct conn *c)
{
	return c->key.l4proto == IPPROTO_TCP || c->key.l4proto == IPPROTO_UDP;
}

static int take_committed(struct guard *g, const struct conn *c)
{
	int r = guard_note_pinned(g, c);

	if (r == 0) {
		g->status.committed++;
		g->status.unsure += !is_replicated_whole(c);
		pinned_set_set_committed(g->pinned, &c->key);
		guard_keep_committed(g, c);
	}
	return r;
}

void guard_await(struct guard *g, const struct addr *a)
{
	unsigned tries = BATCHES_MAX;
	size_t i;

	if (a && !guard_observes(g))
		(void)addrset_add(&g->awaited, a); /* else: pinned like others */
	if (a || !g->awaited.n)
		return;
	while (guard_reads(g) && tries-- && guard_events(g, NULL, NULL) == -EAGAIN)
		; /* what is not read yet was awaited, too */
	for (i = 0; i < g->awaited.n; i++)
		if (!addrset_has(&g->local, &g->awaited.addrs[i]) &&
		    pinned_set_count_as(g->pinned, &g->awaited.addrs[i]))
			(void)guard_away_begin(g, &g->awaited.addrs[i], true);
	addrset_done(&g->awaited);
}

/* Whether C stands in the place of a known entry that the flush took. The repair judges C by
 * that one. */
static bool awaits_repair(const struct guard *g, const struct conn *c)
{
	int64_t i = g->repair.active ? unpinned_find(g->unpinned, &c->key) : -1;

	return i >= 0 && unpinned_at(g->unpinned, (size_t)i).id != c->id;
}

/* When C is to be pinned: TCP as soon as it is established (pins.c), others after
 * pin_after. */
static usec_t due_of(const struct guard *g, const struct conn *c)
{
	return c->key.l4proto == IPPROTO_TCP ? 0 : g->batch_at + g->device.pin_after;
}

/* Whether the settings of the device select RECORD. */
static bool guard_selects(const struct guard *g, const struct conn_record *record)
{
	return kernel_selects(&g->env.kernel, &g->device.selection, record);
}

void guard_select_all(struct guard *g)
{
	size_t i;

	for (i = 0; i < unpinned_count(g->unpinned); i++) {
		struct conn c;
		struct conn_record record = unpinned_record(g->unpinned, i, &c);

		if (!unpinned_is_flushed(g->unpinned, i)) /* it is being put back */
			unpinned_leave_out(g->unpinned, &record.conn->key,
					   !guard_selects(g, &record));
	}
}

int guard_take(struct guard *g, const struct conn_record *record)
{
	const struct conn *c = record->conn;
	bool taken;
	int r;

	if (!guard_known_is_meant(g, c))
		return guard_keep_meet(g, c);
	if (pinned_set_see(g->pinned, &c->key, c->id)) {
		if (!g->ending.tells && c->tcp_state > CONN_TCP_ESTABLISHED)
			pinned_set_set_state(g->pinned, &c->key, c->tcp_state);
		return 0;
	}
	if (awaits_repair(g, c))
		return 0;
	guard_end_meet_born(g, c, record->by);
	if (pinned_set_count(g->pinned) + unpinned_count(g->unpinned) >=
		    g->env.settings->shadow_max &&
	    unpinned_find(g->unpinned, &c->key) < 0) {
		g->full = true;
		return 0;
	}
	if (is_committed(g, record))
		return take_committed(g, c);
	r = guard_keep_meet_again(g, record, &taken);
	if (r < 0 || taken)
		return r;
	r = unpinned_put(g->unpinned, record, due_of(g, c));
	/* without filters none is left out, and it need not be looked for again */
	if (r == 0 && (g->device.selection.n || unpinned_count_left_out(g->unpinned)))
		unpinned_leave_out(g->unpinned, &c->key, !guard_selects(g, record));
	return r;
}

/* An entry that the kernel itself deleted after an address went was flushed, and is put
 * back. One that somebody deleted on purpose is not. */
static void entry_gone(struct guard *g, const struct conn_record *record)
{
	const struct conn *c = record->conn;
	struct conn known;
	uint8_t state;
	int64_t i;

	if (pinned_set_end(g->pinned, &c->key, c->id, &state)) {
		guard_end_meet(g, NULL, state, true, record);
		return;
	}
	i = unpinned_find(g->unpinned, &c->key);
	if (i < 0)
		return;
	known = unpinned_at(g->unpinned, (size_t)i);
	if (c->id && known.id != c->id) {
		/* Not the one that we know. If somebody has deleted what had come in the place of a
		 * flushed one, that does not come back either. */
		if (record->by && unpinned_is_flushed(g->unpinned, (size_t)i))
			unpinned_remove_at(g->unpinned, (size_t)i);
		return;
	}
	guard_end_meet(g, &known, known.tcp_state, false, record);
	if (!record->by && guard_known_is_meant(g, &known))
		guard_meet_late(g, &known, c);
	if (unpinned_is_left_out(g->unpinned, (size_t)i)) {
		if (!record->by)
			guard_count_unselected(g, &known, c);
		unpinned_remove_at(g->unpinned, (size_t)i);
	} else if (g->repair.active && !record->by) {
		unpinned_flush(g->unpinned, &c->key);
		g->repair.last_death = g->batch_at;
	} else {
		if (!record->by)
			guard_count_death(g, &known);
		unpinned_remove_at(g->unpinned, (size_t)i);
	}
}

struct tee {
	struct guard *g;
	conn_sink sink;
	void *ud;
};

static int guard_known_on_event(void *ud, const struct conn_record *record)
{
	struct tee *t = ud;
	int r;

	guard_count_event(t->g, record);
	if (record->gone) {
		guard_resync_ended(t->g, &record->conn->key);
		entry_gone(t->g, record);
		return 0;
	}
	r = guard_take(t->g, record);
	guard_resync_told(t->g, record->conn);
	if (r < 0 || !t->sink || unpinned_find(t->g->unpinned, &record->conn->key) < 0)
		return r;
	return t->sink(t->ud, record);
}

/* One batch of them. What they tell of is in the table, too, if that is being read. */
static int known_read_events(struct guard *g, conn_sink sink, void *ud)
{
	const struct kernel *k = &g->env.kernel;
	struct tee t = { .g = g, .sink = sink, .ud = ud };
	bool counting = g->keep.counting;
	int r;

	g->keep.counting = false;
	g->batch_at = guard_now(g);
	r = k->ops->ct_events(k->ctx, guard_known_on_event, &t);
	g->keep.counting = counting;
	return r;
}

int guard_events(struct guard *g, conn_sink sink, void *ud)
{
	int r = known_read_events(g, sink, ud);

	g->count.unread = r == -EAGAIN;
	if (r == -ENOBUFS)
		guard_resync_lost(g);
	return r;
}

int guard_drop_events(struct guard *g)
{
	return known_read_events(g, NULL, NULL);
}

int guard_note_pinned(struct guard *g, const struct conn *c)
{
	struct addr as = tuple_dst(&c->reply, c->key.family);

	guard_end_put_back(g, c);
	unpinned_remove(g->unpinned, &c->key);
	g->linger.listen = g->linger.listen || addrset_has(&g->linger.away, &as);
	guard_keep_pin(g, &c->key, c->id, &as);
	return pinned_set_put(g->pinned, &c->key, c->id, &as);
}

void guard_forget(struct guard *g, const struct conn_key *key)
{
	guard_resync_ended(g, key);
	pinned_set_remove(g->pinned, key);
	unpinned_remove(g->unpinned, key);
}

enum protection guard_protection(const struct guard *g, const struct conn *c)
{
	struct addr as = tuple_dst(&c->reply, c->key.family);
	bool pinned = pinned_set_has(g->pinned, &c->key, c->id);
	int64_t i;

	if (!pinned && !guard_known_is_meant(g, c))
		return PROTECTION_NONE;
	if (!addrset_has(&g->local, &as))
		return PROTECTION_LINGERING;
	if (pinned)
		return pinned_set_is_committed(g->pinned, &c->key) ? PROTECTION_COMMITTED
								   : PROTECTION_PINNED;
	i = unpinned_find(g->unpinned, &c->key);
	if (i >= 0 && unpinned_is_left_out(g->unpinned, (size_t)i))
		return PROTECTION_UNSELECTED;
	if (conn_alteration(c) == ALTERATION_OTHER ||
	    (i >= 0 && unpinned_is_altered(g->unpinned, (size_t)i)))
		return PROTECTION_ALTERED;
	return PROTECTION_UNPINNED;
}

int guard_each(const struct guard *g,
	       int (*fn)(void *ud, const struct conn_key *key, uint32_t id, bool pinned), void *ud)
{
	size_t i;
	int r = 0;

	for (i = 0; i < pinned_set_count(g->pinned) && r == 0; i++) {
		const struct pinned_set_item item = pinned_set_at(g->pinned, i);

		r = fn(ud, &item.key, item.id, true);
	}
	for (i = 0; i < unpinned_count(g->unpinned) && r == 0; i++) {
		const struct conn c = unpinned_at(g->unpinned, i);

		r = fn(ud, &c.key, c.id, false);
	}
	return r;
}
