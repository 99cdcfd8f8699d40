/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "steps/guard_work.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "steps/recover.h"

#define CHUNK 128

/* A run over SET that changes no address. */
static int begin(struct run *run, const struct guard_scope *s, struct request *req,
		 struct report *report, struct connset *set)
{
	static const bool none[VIPS_MAX];
	int r;

	request_init(req, OP_DEL);
	snprintf(req->device, sizeof(req->device), "%s", s->link.name);
	run_begin(run, s->env, req, report);
	report->strategy = STRATEGY_PIN;
	run->link = s->link;
	run->family = AF_UNSPEC;
	run->snapshot_at = run_now(run);
	run->holding = s->holding;
	run->set = set;
	r = set ? addr_table_read(&s->env->kernel, &run->before) : -ENOMEM;
	if (r == 0)
		r = run_sort_addresses(run, &run->before, none);
	return r == 0 ? run_entries_new(run) : r;
}

/* The hold stays open for the next piece of work, but lets go now. */
static void end(struct run *run)
{
	const struct kernel *k = &run->env->kernel;

	if (run->holding && run->held_until)
		(void)k->ops->hold_arm(k->ctx, USEC_PER_MSEC);
	run_end(run);
}

static int put(void *ud, const struct conn_record *record)
{
	return run_put(ud, record);
}

static int fetch(struct run *run, const struct conn_key *keys, size_t n)
{
	const struct kernel *k = &run->env->kernel;
	struct conn probe[CHUNK];
	struct ct_op ops[CHUNK];
	size_t at, i, m;
	int r = 0;

	for (at = 0; at < n && r == 0; at += m) {
		m = MIN(n - at, (size_t)CHUNK);
		memset(probe, 0, sizeof(probe));
		for (i = 0; i < m; i++) {
			probe[i].key = keys[at + i];
			ops[i] = (struct ct_op){
				.verb = CT_GET, .conn = &probe[i], .sink = put, .ud = run
			};
		}
		r = k->ops->ct_batch(k->ctx, ops, m);
		r = r == -ENOBUFS ? 0 : r;
	}
	return r;
}

static int tell(const struct run *run, guard_outcome outcome, void *ud)
{
	size_t i, n = connset_count(run->set);
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		const struct entry *e = &run->entries[i];
		bool ours = e->state == ENTRY_CREATED || e->state == ENTRY_RESTORED;

		r = outcome(ud, connset_get(run->set, i), ours);
	}
	return r;
}

int guard_pin(const struct guard_scope *s, const struct conn_key *keys, size_t n, usec_t until,
	      guard_outcome outcome, void *ud)
{
	struct report report;
	struct request req;
	struct run run;
	uint64_t left;
	int r = begin(&run, s, &req, &report, connset_new(s->env->seed, 0));

	if (r == 0)
		r = fetch(&run, keys, n);
	if (r == 0 && pin_has_room(&run)) {
		run_keep_hold(&run);
		r = pin_candidates(&run, until, &left);
	}
	if (r == 0)
		r = tell(&run, outcome, ud);
	end(&run);
	return r;
}

int guard_repair(const struct guard_scope *s, struct connset *set, guard_outcome outcome, void *ud,
		 struct report *ret_report)
{
	struct request req;
	struct run run;
	int r = begin(&run, s, &req, ret_report, set);

	if (r == 0) {
		ret_report->strategy = STRATEGY_RESTORE;
		run.recovering = true;
		run_keep_hold(&run);
		stage_repair(&run);
		run_conclude(&run);
		r = tell(&run, outcome, ud);
	}
	end(&run);
	return r;
}

struct drop {
	const struct addr *addr;
	struct connset *found; /* owned */
};

static int drop_listed(void *ud, const struct conn_record *record)
{
	struct drop *d = ud;
	struct addr as = tuple_dst(&record->conn->reply, record->conn->key.family);
	struct conn_record bare = { .conn = record->conn };
	int r;

	if (!(record->conn->status & CONN_SRC_NAT_DONE) || !addr_equal(&as, d->addr))
		return 0;
	r = connset_add(d->found, &bare);
	return r == -EEXIST ? 0 : r;
}

static int drop_found(const struct kernel *k, const struct connset *found, guard_outcome outcome,
		      void *ud)
{
	size_t at, i, m, n = connset_count(found);
	struct ct_op ops[CHUNK];
	int r = 0;

	for (at = 0; at < n && r == 0; at += m) {
		m = MIN(n - at, (size_t)CHUNK);
		for (i = 0; i < m; i++)
			ops[i] = (struct ct_op){ .verb = CT_DELETE,
						 .conn = connset_get(found, at + i) };
		r = k->ops->ct_batch(k->ctx, ops, m);
		r = r == -ENOBUFS ? 0 : r;
		for (i = 0; i < m && r == 0; i++)
			if (ops[i].result == 0)
				r = outcome(ud, ops[i].conn, false);
	}
	return r;
}

int guard_drop(const struct guard_scope *s, const struct addr *a, guard_outcome outcome, void *ud)
{
	const struct kernel *k = &s->env->kernel;
	struct drop d = { .addr = a, .found = connset_new(s->env->seed, 0) };
	int r = d.found ? k->ops->ct_dump(k->ctx, a->family, drop_listed, &d) : -ENOMEM;

	if (r == -EINTR) /* cut short: once more, into the same set */
		r = k->ops->ct_dump(k->ctx, a->family, drop_listed, &d);
	if (r == 0 || r == -EINTR)
		r = drop_found(k, d.found, outcome, ud);
	connset_free(d.found);
	return r;
}
