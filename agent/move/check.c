/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device of a run, and its lock. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/rundir.h"
#include "move/stage.h"

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

void check_find(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	int r;

	/* Whether the link is up matters for an add, so the kernel is asked. */
	if (run->req->op == OP_ADD)
		r = k->ops->link_get(k->ctx, run->req->device, &run->link);
	else
		r = run->source.ops->link(run, run->req->device, &run->link);

	if (r == -ENODEV)
		report_fail(run->report, RESULT_FAILED, EXIT_KERNEL_REFUSED,
			    "no device '%s'; nothing changed", run->req->device);
	else if (r == -EOPNOTSUPP)
		report_fail(run->report, RESULT_FAILED, EXIT_KERNEL_REFUSED,
			    "no device '%s': this kernel knows no alternative names of devices "
			    "(Linux 5.5 and later do); nothing changed",
			    run->req->device);
	else if (r < 0)
		report_fail(run->report, RESULT_FAILED, run_refused_code(r),
			    "device '%s': %s; nothing changed", run->req->device, strerror(-r));
	if (r < 0)
		run->done = true;
	else
		take_lock(run);
}

/* Find out what the request would change, and refuse what must not be. Reads only. */

#define SCOPE_GLOBAL 0 /* RT_SCOPE_UNIVERSE */

static void check_fail(struct run *run, int error, const char *what)
{
	report_fail(run->report, RESULT_FAILED, run_refused_code(error), "%s: %s; nothing changed",
		    what, strerror(-error));
	run->done = true;
}

/* The address is there, but not as it was asked for. */
static void warn_other_holders(struct run *run, const struct vip *vip)
{
	const struct ifaddr *found = addr_table_find(&run->before, run->link.ifindex, vip);
	char want[PREFIX_TEXT_MAX], have[PREFIX_TEXT_MAX], peer[PREFIX_TEXT_MAX];
	const struct prefix *p = &vip->prefix;
	size_t i;

	prefix_format(p, want);
	for (i = 0; i < run->before.n; i++) {
		const struct ifaddr *a = &run->before.items[i];

		if (!addr_equal(&a->prefix.addr, &p->addr))
			continue;
		if (a == found)
			continue;
		report_warn(run->report, "other-holder", "",
			    "%s: the same address is on %s as %s%s%s, which is not touched", want,
			    a->ifindex == run->link.ifindex ? run->link.name : "another device",
			    prefix_format(&a->prefix, have), a->peer.family ? " peer " : "",
			    a->peer.family ? addr_format(&a->peer, peer) : "");
	}
}

/* An IPv6 VIP is deprecated unless asked otherwise, so that the node opens no connections
 * from it, which would break when it moves. keepalived does the same. Not with a shorter
 * prefix: that address is the node's own in its network. */
static uint32_t preferred_lft(const struct vip *vip)
{
	if (vip->has_preferred_lft)
		return vip->preferred_lft;
	return vip->prefix.addr.family == AF_INET6 && vip->prefix.len == 128 ? 0 : IFADDR_FOREVER;
}

static struct ifaddr target_from_vip(const struct run *run, const struct vip *vip)
{
	struct ifaddr a = {
		.ifindex = run->link.ifindex,
		.prefix = vip->prefix,
		.scope = vip->scope < 0 ? SCOPE_GLOBAL : (uint8_t)vip->scope,
		.flags = vip->noprefixroute ? IFADDR_NOPREFIXROUTE : 0,
		.preferred_lft = preferred_lft(vip),
		.valid_lft = IFADDR_FOREVER,
		.metric = vip->metric,
		.peer = vip->extra.peer,
		.proto = vip->extra.proto,
	};

	if (vip->extra.home)
		a.flags |= IFADDR_HOME;
	if (vip->extra.autojoin)
		a.flags |= IFADDR_AUTOJOIN;

	if (vip->prefix.addr.family == AF_INET6 && !vip->dad)
		a.flags |= IFADDR_NODAD;
	if (vip->broadcast_mode == BROADCAST_AUTO)
		a.broadcast = prefix_broadcast(&vip->prefix);
	else if (vip->broadcast_mode == BROADCAST_GIVEN)
		a.broadcast = vip->broadcast;
	memcpy(a.label, vip->label, sizeof(a.label));
	return a;
}

/* A label that does not begin with the device's name hides the address from
 * ifconfig and confuses whoever removes it by label; iproute2 refuses it too.
 * The kernel and keepalived take any. Only here is the real name known when an
 * alternative one was given. */
static bool check_label(struct run *run, const struct vip *vip)
{
	if (run->req->any_label || run->recovering || !vip->label[0] ||
	    !strncmp(vip->label, run->link.name, strlen(run->link.name)))
		return true;
	report_fail(run->report, RESULT_FAILED, EXIT_USAGE,
		    "label \"%s\" must begin with the name of the device, \"%s\"; nothing changed",
		    vip->label, run->link.name);
	run->done = true;
	return false;
}

