/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pin and restore entries, by small runs of the stages that a move uses. */
#include "guard/parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* A run over SET that changes no address. */
static int guard_work_begin(struct run *run, struct guard *g, struct request *req,
			    struct report *report, struct connset *set)
{
	static const bool none[VIPS_MAX];
	int r;

	request_init(req, OP_DEL);
	snprintf(req->device, sizeof(req->device), "%s", g->link.name);
	run_begin(run, &g->env, req, report);
	report->strategy = STRATEGY_PIN;
	run->link = g->link;
	run->family = AF_UNSPEC;
	run->snapshot_at = run_now(run);
	guard_lend_hold(g, run);
	run->set = set;
	r = set ? guard_copy_addresses(g, &run->before) : -ENOMEM;
	if (r == 0)
		r = run_sort_addresses(run, &run->before, none);
	return r == 0 ? snapshot_init_entries(run) : r;
}

/* The hold stays in place for the next piece of work. */
static void guard_work_end(struct run *run, struct guard *g)
{
	size_t i;

	for (i = 0; i < run->report->n_warnings; i++)
		if (!strcmp(run->report->warnings[i].code, "mismatch"))
			memcpy(g->why_refused, run->report->warnings[i].text,
			       sizeof(g->why_refused));
	if (!g->keep_armed)
		run_let_go(run);
	guard_take_hold(g, run);
	run_end(run);
}

static enum guard_fate fate_of(const struct entry *e, const struct conn *c)
{
	if (entry_is_spared(e) || (e->refused && conn_alteration(c) != ALTERATION_NONE))
		return FATE_ALTERED;
	if (e->skip != SKIP_NONE)
		return FATE_ENDED;
	if (e->refused && e->state == ENTRY_THERE)
		return FATE_REFUSED;
	switch ((enum entry_state)e->state) {
	case ENTRY_CREATED:
	case ENTRY_RESTORED:
		return e->made ? FATE_OURS : FATE_THERE;
	case ENTRY_THERE:
		return FATE_THERE;
	case ENTRY_SUPERSEDED:
		return FATE_OTHER;
	case ENTRY_LOST:
		return FATE_LOST;
	case ENTRY_MISSING:
	case ENTRY_CONFLICT:
		return FATE_AGAIN;
	}
	return FATE_AGAIN;
}

static int guard_work_hand_out(const struct run *run, guard_outcome outcome, void *ud)
{
	size_t i, n = connset_count(run->set);
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		const struct conn *c = connset_get(run->set, i);

		r = outcome(ud, c, fate_of(&run->entries[i], c));
	}
	return r;
}

/* Fetching entries from the kernel into a run that pins them. */
struct fetched {
	struct run *run;
	struct guard *g;
	struct connset *sample; /* one with a helper, while it is not known what then */
	guard_outcome outcome;
	void *ud;
	struct connset *seen; /* all that were found */
};

static int guard_work_take(void *ud, const struct conn_record *record)
{
	struct fetched *f = ud;
	int r = connset_put(f->seen, record);

	if (r < 0 || !record->conn->has_helper || f->g->helpers == HELPERS_KEPT)
		return r < 0 ? r : snapshot_put(f->run, record);
	if (f->g->helpers == HELPERS_UNKNOWN && !connset_count(f->sample))
		r = connset_add(f->sample, record);
	return r < 0 ? r : f->outcome(f->ud, record->conn, FATE_SPARED);
}

static int guard_work_fetch(struct fetched *f, const struct conn_key *keys, size_t n)
{
	struct conn gone = { .id = 0 };
	size_t i;
	int r = fetch_keys(&f->g->env.kernel, keys, n, guard_work_take, f);

	if (r == 0 && connset_count(f->sample))
		f->g->helpers = guard_try_helper(f->g, f->sample);
	for (i = 0; i < n && r == 0; i++) {
		gone.key = keys[i];
		if (connset_find(f->seen, &keys[i]) < 0)
			r = f->outcome(f->ud, &gone, FATE_ENDED);
	}
	return r;
}

static int on_pin_told(void *ud, const struct conn *c, enum guard_fate fate)
{
	const struct fetched *f = ud;
	int64_t i = fate == FATE_OURS ? connset_find(f->seen, &c->key) : -1;
	int r = f->outcome(f->ud, c, fate == FATE_THERE ? FATE_FAILED : fate);

	if (i >= 0)
		pinned_set_replaces(f->g->pinned, &c->key, connset_get(f->seen, (size_t)i)->id);
	return r;
}

static bool has_tcp(const struct connset *set)
{
	for (size_t i = connset_count(set); i--;)
		if (connset_get(set, i)->key.l4proto == IPPROTO_TCP)
			return true;
	return false;
}

static int guard_work_pin(struct fetched *f, const struct conn_key *keys, size_t n)
{
	struct run *run = f->run;
	uint64_t left;
	int r = guard_work_fetch(f, keys, n), told;

	if (r < 0 || !connset_count(run->set))
		return r;
	if (!pin_has_room(run))
		return -ENOSPC;
	/* only TCP is ever held back */
	run->holding = run->holding && has_tcp(run->set);
	r = pin_candidates(run, run_now(run) + run->env->settings->pin_timeout, &left);
	/* also if it broke off, to report what was deleted by then */
	told = guard_work_hand_out(run, on_pin_told, f);
	return r < 0 ? r : told;
}

int guard_pin(struct guard *g, const struct conn_key *keys, size_t n, guard_outcome outcome,
	      void *ud)
{
	struct run run;
	struct fetched f = {
		.run = &run,
		.g = g,
		.outcome = outcome,
		.ud = ud,
		.sample = connset_new(g->env.seed, 0),
		.seen = connset_new(g->env.seed, 0),
	};
	struct report report;
	struct request req;
	int r = guard_work_begin(&run, g, &req, &report, connset_new(g->env.seed, 0));

	if (!f.sample || !f.seen)
		r = -ENOMEM;
	if (r == 0)
		r = guard_work_pin(&f, keys, n);
	guard_work_end(&run, g);
	connset_free(f.sample);
	connset_free(f.seen);
	return r;
}

int guard_restore(struct guard *g, struct connset *set, guard_outcome outcome, void *ud,
		  struct report *ret_report)
{
	struct request req;
	struct run run;
	int r = guard_work_begin(&run, g, &req, ret_report, set);

	if (r == 0) {
		ret_report->strategy = STRATEGY_RESTORE;
		run_keep_hold(&run);
		verify_entries(&run);
		run_conclude(&run);
		r = guard_work_hand_out(&run, outcome, ud);
	}
	guard_work_end(&run, g);
	return r;
}
