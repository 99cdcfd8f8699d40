/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a run. */
#include "move/run.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/shape.h"
#include "move/dump.h"
#include "move/stage.h"

void run_begin(struct run *run, const struct run_env *env, const struct request *req,
	       struct report *report)
{
	usec_t timeout = req->timeout ? req->timeout : env->settings->timeout;

	memset(run, 0, sizeof(*run));
	run->env = env;
	run->req = req;
	run->report = report;
	run->source = env->source;
	if (!run->source.ops)
		run->source.ops = &dump_source;
	run->selected = run->source.selected;
	run->shapes = run->source.ops->shapes(run);
	run->map = env->lvs_map && *env->lvs_map ? lvs_map_ref(*env->lvs_map) : NULL;
	run->run_dir = run->lock = run->slot = -1;
	run->family = AF_UNSPEC;
	run->started = run_now(run);
	run->deadline = req->deadline ? req->deadline : run->started + timeout;
	run->move_by = run->deadline;
	if (req->move_at || req->move_by)
		run->move_by = MIN(run->deadline,
				   MAX(run->started,
				       req->move_at ? req->move_at : run->started + req->move_by));
	report_init(report, req);
	snprintf(report->id, sizeof(report->id), "%012llx",
		 (unsigned long long)(env->seed ^ run->started) & 0xffffffffffffULL);
}

void run_end(struct run *run)
{
	if (run->lock >= 0)
		close(run->lock);
	if (run->run_dir >= 0)
		close(run->run_dir);
	addr_table_done(&run->before);
	addrset_done(&run->local);
	addrset_done(&run->leaving);
	connset_free(run->set);
	if (run->map) {
		collide_free(run->flows);
		lvs_map_free(run->map);
	}
	free(run->entries);
}

/* Flushed and not brought back, and nobody tried to. */
static bool was_unprotected(const struct run *run)
{
	return run->req->strategy == STRATEGY_NONE && run->report->entries.lost &&
	       run->report->result == RESULT_OK;
}

void run_conclude(struct run *run)
{
	struct report *report = run->report;

	if (was_unprotected(run))
		report->result = RESULT_UNPROTECTED;
	report_conclude(report);
	if (run->late && (report->exit_code == EXIT_DONE || report->exit_code == EXIT_PARTIAL))
		report->exit_code = EXIT_DEADLINE;
	report->timing.total = run_now(run) - run->started;
}

/* Whether the flow is that of a leaving address, which is its source, its destination or
 * its translated source: then it goes with the address. */
static bool is_of(const struct conn *c, const struct addrset *set)
{
	uint8_t family = c->key.family;

	return addrset_has_bytes(set, family, c->key.orig.src) ||
	       addrset_has_bytes(set, family, c->key.orig.dst) ||
	       addrset_has_bytes(set, family, c->reply.dst);
}

static bool is_closing(const struct conn *c)
{
	return c->tcp_state == CONN_TCP_TIME_WAIT || c->tcp_state == CONN_TCP_CLOSE;
}

enum skip_reason select_entry(const struct conn *c, const struct select_rules *rules)
{
	if (!(c->status & CONN_SRC_NAT_DONE))
		return SKIP_NOT_NAT;
	if (c->status & CONN_DYING)
		return SKIP_DYING;
	if (is_of(c, rules->leaving))
		return SKIP_OF_VIP;
	if (!addrset_has_bytes(rules->local, c->key.family, c->reply.dst))
		return SKIP_NOT_LOCAL;
	if (is_closing(c))
		return SKIP_CLOSING;
	if (c->timeout <= rules->elapsed)
		return SKIP_EXPIRED;
	if (conn_alteration(c) == ALTERATION_OTHER)
		return SKIP_ALTERED;
	return SKIP_NONE;
}