static void check_add(struct run *run)
{
	char fix[REPORT_TEXT_MAX];
	size_t i, todo = 0;

	for (i = 0; i < run->req->n_vips; i++) {
		const struct vip *vip = &run->req->vips[i];

		if (!check_label(run, vip))
			return;
		run->targets[i] = target_from_vip(run, vip);
		run->order[i] = i;
		warn_other_holders(run, vip);
		if (addr_table_find(&run->before, run->link.ifindex, vip))
			run->report->outcomes[i] = VIP_ALREADY;
		else
			todo++;
	}
	if (todo && !run->link.up) {
		snprintf(fix, sizeof(fix), "ip link set dev %s up", run->link.name);
		report_warn(run->report, "device-down", fix,
			    "%s is down: the address answers only when it is up", run->link.name);
	}
	run->done = !todo;
	if (todo && run_may_be_refused(run))
		run_check_insisted(run);
}

/* A goes along when PRIMARY is deleted: a secondary of its subnet and mask
 * (__inet_del_ifa(): same mask and inet_ifa_match(), which looks at the peers). */
static bool depends_on(const struct ifaddr *a, const struct ifaddr *primary)
{
	const struct prefix subnet = {
		.addr = primary->peer.family ? primary->peer : primary->prefix.addr,
		.len = primary->prefix.len,
	};

	return a->ifindex == primary->ifindex && a->flags & IFADDR_SECONDARY &&
	       a->prefix.len == subnet.len &&
	       prefix_covers(&subnet, a->peer.family ? &a->peer : &a->prefix.addr);
}

/* Refuse to take addresses away that nobody asked to delete. */
static void check_secondaries(struct run *run, const struct ifaddr *primary)
{
	const struct kernel *k = &run->env->kernel;
	char names[REPORT_TEXT_MAX / 2] = "", one[PREFIX_TEXT_MAX], text[PREFIX_TEXT_MAX];
	size_t i, len = 0, n = 0;

	if (primary->prefix.addr.family != AF_INET || primary->flags & IFADDR_SECONDARY)
		return;
	for (i = 0; i < run->before.n; i++) {
		const struct ifaddr *a = &run->before.items[i];

		if (!depends_on(a, primary) || run_is_target(run, a))
			continue;
		prefix_format(&a->prefix, one);
		if (len + strlen(one) + 2 < sizeof(names)) {
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						n ? ", " : "", one);
		}
		n++;
	}
	if (!n || k->ops->promotes_secondaries(k->ctx, &run->link) == 1)
		return;
	prefix_format(&primary->prefix, text);
	if (run->req->force) {
		report_warn(run->report, "secondaries-go", "",
			    "%s is a primary address: its secondaries go with it: %s", text, names);
		return;
	}
	report_fail(run->report, RESULT_REFUSED, EXIT_UNSAFE,
		    "%s is a primary address and %s would go with it (promote_secondaries is off); "
		    "nothing changed; --force deletes them too",
		    text, names);
	run->done = true;
}

/* fib_disable_ip(): with the last IPv4 address a device loses its routes. */
static void check_last_ipv4(struct run *run)
{
	size_t i, stay = 0, go = 0;

	for (i = 0; i < run->before.n; i++) {
		const struct ifaddr *a = &run->before.items[i];

		if (a->ifindex != run->link.ifindex || a->prefix.addr.family != AF_INET)
			continue;
		if (run_is_target(run, a))
			go++;
		else
			stay++;
	}
	if (go && !stay && !run->link.is_own)
		report_warn(
			run->report, "last-ipv4-address", "",
			"the last IPv4 address of %s goes: the kernel removes all routes through "
			"the device with it",
			run->link.name);
}

/* Secondaries first: a primary that goes before them would take them along,
 * and each would then be missing when its turn comes. */
static void order_moves(struct run *run)
{
	size_t i, n = 0;

	for (i = 0; i < run->req->n_vips; i++)
		if (run->targets[i].flags & IFADDR_SECONDARY)
			run->order[n++] = i;
	for (i = 0; i < run->req->n_vips; i++)
		if (!(run->targets[i].flags & IFADDR_SECONDARY))
			run->order[n++] = i;
}

/* IPv4 has an address once for each peer: without "peer", one of several cannot be meant. */
static bool check_peer_is_clear(struct run *run, const struct vip *vip, const struct ifaddr *found)
{
	char text[PREFIX_TEXT_MAX], one[PREFIX_TEXT_MAX], other[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; found->peer.family && !vip->extra.peer.family && i < run->before.n; i++) {
		const struct ifaddr *a = &run->before.items[i];

		if (a == found || a->ifindex != found->ifindex ||
		    !prefix_equal(&a->prefix, &found->prefix))
			continue;
		report_fail(run->report, RESULT_REFUSED, EXIT_UNSAFE,
			    "%s is on %s with several peers, %s and %s among them: say which is "
			    "meant (\"peer %s\"); nothing changed",
			    prefix_format(&found->prefix, text), run->link.name,
			    addr_format(&found->peer, one), addr_format(&a->peer, other), one);
		run->done = true;
		return false;
	}
	return true;
}

