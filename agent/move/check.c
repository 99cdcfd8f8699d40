/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Find out what the request would change, and refuse what must not be. Reads only. */
#include "move/stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SCOPE_GLOBAL 0 /* RT_SCOPE_UNIVERSE */

static void check_fail(struct run *run, int error, const char *what)
{
	report_fail(run->report, RESULT_FAILED,
		    error == -EPERM ? EXIT_NOT_PERMITTED : EXIT_KERNEL_REFUSED,
		    "%s: %s; nothing changed", what, strerror(-error));
	run->done = true;
}

/* The address is there, but not as it was asked for. */
static void warn_other_holders(struct run *run, const struct prefix *p)
{
	char want[PREFIX_TEXT_MAX], have[PREFIX_TEXT_MAX];
	size_t i;

	prefix_format(p, want);
	for (i = 0; i < run->before.n; i++) {
		const struct ifaddr *a = &run->before.items[i];

		if (!addr_equal(&a->prefix.addr, &p->addr))
			continue;
		if (a->ifindex == run->link.ifindex && a->prefix.len == p->len)
			continue;
		report_warn(run->report, "other-holder", "",
			    "%s: the same address is on %s as %s, which is not touched", want,
			    a->ifindex == run->link.ifindex ? run->link.name : "another device",
			    prefix_format(&a->prefix, have));
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
	};

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
		warn_other_holders(run, &vip->prefix);
		if (addr_table_find(&run->before, run->link.ifindex, &vip->prefix))
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
	if (todo)
		run_check_insisted(run);
}

/* A goes along when PRIMARY is deleted: a secondary of its subnet and mask
 * (__inet_del_ifa(): same mask and inet_ifa_match()). */
static bool depends_on(const struct ifaddr *a, const struct ifaddr *primary)
{
	return a->ifindex == primary->ifindex && a->flags & IFADDR_SECONDARY &&
	       a->prefix.len == primary->prefix.len &&
	       prefix_covers(&primary->prefix, &a->prefix.addr);
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
	if (go && !stay)
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

static void check_del(struct run *run)
{
	bool will_go[VIPS_MAX] = { false };
	size_t i, todo = 0;
	int r;

	for (i = 0; i < run->req->n_vips; i++) {
		const struct prefix *p = &run->req->vips[i].prefix;
		const struct ifaddr *a = addr_table_find(&run->before, run->link.ifindex, p);

		warn_other_holders(run, p);
		if (!a) {
			run->report->outcomes[i] = VIP_ALREADY;
			run->targets[i] = (struct ifaddr){ .prefix = *p };
			continue;
		}
		run->targets[i] = *a;
		will_go[i] = true;
		todo++;
	}
	if (!todo) {
		run->done = true;
		return;
	}
	run_check_insisted(run);
	order_moves(run);
	for (i = 0; i < run->req->n_vips && !run->done; i++)
		if (will_go[i])
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

/* The first time the source is asked. A second look (look.c) asks the kernel, since what a
 * source knows may be as old as the events that it has read. */
void stage_check(struct run *run)
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
