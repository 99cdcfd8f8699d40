/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/dump.h"

#include <errno.h>
#include <string.h>

#include "move/stage.h"

/* A listing that was cut short is repeated this often. */
#define DUMP_TRIES 3

int dump_link(const struct run *run, const char *name, struct link *ret)
{
	const struct kernel *k = &run->env->kernel;

	return k->ops->link_get(k->ctx, name, ret);
}

int dump_addresses(const struct run *run, struct addr_table *ret)
{
	return addr_table_read(&run->env->kernel, ret);
}

void dump_probe_result(struct run *run, usec_t timeout, struct probe_result *ret)
{
	const char *dir = run->env->settings->run_dir, *boot = run->env->boot_id;

	if (timeout)
		probe_result_get(&run->env->kernel, dir, boot, timeout, ret);
	else if (probe_result_load(dir, boot, ret) < 0)
		*ret = (struct probe_result){ .reason = "not probed since boot" };
}

static struct shapes *dump_shapes(struct run *run)
{
	return &run->own_shapes;
}

int dump_table(const struct run *run, conn_sink sink, void *ud)
{
	const struct kernel *k = &run->env->kernel;
	int tries, r = -EINTR;

	for (tries = 0; tries < DUMP_TRIES && r == -EINTR; tries++)
		r = k->ops->ct_dump(k->ctx, run->family, sink, ud);
	return r;
}

struct listing {
	struct run *run;
	conn_sink sink;
};

/* Stops at the deadline: what is read later could not be used. */
static int dump_on_entry(void *ud, const struct conn_record *record)
{
	const struct listing *l = ud;

	return run_now(l->run) >= l->run->deadline ? -ETIME : l->sink(l->run, record);
}

int dump_list(struct run *run, conn_sink sink, size_t *ret_whole)
{
	struct listing l = { .run = run, .sink = sink };
	int r = dump_table(run, dump_on_entry, &l);

	*ret_whole = connset_count(run->set);
	return r;
}

uint64_t dump_count_pinned(const struct run *run _unused_)
{
	return 0;
}

bool dump_is_pinned(const struct run *run _unused_, const struct conn *c _unused_)
{
	return false;
}

/* A listing may have missed some, and others are born after it. */
bool dump_is_exposed(const struct run *run _unused_)
{
	return true;
}

int dump_events(struct run *run, conn_sink sink, void *ud)
{
	const struct kernel *k = &run->env->kernel;

	return k->ops->ct_events(k->ctx, sink, ud);
}

/* Say which hold it would be, without installing it. */
static void dump_hold_plan(struct run *run, enum hold_choice wanted)
{
	const struct kernel *k = &run->env->kernel;
	uint32_t count, max;

	if (wanted != HOLD_OFF && k->ops->ct_usage(k->ctx, &count, &max) != -EPROTONOSUPPORT)
		run->report->hold = k->ops->hold_look(k->ctx, wanted);
}

static void dump_hold(struct run *run)
{
	enum hold_choice wanted =
		run->req->hold == HOLD_AUTO ? run->env->settings->hold : run->req->hold;
	const struct kernel *k = &run->env->kernel;
	struct report *report = run->report;
	char reason[REPORT_TEXT_MAX] = "";
	int r;

	if (run->req->plan) {
		dump_hold_plan(run, wanted);
		return;
	}
	r = k->ops->ct_watch(k->ctx, run->family, false);
	run->watching = r == 0;
	if (r < 0 && r != -EPROTONOSUPPORT)
		report_warn(report, "no-events", "",
			    "conntrack events cannot be watched (%s): connections born during the "
			    "run are seen only by listing",
			    r == -ENODATA ? "net.netfilter.nf_conntrack_events is 0"
					  : strerror(-r));
	if (wanted == HOLD_OFF || r == -EPROTONOSUPPORT)
		return;
	run->hold_opened = true;
	r = k->ops->hold_open(k->ctx, wanted, &run->link, run->hold_deadline, &report->hold,
			      reason);
	run->holding = r == 0;
	if (r == 0)
		return;
	report->hold = HOLD_OFF;
	report_warn(report, "no-hold", "",
		    "packets cannot be held back meanwhile (%s): a connection that sends in the "
		    "gap may break",
		    reason);
}

static int dump_hold_again(const struct run *run _unused_)
{
	return -EOPNOTSUPP;
}

int dump_slot(struct run *run _unused_, int *ret_fd _unused_)
{
	return -ENOENT;
}

static void dump_nothing(struct run *run _unused_)
{
}

const struct source_ops dump_source = {
	.before = BEFORE_DUMP,
	.recovering = &dump_source,
	.link = dump_link,
	.addresses = dump_addresses,
	.probe_result = dump_probe_result,
	.shapes = dump_shapes,
	.list = dump_list,
	.count_pinned = dump_count_pinned,
	.is_pinned = dump_is_pinned,
	.is_exposed = dump_is_exposed,
	.events = dump_events,
	.hold = dump_hold,
	.hold_again = dump_hold_again,
	.hold_missing = dump_nothing,
	.slot = dump_slot,
	.begin_change = dump_nothing,
	.end_change = dump_nothing,
	.learn = dump_nothing,
};