static void check_del(struct run *run)
{
	bool will_go[VIPS_MAX] = { false };
	size_t i, todo = 0;
	int r;

	for (i = 0; i < run->req->n_vips; i++) {
		const struct vip *vip = &run->req->vips[i];
		const struct prefix *p = &vip->prefix;
		const struct ifaddr *a = addr_table_find(&run->before, run->link.ifindex, vip);

		if (a && !check_peer_is_clear(run, vip, a))
			return;
		warn_other_holders(run, vip);
		if (!a) {
			run->report->outcomes[i] = VIP_ALREADY;
			run->targets[i] = (struct ifaddr){ .prefix = *p };
			/* a dry run says what would be if it were there */
			will_go[i] = run->req->plan;
			todo += run->req->plan;
			continue;
		}
		run->targets[i] = *a;
		run->report->extra[i].peer = a->peer;
		will_go[i] = true;
		todo++;
	}
	if (!todo) {
		run->done = true;
		return;
	}
	if (run_may_be_refused(run))
		run_check_insisted(run);
	order_moves(run);
	for (i = 0; i < run->req->n_vips && !run->done; i++)
		if (will_go[i] && run->report->outcomes[i] != VIP_ALREADY)
			check_secondaries(run, &run->targets[i]);
	if (run->done)
		return;
	check_last_ipv4(run);
	r = run_sort_addresses(run, &run->before, will_go);
	if (r < 0)
		check_fail(run, r, "addresses");
}

/* Deletes of one family leave the entries of the other alone (docs/kernel.md 1).
 * What a killed run left may be of both. */
static uint8_t check_family_of(const struct run *run)
{
	bool v4 = run->recovering, v6 = run->recovering;
	size_t i;

	for (i = 0; i < run->req->n_vips; i++) {
		v4 = v4 || run->req->vips[i].prefix.addr.family == AF_INET;
		v6 = v6 || run->req->vips[i].prefix.addr.family == AF_INET6;
	}
	return v4 == v6 ? AF_UNSPEC : v4 ? AF_INET : AF_INET6;
}

/* The first time the source is asked. A second look (check.c) asks the kernel, since what a
 * source knows may be as old as the events that it has read. */
void check_change(struct run *run)
{
	int r = run->prepared ? addr_table_read(&run->env->kernel, &run->before)
			      : run->source.ops->addresses(run, &run->before);

	run->family = check_family_of(run);
	run->prepared = run_now(run);
	if (r < 0) {
		check_fail(run, r, "addresses cannot be listed");
		return;
	}
	switch (run->req->op) {
	case OP_ADD:
		check_add(run);
		break;
	case OP_DEL:
		check_del(run);
		break;
	}
}

/* The last look before the address changes. A run can be stopped at any point
 * (SIGSTOP, a debugger, the freezer, a paused machine) and go on much later,
 * when the address is where it is on purpose. */

bool run_is_overdue(const struct run *run)
{
	return run_now(run) > run->deadline + run->env->settings->hold_max;
}

/* Leave the addresses as they are. What was pinned is still read back and remembered. */
static void call_off(struct run *run)
{
	size_t v;

	run->off = true;
	run->done = false;
	for (v = 0; v < run->req->n_vips; v++) {
		if (run->report->outcomes[v] == VIP_ALREADY)
			continue;
		run->report->outcomes[v] = VIP_FAILED;
		addrset_remove(&run->leaving, &run->targets[v].prefix.addr);
	}
}

void run_refuse_overdue(struct run *run)
{
	usec_t late = run_now(run) - run->deadline;

	call_off(run);
	report_fail(run->report, RESULT_FAILED, EXIT_DEADLINE,
		    "%s was about to change %llu ms after the deadline: too late, somebody may "
		    "have decided otherwise; nothing changed",
		    run->link.name, (unsigned long long)(late / USEC_PER_MSEC));
}

/* Whether so much time has passed that the hold has ended and connections were born. */
static bool look_is_stale(const struct run *run)
{
	return run_now(run) > run->prepared + run->env->settings->hold_max;
}

void check_again(struct run *run)
{
	if (run_is_overdue(run)) {
		run_refuse_overdue(run);
		return;
	}
	if (!look_is_stale(run))
		return;
	check_change(run);
	if (run->done)
		call_off(run);
	else if (run->req->op == OP_DEL && run_may_pin(run))
		pin_entries(run);
}
