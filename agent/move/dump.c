/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/dump.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
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

/* Stops when what is read later could not be used. */
static int dump_on_entry(void *ud, const struct conn_record *record)
{
	const struct listing *l = ud;

	return run_now(l->run) >= run_read_until(l->run) ? -ETIME : l->sink(l->run, record);
}

/* A table with more entries has its room made as they are read. */
#define EXPECTED_MAX (1U << 22)

/* In steps, with other work in between while the next one is being read. */
static int dump_in_steps(struct listing *l)
{
	const struct kernel *k = &l->run->env->kernel;
	int r = k->ops->ct_list_begin(k->ctx, l->run->family);

	if (r < 0)
		return r;
	do {
		if (k->ops->ct_list_waits(k->ctx))
			l->run->meanwhile(l->run);
		r = k->ops->ct_list_step(k->ctx, dump_on_entry, l);
	} while (r == -EAGAIN);
	k->ops->ct_list_end(k->ctx);
	return r;
}

int dump_list(struct run *run, conn_sink sink, size_t *ret_whole)
{
	const struct kernel *k = &run->env->kernel;
	struct listing l = { .run = run, .sink = sink };
	uint32_t count, max;
	int tries, r = -EINTR;

	if (k->ops->ct_usage(k->ctx, &count, &max) == 0)
		connset_expect(run->set, MIN(count, EXPECTED_MAX));
	for (tries = 0; tries < DUMP_TRIES && r == -EINTR; tries++)
		r = run->meanwhile ? dump_in_steps(&l)
				   : k->ops->ct_dump(k->ctx, run->family, dump_on_entry, &l);
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

int dump_arriving(const struct run *run, const struct addrset *to, conn_sink sink, void *ud)
{
	const struct kernel *k = &run->env->kernel;

	return k->ops->ct_dump_to(k->ctx, to, false, sink, ud);
}

/* Say which hold it would be, without installing it. */
static void dump_hold_plan(struct run *run, enum hold_choice wanted)
{
	const struct kernel *k = &run->env->kernel;
	char *why = run->report->hold_why;
	uint32_t count, max;

	if (wanted == HOLD_OFF)
		hold_why_off(run);
	else if (k->ops->ct_usage(k->ctx, &count, &max) == -EPROTONOSUPPORT)
		snprintf(why, REPORT_TEXT_MAX, "this kernel tracks no connections");
	else
		run->report->hold = k->ops->hold_look(k->ctx, wanted, why);
}

static void dump_hold(struct run *run)
{
	enum hold_choice wanted =
		run->req->hold == HOLD_AUTO ? run->env->settings->hold : run->req->hold;
	const struct kernel *k = &run->env->kernel;
	struct report *report = run->report;
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
			      report->hold_why);
	run->holding = r == 0;
	if (r == 0)
		return;
	report->hold = HOLD_OFF;
	report_warn(report, "no-hold", "",
		    "packets cannot be held back meanwhile (%s): a connection that sends in the "
		    "gap may break",
		    report->hold_why);
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

static void dump_forget(const struct run *run _unused_, const struct conn *c _unused_)
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
	.arriving = dump_arriving,
	.forget = dump_forget,
	.hold = dump_hold,
	.hold_again = dump_hold_again,
	.hold_missing = dump_nothing,
	.slot = dump_slot,
	.begin_change = dump_nothing,
	.end_change = dump_nothing,
	.learn = dump_nothing,
};

/* Entries asked for in one batch. */
#define CHUNK 128

int fetch_keys(const struct kernel *k, const struct conn_key *keys, size_t n, conn_sink sink,
	       void *ud)
{
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
				.verb = CT_GET, .conn = &probe[i], .sink = sink, .ud = ud
			};
		}
		r = k->ops->ct_batch(k->ctx, ops, m);
		r = r == -ENOBUFS ? 0 : r;
	}
	return r;
}

/* The addresses of the node, and which of them a run adds or deletes. */

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

const struct ifaddr *addr_table_find(const struct addr_table *t, int ifindex, const struct vip *vip)
{
	const struct ifaddr *other = NULL;
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct ifaddr *a = &t->items[i];

		if (a->ifindex != ifindex || !prefix_equal(&a->prefix, &vip->prefix))
			continue;
		if (addr_equal(&a->peer, &vip->extra.peer))
			return a;
		if (!other)
			other = a;
	}
	return vip->extra.peer.family ? NULL : other;
}

static bool is_same_address(const struct ifaddr *a, const struct ifaddr *b)
{
	return a->ifindex == b->ifindex && prefix_equal(&a->prefix, &b->prefix) &&
	       addr_equal(&a->peer, &b->peer);
}

/* Take those for local that linger, unless the run deletes them. */
static int add_lingering(struct run *run, const bool *will_go)
{
	const struct addrset *set = run->source.lingers;
	size_t i, v;
	int r = 0;

	for (i = 0; set && i < set->n && r == 0; i++) {
		bool goes = false;

		for (v = 0; v < run->req->n_vips && !goes; v++)
			goes = will_go[v] &&
			       addr_equal(&run->req->vips[v].prefix.addr, &set->addrs[i]);
		if (!goes)
			r = addrset_add(&run->local, &set->addrs[i]);
	}
	return r;
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
			goes = will_go[v] && is_same_address(&t->items[i], &run->targets[v]);
		if (!goes)
			r = addrset_add(&run->local, &t->items[i].prefix.addr);
	}
	if (r == 0)
		r = add_lingering(run, will_go);
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

bool run_is_target(const struct run *run, const struct ifaddr *a)
{
	size_t i;

	for (i = 0; i < run->req->n_vips; i++)
		if (run->report->outcomes[i] != VIP_ALREADY && is_same_address(&run->targets[i], a))
			return true;
	return false;
}

int reach_read(const struct run *run, struct reach *ret)
{
	size_t i;
	int r = 0;

	*ret = (struct reach){ .own4 = false };
	for (i = 0; i < run->before.n && r == 0; i++) {
		const struct ifaddr *a = &run->before.items[i];

		/* local holds leaving addresses too when their flows are to stay */
		if (a->ifindex != run->link.ifindex || !addrset_has(&run->local, &a->prefix.addr))
			continue;
		r = addrset_add(&ret->on_device, &a->prefix.addr);
		ret->own4 = ret->own4 || (a->prefix.addr.family == AF_INET && !a->scope);
		ret->own6 = ret->own6 || (a->prefix.addr.family == AF_INET6 && !a->scope);
	}
	return r;
}

void reach_done(struct reach *r)
{
	addrset_done(&r->on_device);
}

bool reach_has(const struct reach *r, const struct conn *c)
{
	bool has_own = c->key.family == AF_INET ? r->own4 : r->own6;

	return !has_own || addrset_has_bytes(&r->on_device, c->key.family, c->reply.dst);
}
