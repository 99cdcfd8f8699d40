/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device of a run, its lock, and the addresses of the node. */
#include "move/stage.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/lock.h"
#include "base/rundir.h"

usec_t run_now(const struct run *run)
{
	return run->env->kernel.ops->now(run->env->kernel.ctx);
}

void run_sleep(const struct run *run, usec_t duration)
{
	run->env->kernel.ops->sleep(run->env->kernel.ctx, duration);
}

static int table_add(void *ud, const struct ifaddr *a)
{
	struct addr_table *t = ud;
	int r = array_reserve(&t->items, &t->cap, t->n + 1, sizeof(*a));

	if (r == 0)
		t->items[t->n++] = *a;
	return r;
}

int addr_table_read(const struct kernel *k, struct addr_table *t)
{
	t->n = 0;
	return k->ops->addr_list(k->ctx, table_add, t);
}

void addr_table_done(struct addr_table *t)
{
	free(t->items);
	*t = (struct addr_table){ 0 };
}

const struct ifaddr *addr_table_find(const struct addr_table *t, int ifindex,
				     const struct prefix *p)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->items[i].ifindex == ifindex && prefix_equal(&t->items[i].prefix, p))
			return &t->items[i];
	return NULL;
}

int run_sort_addresses(struct run *run, const struct addr_table *t, const bool *will_go)
{
	size_t i;
	int r = 0;

	addrset_done(&run->local);
	addrset_done(&run->leaving);
	for (i = 0; i < t->n && r == 0; i++) {
		bool goes = false;
		size_t v;

		for (v = 0; v < run->req->n_vips && !goes; v++)
			goes = will_go[v] && t->items[i].ifindex == run->targets[v].ifindex &&
			       prefix_equal(&t->items[i].prefix, &run->targets[v].prefix);
		if (!goes)
			r = addrset_add(&run->local, &t->items[i].prefix.addr);
	}
	/* The same address may stay with another prefix or on another device:
	 * then nothing leaves. */
	for (i = 0; i < run->req->n_vips && r == 0; i++)
		if (will_go[i] && !addrset_has(&run->local, &run->targets[i].prefix.addr))
			r = addrset_add(&run->leaving, &run->targets[i].prefix.addr);
	/* To keep the leaving addresses' flows is to treat them as if they
	 * stayed. */
	while (r == 0 && run->req->vip_flows == VIP_FLOWS_KEEP && run->leaving.n) {
		struct addr a = run->leaving.addrs[0];

		r = addrset_add(&run->local, &a);
		addrset_remove(&run->leaving, &a);
	}
	return r;
}

static void take_lock(struct run *run)
{
	const struct settings *s = run->env->settings;
	int r;

	run->run_dir = rundir_open(s->run_dir);
	if (run->run_dir < 0) {
		report_warn(run->report, "no-run-dir", "",
			    "the run directory %s cannot be used (%s): two runs at once are not "
			    "kept apart, and a killed one cannot be finished",
			    s->run_dir, strerror(-run->run_dir));
		run->run_dir = -1;
		return;
	}
	if (run->req->plan)
		return;
	r = lock_take(run->run_dir, run->link.name, &run->env->kernel, run->deadline, &run->lock);
	if (r == -ETIMEDOUT) {
		report_fail(run->report, RESULT_FAILED, EXIT_DEADLINE,
			    "another run on %s has not ended in time; nothing changed",
			    run->link.name);
		run->done = true;
	} else if (r < 0) {
		report_warn(run->report, "no-lock", "", "no lock for %s in %s: %s", run->link.name,
			    s->run_dir, strerror(-r));
	}
}

void stage_find(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	int r;

	/* What is said of a link that an address is added to has to be new. */
	if (run->req->op == OP_ADD)
		r = k->ops->link_get(k->ctx, run->req->device, &run->link);
	else
		r = run->source.ops->link(run, run->req->device, &run->link);

	if (r == -ENODEV)
		report_fail(run->report, RESULT_FAILED, EXIT_KERNEL_REFUSED,
			    "no device '%s'; nothing changed", run->req->device);
	else if (r < 0)
		report_fail(run->report, RESULT_FAILED, EXIT_KERNEL_REFUSED,
			    "device '%s': %s; nothing changed", run->req->device, strerror(-r));
	if (r < 0)
		run->done = true;
	else
		take_lock(run);
}
